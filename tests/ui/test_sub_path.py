"""The page behind a proxy that serves it under a path of its own, in Chromium."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mrl_demo.core.config import Settings
from mrl_demo.ui.app import build_app, launch
from tests.ui.conftest import free_port
from tests.ui.samples import StubLab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PREFIX = "/lab"
#: Headers of the answer that hold for one connection, or that the proxy's server sets again.
OWN = {"content-length", "content-encoding", "transfer-encoding", "connection", "date", "server"}


@contextmanager
def proxy(target: str) -> Iterator[str]:
    """A server of ours that takes `PREFIX` off the path and passes everything else on; outside it is nothing."""
    client = httpx.AsyncClient(timeout=60)

    async def forward(request: Request) -> Response:
        if not request.url.path.startswith(f"{PREFIX}/") or request.url.path == f"{PREFIX}/metrics":
            return PlainTextResponse("outside", 404)
        url = f"{target}{request.url.path.removeprefix(PREFIX)}?{request.url.query}"
        kept = {name: value for name, value in request.headers.items() if name not in {"host", "accept-encoding"}}
        kept["x-forwarded-for"] = "203.0.113.7"
        kept["x-forwarded-proto"] = "http"
        asked = client.build_request(request.method, url, headers=kept, content=await request.body())
        answer = await client.send(asked, stream=True)
        headers = {name: value for name, value in answer.headers.items() if name not in OWN}
        return StreamingResponse(answer.aiter_bytes(), answer.status_code, headers)

    port = free_port()
    routes = [Route("/{path:path}", forward, methods=["GET", "POST", "DELETE"])]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}{PREFIX}/"
    finally:
        server.should_exit, server.force_exit = True, True
        thread.join(timeout=10)


@pytest.mark.browser
def test_nothing_is_missing_behind_a_sub_path(browser: Browser) -> None:
    port = free_port()
    blocks = build_app(StubLab())
    launch(blocks, replace(Settings(), port=port, root_path=PREFIX))
    problems: list[str] = []
    try:
        with proxy(f"http://127.0.0.1:{port}") as address, browser.new_context() as context:
            page = context.new_page()
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
            page.on(
                "response", lambda seen: problems.append(f"{seen.status} {seen.url}") if seen.status >= 400 else None
            )
            page.goto(address)
            page.fill("#query textarea, #query input", "long")
            page.click("#search")
            page.wait_for_selector("text=The query was cut.")
            page.wait_for_timeout(500)  # Browsers look for an icon once the page is there.
    finally:
        blocks.close()
    assert problems == []
