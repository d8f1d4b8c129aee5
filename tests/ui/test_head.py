from __future__ import annotations

import re
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mrl_demo.core.config import Settings
from mrl_demo.ui.app import build_app, launch
from mrl_demo.ui.head import TITLE, OwnHead, Preview, icon_link, preview_of, preview_tags, with_own_head
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
    assert answer.text == HTML.replace("</head>", f"{preview_tags(Preview()).decode()}{icon_link().decode()}</head>", 1)
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


def scope(query: bytes = b"", **headers: str) -> dict[str, Any]:
    """A request for the page as a server hands it over."""
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "path": "/", "query_string": query, "headers": pairs}


def test_a_link_is_previewed_with_its_question_and_its_own_picture() -> None:
    seen = scope(
        b"q=why%20%22%3Cb%3E%22&dim=64", host="127.0.0.1", x_forwarded_host="lab.example", x_forwarded_proto="https"
    )
    tags = preview_tags(preview_of(seen, "/sub")).decode()
    assert 'og:title" content="“why &#34;&lt;b&gt;&#34;” – Matryoshka lab"' in tags
    assert 'og:image" content="https://lab.example/sub/card.png?q=why%20%22%3Cb%3E%22&amp;dim=64"' in tags
    assert 'og:url" content="https://lab.example/sub/?q=' in tags
    assert 'twitter:card" content="summary_large_image"' in tags


@pytest.mark.parametrize("host", ['x" onload="y', "a b", "<script>", "", "evil.example/path", "a" * 300])
def test_what_is_no_host_is_not_repeated(host: str) -> None:
    assert preview_of(scope(host=host), "").root == ""
    assert b"og:image" not in preview_tags(preview_of(scope(host=host), ""))


@pytest.mark.parametrize(
    "query", [b"q=" + b"x" * 50_000, b"&".join([b"q=1"] * 500), b"q=\xff\xfe", b"q=%ff%00%e2%80%ae"]
)
def test_any_query_string_is_previewed(query: bytes) -> None:
    preview = preview_of(scope(query, host="lab.example"), "")
    assert len(preview.title) < 130
    assert "\u202e" not in preview.title
    preview_tags(preview)


def test_the_page_is_there_before_any_script_and_no_script_takes_the_skeleton_for_it() -> None:
    page = with_own_head(b"<html><head></head><body><gradio-app></gradio-app></body></html>", Preview()).decode()
    before, _ = page.split("<gradio-app>")
    assert "<h1>Matryoshka lab</h1>" in before and "of 384 numbers" in before
    skeleton = before[before.index('<div class="skeleton"') :]
    assert " id=" not in skeleton and "<script" not in skeleton
