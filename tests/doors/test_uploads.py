from __future__ import annotations

import os
import time
from pathlib import Path

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


def test_uploads_fill_no_more_of_the_disk_than_they_may(tmp_path: Path) -> None:
    page, now = client(folder=tmp_path, most_bytes=100), time.time()
    for name, age in (("old", 7_200), ("older", 9_000), ("young", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_bytes(b"x" * 40)
        os.utime(tmp_path / name / "file.txt", (now - age, now - age))
    assert page.post("/gradio_api/upload").text == "kept"
    assert [path.parent.name for path in sorted(tmp_path.rglob("*.txt"))] == ["old", "young"]
    (tmp_path / "young" / "more.txt").write_bytes(b"x" * 100)
    refused = page.post("/gradio_api/upload")
    assert refused.status_code == 507
    assert "try again in half an hour" in refused.text
    assert {path.name for path in (tmp_path / "young").iterdir()} == {"file.txt", "more.txt"}
