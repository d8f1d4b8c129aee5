"""Serves the picture of a link at `card.png`, under the same parameters as the link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mrl_demo.ui.head import CARD_PATH, public_root
from mrl_demo.ui.share.desk import CardDesk, ShareImage

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class ServeCards:
    """ASGI middleware that answers for `/card.png` and passes everything else on."""

    def __init__(self, app: ASGIApp, desk: CardDesk, root_path: str = "") -> None:
        self.app, self.desk, self.root_path = app, desk, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != CARD_PATH or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        address = public_root(scope, self.root_path)
        picture = await run_in_threadpool(self.desk.picture, request.url.query, address)
        await _response(picture)(scope, receive, send)


def _response(picture: ShareImage) -> Response:
    headers = {
        "cache-control": "public, max-age=3600" if picture.is_own else "no-cache",
        "x-content-type-options": "nosniff",
        "x-card": "own" if picture.is_own else "front",  # The page tells who wants to save it.
    }
    return Response(picture.png, media_type="image/png", headers=headers)
