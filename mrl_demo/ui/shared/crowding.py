"""A part of the server's attention for each address: what one sends beyond it is refused while it lasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from gradio import Blocks
    from starlette.types import ASGIApp, Receive, Scope, Send

#: Requests under way, and events waiting, of one address: a class behind one address has room, a flood has none.
MOST_OF_ONE = 60
BUSY = "Too much of one address is under way: please wait for the answers."
#: Gradio's page shows this status as "busy, try again".
_STATUS = 503
_WAITS = ("/queue/join", "/call/")


class LimitCrowding:
    """ASGI middleware that refuses what one address sends while `most` requests of it are under way.

    Events that would wait in the queue are refused, too, while `waiting(address)` counts so many, so that nobody fills
    the queue that all wait in.
    """

    def __init__(
        self, app: ASGIApp, waiting: Callable[[str], int] = lambda _address: 0, most: int = MOST_OF_ONE
    ) -> None:
        self.app, self._waiting, self._most = app, waiting, most
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        address = str((scope.get("client") or ("",))[0])
        if self._under_way[address] >= self._most or (_waits(scope) and self._waiting(address) >= self._most):
            refusal = JSONResponse({"detail": BUSY}, _STATUS, {"retry-after": "2"})
            await refusal(scope, receive, send)
            return
        self._under_way[address] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]


def _waits(scope: Scope) -> bool:
    return any(part in scope["path"] for part in _WAITS)


def count_waiting(page: Blocks) -> Callable[[str], int]:
    """Tells how many events of an address wait in the page's queue."""

    def count(address: str) -> int:
        """How many events of an address wait."""
        queues = page._queue.event_queue_per_concurrency_id.values()
        peers = (event.request.client for queue in list(queues) for event in list(queue.queue) if event.request)
        return sum(peer is not None and peer.host == address for peer in peers)

    return count
