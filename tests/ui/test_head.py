from __future__ import annotations

import re
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
from mrl_demo.ui.head import TITLE, OwnHead, icon_link, preview_tags
from tests.ui.conftest import free_port
from tests.ui.samples import StubLab

HTML = "<html><head><title>Größe</title></head><body></head></body></html>"


def page(_request: Request) -> HTMLResponse:
    return HTMLResponse(HTML)


def events(_request: Request) -> StreamingResponse:
    return StreamingResponse(iter(("data: </head>\n", "data: 2\n")), media_type="text/event-stream")


def test_html_gets_icon_and_preview_once_and_everything_else_passes() -> None:
    routes = [Route("/", page), Route("/events", events)]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(OwnHead)]))
    answer = client.get("/")
    assert answer.text == HTML.replace("</head>", f"{preview_tags().decode()}{icon_link().decode()}</head>", 1)
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


def test_a_link_to_the_page_shows_what_it_is_and_nothing_of_gradio() -> None:
    blocks = build_app(StubLab())
    address = launch(blocks, replace(Settings(), port=free_port()))
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own loopback address
            html = answer.read().decode()
    finally:
        blocks.close()
    tags = re.findall(r"<meta[^>]*(?:og:|twitter:|description)[^>]*>", html)
    assert [tag for tag in tags if "og:title" in tag] == [f'<meta property="og:title" content="{TITLE}">']
    assert [tag for tag in tags if 'content=""' in tag or "radio" in tag or "Click to try" in tag] == []
    assert any('property="og:description" content="How short' in tag for tag in tags)
    assert 'name="viewport"' in html
