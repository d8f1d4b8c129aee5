"""What is turned away before Gradio sees it: hosts that are not ours, and bodies that are too long."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from mrl_demo.core.config import LOOPBACK_NAMES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Of any request: the largest file that may be uploaded, and what surrounds it.
MOST_BODY_BYTES = 60_000_000
#: What Gradio would serve besides the page: its own figures, files written for links of its own, tools of developers.
_CLOSED = re.compile(
    r"/(?:monitoring|gradio_api/(?:deep_link|process_recording|(?:undo-)?vibe-[a-z]+|vibe-starter-queries|dev/reload|"
    r"runs|run-history|profiling|stream|custom_component|proxy=[^/]*))(?:/|$)"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}


class GuardDoors:
    """ASGI middleware that refuses requests for other `hosts` (any if empty) and with bodies over `most_bytes`.

    A page of the web that points its own name at this machine would otherwise drive a page that is served for this
    machine alone (DNS rebinding). What Gradio serves besides and this page does not use is not there.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), most_bytes: int = MOST_BODY_BYTES) -> None:
        self.app, self.hosts, self.most_bytes = app, frozenset(hosts), most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self.hosts and host_name(headers.get("host", "")) not in self.hosts:
            words = "This page is served for this machine only: open it as localhost, or name your host in MRL_HOSTS."
            await PlainTextResponse(words, status_code=421)(scope, receive, send)
        elif _CLOSED.search(scope["path"]):
            await PlainTextResponse("There is no such page.\n", status_code=404)(scope, receive, send)
        elif _declared_length(headers) > self.most_bytes:
            await self._refuse_length(scope, receive, send)
        else:
            await self._pass_on(scope, receive, _with_headers(send))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes without a declared length, too."""
        received = 0
        has_begun = False

        async def counted() -> Message:
            """The next message; raises once the body is too long."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if received > self.most_bytes:
                raise _TooLongError
            return message

        async def watched(message: Message) -> None:
            """Send, and remember that the answer has begun."""
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except _TooLongError:
            if not has_begun:
                await self._refuse_length(scope, receive, send)

    async def _refuse_length(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = f"A request may have {self.most_bytes / 1e6:.0f} MB at most."
        await PlainTextResponse(words, status_code=413)(scope, receive, send)


def _with_headers(send: Send) -> Send:
    """Add what tells a browser to take nothing for what it is not. Framing stays allowed: pages embed Compare."""

    async def send_with_headers(message: Message) -> None:
        """Send, with the headers if the answer begins."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


class _TooLongError(Exception):
    pass


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets.

    >>> host_name("localhost:7860"), host_name("[::1]:7860"), host_name("Example.org")
    ('localhost', '::1', 'example.org')
    """
    if host.startswith("["):
        return host[1:].split("]")[0].lower()
    return host.split(":")[0].lower()


def _declared_length(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def is_from_here(scope: Scope) -> bool:
    """Whether a request comes from this machine itself and not through a proxy on it.

    >>> is_from_here({"client": ("127.0.0.1", 5), "headers": []})
    True
    >>> is_from_here({"client": ("127.0.0.1", 5), "headers": [(b"x-forwarded-for", b"203.0.113.9")]})
    False
    """
    names = {name.lower() for name, _ in scope.get("headers", ())}
    client = scope.get("client") or ("", 0)
    return client[0] in LOOPBACK_NAMES and not names & {b"x-forwarded-for", b"forwarded", b"x-real-ip"}
