"""Which visitors have a browser open that hears of their events: a job that nobody listens to need not go on."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_STREAM = "/queue/data"


class Listeners:
    """Counts the open streams of each session; safe to share between threads.

    >>> listeners = Listeners()
    >>> listeners.hears("me")  # Nobody counts here.
    True
    >>> listeners.open("you")
    >>> listeners.hears("me"), listeners.hears("you")
    (False, True)
    """

    def __init__(self) -> None:
        self._streams: Counter[str] = Counter()
        self._is_counting = False
        self._lock = threading.Lock()

    def hears(self, session: str) -> bool:
        """Whether a session has a stream open; True if no stream was ever counted, as in a page served otherwise."""
        with self._lock:
            return not self._is_counting or self._streams[session] > 0

    def count(self) -> int:
        """How many sessions have a stream open."""
        with self._lock:
            return len(self._streams)

    def open(self, session: str) -> None:
        """A session has one stream more."""
        with self._lock:
            self._is_counting = True
            self._streams[session] += 1

    def close(self, session: str) -> None:
        """A session has one stream less."""
        with self._lock:
            self._streams[session] -= 1
            if self._streams[session] <= 0:
                del self._streams[session]


#: The streams of this process.
LISTENERS = Listeners()


class CountListeners:
    """ASGI middleware that counts in `listeners` the streams through which browsers hear of Gradio's events."""

    def __init__(self, app: ASGIApp, listeners: Listeners = LISTENERS) -> None:
        self.app, self.listeners = app, listeners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].endswith(_STREAM):
            await self.app(scope, receive, send)
            return
        session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        self.listeners.open(session)
        try:
            await self.app(scope, receive, send)
        finally:
            self.listeners.close(session)
