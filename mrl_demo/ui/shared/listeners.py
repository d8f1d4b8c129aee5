"""Which visitors have a browser open that hears of their events: a job that nobody listens to need not go on."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse

from mrl_demo.ui.components.text import shorten

if TYPE_CHECKING:
    from gradio import Blocks
    from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)
_STREAM = "/queue/data"
#: A named call's answer is heard under the number of its event, which is a session's name if the caller gave none.
_CALL = re.compile(r"/call/(?:v2/)?[^/]+/(?P<event>[^/]+)/?$")


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


def waiting_sessions(blocks: Blocks) -> Callable[[str], bool]:
    """Tells whether answers wait, or will, for a session or for one event by its number."""

    def is_known(name: str) -> bool:
        """Whether an event of the session waits or runs."""
        queue = blocks._queue
        if name in queue.pending_messages_per_session or name in queue.event_ids_to_events:
            return True
        return any(name in events for events in list(queue.pending_event_ids_session.values()))

    return is_known


class CountListeners:
    """ASGI middleware that counts in `listeners` the streams through which browsers hear of Gradio's events.

    Streams of sessions that are not known are refused in a line: Gradio would begin them and end in a traceback.
    """

    def __init__(
        self, app: ASGIApp, listeners: Listeners = LISTENERS, is_known: Callable[[str], bool] = lambda _session: True
    ) -> None:
        self.app, self.listeners, self.is_known = app, listeners, is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        session = _session_of(scope)
        if session is None:
            await self.app(scope, receive, send)
            return
        if not self.is_known(session):
            logger.warning("Nothing waits for the session %r, for which a stream was opened.", shorten(session, 60))
            words = "Nothing waits for this session: it was answered, or the page was started anew. Ask again.\n"
            await PlainTextResponse(words, status_code=404)(scope, receive, send)
            return
        self.listeners.open(session)
        try:
            await self.app(scope, receive, send)
        finally:
            self.listeners.close(session)


def _session_of(scope: Scope) -> str | None:
    """The session, or the event, whose answers are asked for as a stream; None if the request is another one."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if scope["path"].endswith(_STREAM):
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
    call = _CALL.search(scope["path"])
    return call["event"] if call else None
