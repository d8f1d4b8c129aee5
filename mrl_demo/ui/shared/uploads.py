"""Uploads at the door: none where nothing takes them, few a minute from one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from mrl_demo.api.limits import CallerLimit
from mrl_demo.core.errors import LabError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UPLOADS_A_MINUTE = 30
_PATH = "/upload"


class LimitUploads:
    """ASGI middleware that refuses uploads if not `are_taken`, and more than `per_minute` of one address."""

    def __init__(self, app: ASGIApp, *, are_taken: bool = True, per_minute: int = UPLOADS_A_MINUTE) -> None:
        self.app, self.are_taken, self._limit = app, are_taken, CallerLimit(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(_PATH):
            await self.app(scope, receive, send)
            return
        if not self.are_taken:
            await PlainTextResponse("This page takes no files.\n", status_code=403)(scope, receive, send)
            return
        try:
            self._limit.take((scope.get("client") or ("",))[0])
        except LabError as error:
            await PlainTextResponse(f"{error}\n", status_code=429)(scope, receive, send)
            return
        await self.app(scope, receive, send)
