"""What a watchdog and a monitor ask: `/healthz` for everybody, `/metrics` (Prometheus text) for this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.responses import PlainTextResponse, Response

from mrl_demo.ui.shared.doors import is_from_here
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.listeners import LISTENERS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEALTH, _METRICS = "/healthz", "/metrics"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
#: Requests that stay open for as long as somebody listens are counted, not timed.
_STREAMS = ("/queue/data", "/heartbeat/")


class PageMetrics:
    """The figures of one process: requests, listeners, tasks on the lines, and the process itself.

    >>> metrics = PageMetrics()
    >>> metrics.count("GET", 200, 0.01)
    >>> "mrl_requests_total" in metrics.text()
    True
    """

    def __init__(self, lines: tuple[HeavyLine, ...] = ()) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        names = ["method", "status"]
        self._requests = Counter("mrl_requests", "Requests answered", names, registry=self._registry)
        self._seconds = Histogram("mrl_request_seconds", "Time to the end of an answer", registry=self._registry)
        listeners = Gauge("mrl_listening_sessions", "Browsers that hear of events", registry=self._registry)
        listeners.set_function(LISTENERS.count)
        waiting = Gauge("mrl_heavy_tasks", "Builds and measurements, waiting or under way", registry=self._registry)
        waiting.set_function(lambda: sum(line.length for line in lines))

    def count(self, method: str, status: int, seconds: float | None) -> None:
        """One request was answered, in so many seconds (None: a stream)."""
        known = method if method in {"GET", "POST", "HEAD", "OPTIONS", "DELETE"} else "other"
        self._requests.labels(known, str(status)).inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def text(self) -> str:
        """All figures as Prometheus text."""
        return generate_latest(self._registry).decode()


class ServeHealth:
    """ASGI middleware that answers `/healthz` and `/metrics` and counts everything else in `metrics`."""

    def __init__(self, app: ASGIApp, metrics: PageMetrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].endswith(_HEALTH):
            await PlainTextResponse("ok\n", headers={"cache-control": "no-store"})(scope, receive, send)
        elif scope["path"].endswith(_METRICS):
            await self._metrics(scope)(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    def _metrics(self, scope: Scope) -> Response:
        if not is_from_here(scope):
            return PlainTextResponse("Figures are for this machine only.\n", status_code=403)
        return Response(self.metrics.text(), media_type=_TEXT)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            """Send, and remember the status."""
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            is_stream = any(part in scope["path"] for part in _STREAMS)
            self.metrics.count(scope["method"], status, None if is_stream else time.perf_counter() - started)
