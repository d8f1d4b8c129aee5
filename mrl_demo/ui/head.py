"""What the head of the page's HTML tells browsers and link previews: Gradio's own speaks of Gradio and names no icon.

Browsers ask the root for an icon that is not named, outside a sub-path.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from mrl_demo.ui.components.markup import html, join_html
from mrl_demo.ui.components.page import LEDE
from mrl_demo.ui.components.skeleton import skeleton
from mrl_demo.ui.components.text import shorten, visible

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STATIC = files("mrl_demo.ui") / "static"
_ICON = _STATIC / "favicon.png"
TITLE = "Matryoshka lab"
DESCRIPTION = (
    "How short can embeddings be? Drag a slider and watch which model still finds the right passage, measured live."
)
#: Where pictures of links are served.
CARD_PATH = "/card.png"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")
_PREVIEW = re.compile(rb"""<meta\s+(?:property="og:|name="(?:twitter:|description"))[^>]*>\s*""")


@cache
def icon_link() -> bytes:
    """The `<link>` element, the icon itself inside: it works whatever the path under which a proxy shows the page."""
    return b'<link rel="icon" href="data:image/png;base64,' + base64.b64encode(_ICON.read_bytes()) + b'">'


@dataclass(frozen=True)
class Preview:
    """What a link to the page shows elsewhere; `root` is the page's address, "" if its pictures are not served."""

    root: str = ""
    query_string: str = ""

    @property
    def title(self) -> str:
        """The question that a link asks, and the page's name."""
        query = dict(parse_qsl(self.query_string[:32_768], max_num_fields=100)).get("q", "").strip()
        return f"“{shorten(visible(query), 90)}” – {TITLE}" if query else TITLE

    @property
    def link(self) -> str:
        """The address itself."""
        return self.root + (f"?{self.query_string}" if self.query_string else "")

    @property
    def image(self) -> str:
        """Where the link's picture is."""
        return self.root.rstrip("/") + CARD_PATH + (f"?{self.query_string}" if self.query_string else "")


def preview_of(scope: Scope, root_path: str) -> Preview:
    """The preview of the address that a request asks for; parameters it cannot have in a preview are left out."""
    try:
        query = scope.get("query_string", b"").decode("ascii")
        parse_qsl(query, max_num_fields=100)
    except ValueError:  # Too many fields, or bytes that no browser sends.
        query = ""
    return Preview(public_root(scope, root_path), query)


def public_root(scope: Scope, root_path: str) -> str:
    """The page's address as its visitor sees it, with a slash at the end.

    A proxy tells scheme and host in its headers; what is no host name there is not repeated.
    """
    if root_path.startswith(("http://", "https://")):
        return root_path.rstrip("/") + "/"
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
    scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip() or scope.get("scheme", "http")
    host = (headers.get("x-forwarded-host") or headers.get("host", "")).split(",")[0].strip()
    if not _HOST.fullmatch(host) or scheme not in {"http", "https"}:
        return ""
    path = root_path.strip("/")
    return f"{scheme}://{host}/{path}/" if path else f"{scheme}://{host}/"


def preview_tags(preview: Preview) -> bytes:
    """What a link to the page shows elsewhere: title, description, and a picture if there is one."""
    shown = {"og:title": preview.title, "og:description": DESCRIPTION, "og:type": "website", "og:site_name": TITLE}
    named = {"description": DESCRIPTION, "twitter:card": "summary"}
    if preview.root:
        shown |= {"og:url": preview.link, "og:image": preview.image, "og:image:width": "1200"}
        shown |= {"og:image:height": "630", "og:image:alt": "The question, and where its answer stands on each side"}
        named |= {"twitter:card": "summary_large_image"}
    tags = [html('<meta property="{name}" content="{text}">', name=name, text=text) for name, text in shown.items()]
    tags += [html('<meta name="{name}" content="{text}">', name=name, text=text) for name, text in named.items()]
    return join_html(tags).encode()


def with_own_head(page: bytes, preview: Preview) -> bytes:
    """An HTML page with our icon and preview instead of those it came with, marked if it is to show no chrome.

    Gradio's page gets a skeleton to show until its scripts have run.
    """
    whole = _PREVIEW.sub(b"", page).replace(b"</head>", preview_tags(preview) + icon_link() + b"</head>", 1)
    modes = dict(parse_qsl(preview.query_string))
    marks = b"".join(f" data-{mode}".encode() for mode in ("embed", "present") if modes.get(mode) == "1")
    return whole.replace(b"<html", b"<html" + marks, 1).replace(b"<gradio-app", _skeleton() + b"<gradio-app", 1)


@cache
def _skeleton() -> bytes:
    return b"<style>" + (_STATIC / "skeleton.css").read_bytes() + b"</style>" + skeleton(LEDE).encode()


class OwnHead:
    """ASGI middleware that gives every HTML page the head of `with_own_head` and passes everything else on.

    Previews have a picture if `has_cards`.
    """

    def __init__(self, app: ASGIApp, root_path: str = "", *, has_cards: bool = False) -> None:
        self.app, self.root_path, self.has_cards = app, root_path, has_cards

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        start: list[Message] = []
        body = bytearray()

        async def send_page(message: Message) -> None:
            """Hold an HTML page back until it is whole; pass anything else on."""
            if message["type"] == "http.response.start" and _is_html(message):
                start.append(message)  # Its content-length is known once the whole page is.
            elif not start:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    preview = preview_of(scope, self.root_path)
                    preview = preview if self.has_cards else replace(preview, root="")
                    page = with_own_head(bytes(body), preview)
                    await send({**start[0], "headers": _with_length(start[0], len(page))})
                    await send({**message, "body": page})

        await self.app(scope, receive, send_page if scope["type"] == "http" else send)


def _is_html(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"])


def _with_length(message: Message, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
