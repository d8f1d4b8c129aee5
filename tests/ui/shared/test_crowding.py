from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import anyio
import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mrl_demo.core.config import Settings
from mrl_demo.ui.app import launch
from mrl_demo.ui.shared.crowding import MOST_OF_ONE, LimitCrowding
from mrl_demo.ui.shared.queues import MOST_WAITING, SEARCH
from tests.ui.conftest import free_port
from tests.ui.pages import run_apart


@pytest.fixture
def busy_page() -> Iterator[str]:
    """A page whose one search does not end before the test does."""
    is_over = threading.Event()
    with gr.Blocks() as page:
        gr.Button().click(lambda: is_over.wait(30) and None, api_name="ask", **{**SEARCH, "concurrency_limit": 1})
    yield launch(page.queue(max_size=MOST_WAITING), replace(Settings(), port=free_port()))
    is_over.set()
    page.close()


def join(page: str, session: int, address: str) -> int:
    post = {"data": [], "fn_index": 0, "session_hash": f"made-up-{session}"}
    return httpx.post(f"{page}gradio_api/queue/join", json=post, headers={"x-forwarded-for": address}).status_code


def test_a_flood_of_one_address_leaves_places_in_the_queue_for_others(busy_page: str) -> None:
    flood = [join(busy_page, number, "203.0.113.9") for number in range(MOST_WAITING)]
    assert 60 <= flood.count(200) <= MOST_OF_ONE + 1  # One may be under way by then.
    assert set(flood[-20:]) == {503}
    assert join(busy_page, 0, "203.0.113.10") == 200


def test_requests_of_one_address_that_are_under_way_are_bounded_and_forgotten() -> None:
    async def hold(_request: Request) -> PlainTextResponse:
        await anyio.sleep(0.2)
        return PlainTextResponse("done")

    app = Starlette(
        routes=[Route("/slow", hold, methods=["GET", "POST"])], middleware=[Middleware(LimitCrowding, most=3)]
    )

    async def ask() -> tuple[list[int], int, int]:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("a", 1)), base_url="http://x") as mine,
            httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("b", 1)), base_url="http://x") as yours,
        ):
            statuses: list[int] = []

            async def send(client: httpx.AsyncClient) -> int:
                statuses.append((await client.post("/slow")).status_code)
                return statuses[-1]

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(send, mine)
                await anyio.sleep(0.05)
                other = (await yours.post("/slow")).status_code
            return sorted(statuses), other, await send(mine)

    statuses, other, afterwards = run_apart(ask())
    assert statuses == [200, 200, 200, 503, 503]
    assert (other, afterwards) == (200, 200)
