"""The page's icon, named in its HTML: Gradio's page names none, and browsers then ask the root, outside a sub-path."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ICON = files("mrl_demo.ui") / "static" / "favicon.png"


def icon_link() -> bytes:
    """The `<link>` element, the icon itself inside: it works whatever the path under which a proxy shows the page."""
    return b'<link rel="icon" href="data:image/png;base64,' + base64.b64encode(_ICON.read_bytes()) + b'">'


class IconInPage:
    """ASGI middleware that puts `icon_link` into the head of every HTML page and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._link = icon_link()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        start: list[Message] = []
        body = bytearray()

        async def send_page(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_html(message):
                start.append(message)  # Its content-length is known once the whole page is.
            elif not start:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    page = bytes(body).replace(b"</head>", self._link + b"</head>", 1)
                    await send({**start[0], "headers": _with_length(start[0], len(page))})
                    await send({**message, "body": page})

        await self.app(scope, receive, send_page if scope["type"] == "http" else send)


def _is_html(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"])


def _with_length(message: Message, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
