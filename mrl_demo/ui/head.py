"""What the head of the page's HTML tells browsers and link previews: Gradio's own speaks of Gradio and names no icon.

Browsers ask the root for an icon that is not named, outside a sub-path.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from mrl_demo.ui.components.markup import html, join_html

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ICON = files("mrl_demo.ui") / "static" / "favicon.png"
TITLE = "Matryoshka lab"
DESCRIPTION = (
    "How short can embeddings be? Drag a slider and watch which model still finds the right passage, measured live."
)
_PREVIEW = re.compile(rb"""<meta\s+(?:property="og:|name="(?:twitter:|description"))[^>]*>\s*""")


@cache
def icon_link() -> bytes:
    """The `<link>` element, the icon itself inside: it works whatever the path under which a proxy shows the page."""
    return b'<link rel="icon" href="data:image/png;base64,' + base64.b64encode(_ICON.read_bytes()) + b'">'


def preview_tags() -> bytes:
    """What a link to the page shows elsewhere: title and description, no picture."""
    shown = {"og:title": TITLE, "og:description": DESCRIPTION, "og:type": "website", "og:site_name": TITLE}
    named = {"description": DESCRIPTION, "twitter:card": "summary"}
    tags = [html('<meta property="{name}" content="{text}">', name=name, text=text) for name, text in shown.items()]
    tags += [html('<meta name="{name}" content="{text}">', name=name, text=text) for name, text in named.items()]
    return join_html(tags).encode()


def with_own_head(page: bytes) -> bytes:
    """An HTML page with our icon and preview instead of those it came with."""
    return _PREVIEW.sub(b"", page).replace(b"</head>", preview_tags() + icon_link() + b"</head>", 1)


class OwnHead:
    """ASGI middleware that gives every HTML page the head of `with_own_head` and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
                    page = with_own_head(bytes(body))
                    await send({**start[0], "headers": _with_length(start[0], len(page))})
                    await send({**message, "body": page})

        await self.app(scope, receive, send_page if scope["type"] == "http" else send)


def _is_html(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"])


def _with_length(message: Message, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
