from __future__ import annotations

import urllib.request
from dataclasses import replace

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mrl_demo.core.config import Settings
from mrl_demo.ui.app import build_app, launch
from mrl_demo.ui.icon import IconInPage, icon_link
from tests.ui.conftest import free_port
from tests.ui.samples import StubLab

HTML = "<html><head><title>Größe</title></head><body></head></body></html>"


def page(_request: Request) -> HTMLResponse:
    return HTMLResponse(HTML)


def events(_request: Request) -> StreamingResponse:
    return StreamingResponse(iter(("data: </head>\n", "data: 2\n")), media_type="text/event-stream")


def test_html_gets_the_icon_once_and_everything_else_passes() -> None:
    routes = [Route("/", page), Route("/events", events)]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(IconInPage)]))
    answer = client.get("/")
    assert answer.text == HTML.replace("</head>", icon_link().decode() + "</head>", 1)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert client.get("/events").text == "data: </head>\ndata: 2\n"
    assert client.get("/nowhere").status_code == 404


def test_the_page_behind_a_sub_path_names_its_icon_and_its_path() -> None:
    blocks = build_app(StubLab())
    address = launch(blocks, replace(Settings(), port=free_port(), root_path="/lab"))
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own loopback address
            html = answer.read()
    finally:
        blocks.close()
    assert html.count(icon_link()) == 1
    assert b'/lab"' in html
