from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mrl_demo.ui.app import build_app
from mrl_demo.ui.shared.uploads import LimitUploads
from tests.ui.samples import StubLab


async def keep(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("kept")


def client(**options: object) -> TestClient:
    routes = [Route("/gradio_api/upload", keep, methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(LimitUploads, **options)]))


def test_uploads_are_few_a_minute_and_go_after_a_day() -> None:
    page = client(per_minute=6)
    assert [page.post("/gradio_api/upload").status_code for _ in range(3)] == [200, 200, 429]
    assert page.get("/gradio_api/upload").status_code == 200
    every, age = build_app(StubLab()).delete_cache or (0, 0)
    assert (every, age) == (3_600, 86_400)


def test_a_page_that_takes_no_files_refuses_uploads() -> None:
    assert client(are_taken=False).post("/gradio_api/upload").status_code == 403
