from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.ui.shared.doors import GuardDoors
from mrl_demo.ui.shared.health import PageMetrics, ServeHealth
from mrl_demo.ui.shared.password import AskPassword


async def greet(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def client(host: str = "127.0.0.1", *, password: str = "") -> TestClient:
    middleware = [Middleware(GuardDoors), Middleware(ServeHealth, metrics=PageMetrics())]
    if password:
        middleware.append(Middleware(AskPassword, password=password))
    return TestClient(Starlette(routes=[Route("/", greet)], middleware=middleware), client=(host, 50_000))


def test_health_is_for_everybody_and_figures_for_this_machine_only() -> None:
    assert client("203.0.113.9").get("/healthz").text == "ok\n"
    assert client("203.0.113.9").get("/metrics").status_code == 403
    assert client().get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 403
    here = client()
    here.get("/")
    text = here.get("/lab/metrics").text
    assert 'mrl_requests_total{method="GET",status="200"} 1.0' in text
    assert "mrl_request_seconds_count 1.0" in text
    assert "process_resident_memory_bytes" in text


def test_without_the_password_nothing_is_served_but_health() -> None:
    page = client(password="guest:sésame")  # noqa: S106
    assert page.get("/").status_code == 401
    assert page.get("/healthz").status_code == 200
    assert page.get("/", auth=("guest", "wrong")).status_code == 401
    assert page.get("/", headers={"authorization": "Basic %%%"}).status_code == 401
    assert page.get("/", auth=("guest", "sésame".encode())).text == "hello"


def test_the_password_is_not_in_what_settings_print() -> None:
    assert "hunter2" not in repr(Settings(password="me:hunter2"))  # noqa: S106


def test_headers_tell_browsers_to_guess_nothing() -> None:
    headers = client().get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "microphone=()" in headers["permissions-policy"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_server_and_the_process_ends_well(sign: signal.Signals) -> None:
    code = (
        "import threading; from mrl_demo.ui.serve import wait_until_ended; "
        "threading.Timer(0.3, print, ['up'], {'flush': True}).start(); wait_until_ended(lambda: print('closed'))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=CODE_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.send_signal(sign)
        assert process.stdout.read() == "closed\n"
        assert process.wait(10) == 0
