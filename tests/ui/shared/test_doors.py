from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mrl_demo.core.config import LOOPBACK_NAMES, Settings
from mrl_demo.core.errors import LabError
from mrl_demo.ui.app import launch_options, trusted_hosts, trusted_proxies
from mrl_demo.ui.shared.doors import GuardDoors


async def length_of(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def client(**guard: object) -> TestClient:
    routes = [Route("/", length_of, methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(GuardDoors, **guard)]))


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:7860", 200), ("127.0.0.1", 200), ("[::1]:7860", 200), ("evil.example", 421), ("", 421)],
)
def test_a_page_for_this_machine_answers_to_its_own_names_only(host: str, status: int) -> None:
    answer = client(hosts=LOOPBACK_NAMES).get("/", headers={"host": host})
    assert answer.status_code == status
    assert status == 200 or "MRL_HOSTS" in answer.text
    assert client().get("/", headers={"host": host}).status_code == 200


def test_long_bodies_are_refused_whether_they_say_their_length_or_not() -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 40] * 3

    here = client(most_bytes=100)
    assert here.post("/", content=b"x" * 100).text == "100"
    assert here.post("/", content=b"x" * 101).status_code == 413
    assert here.post("/", content=pieces()).status_code == 413


def test_which_hosts_are_trusted_follows_from_where_the_page_is_served() -> None:
    local = Settings()
    assert trusted_hosts(local) == LOOPBACK_NAMES
    assert trusted_hosts(replace(local, hosts="Lab.example, b")) == {*LOOPBACK_NAMES, "lab.example", "b"}
    assert trusted_hosts(local, "/lab") == trusted_hosts(replace(local, share=True)) == frozenset()
    assert trusted_hosts(replace(local, host="0.0.0.0")) == frozenset()


async def address_of(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.client.host if request.client else "")


@pytest.mark.parametrize(
    ("proxies", "peer", "told", "counted"),
    [
        ("", "10.0.0.5", "203.0.113.9", "10.0.0.5"),
        ("10.0.0.0/8", "10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.5", "6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),  # What a visitor made up.
        ("10.0.0.0/8", "203.0.113.9", "6.6.6.6", "203.0.113.9"),
    ],
)
def test_only_named_proxies_are_believed_on_who_asks(proxies: str, peer: str, told: str, counted: str) -> None:
    believing = launch_options(replace(Settings(), proxies=proxies))["app_kwargs"]["middleware"][0]
    page = TestClient(Starlette(routes=[Route("/", address_of)], middleware=[believing]), client=(peer, 50_000))
    assert page.get("/", headers={"x-forwarded-for": told}).text == counted


def test_a_space_believes_its_host_s_proxy_and_nonsense_is_refused() -> None:
    assert "10.0.0.0/8" in trusted_proxies(Settings.from_environment({"SPACE_ID": "me/lab"}).proxies)
    with pytest.raises(LabError, match=r"MRL_PROXIES names 'lab\.example': give addresses"):
        trusted_proxies("lab.example")


@pytest.mark.parametrize(
    "variable",
    ["MRL_TOP_K=0", "MRL_MAX_QUERY_CHARS=0", "MRL_CACHE_DIR=", "MRL_QUERY_THREADS=-1"],
)
def test_settings_that_cannot_work_are_refused_by_name(variable: str) -> None:
    name, _, value = variable.partition("=")
    with pytest.raises(LabError, match=name):
        Settings.from_environment({name: value})
