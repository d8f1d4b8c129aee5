"""Uploads at the door: none where nothing takes them, few a minute from one address, no more than the disk may hold."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from mrl_demo.api.limits import CallerLimit
from mrl_demo.core.errors import LabError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UPLOADS_A_MINUTE = 30
_PATH = "/upload"
#: What was uploaded so lately may still be read, by the visitor who brought it.
_YOUNG_SECONDS = 1_800.0


class LimitUploads:
    """ASGI middleware that refuses uploads if not `are_taken`, and more than `per_minute` of one address.

    If `folder`, where Gradio puts them, holds over `most_bytes`, the oldest make room; what is young stays, and then
    there is no room for another.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        are_taken: bool = True,
        per_minute: int = UPLOADS_A_MINUTE,
        folder: Path | None = None,
        most_bytes: int = 0,
    ) -> None:
        self.app, self.are_taken, self._limit = app, are_taken, CallerLimit(per_minute)
        self._folder, self._most_bytes = folder, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(_PATH):
            status, words = await self._refusal((scope.get("client") or ("",))[0])
            if words:
                await PlainTextResponse(f"{words}\n", status_code=status)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _refusal(self, address: str) -> tuple[int, str]:
        """Status and words if a file of this address is not taken now, "" if it is."""
        if not self.are_taken:
            return 403, "This page takes no files."
        try:
            self._limit.take(address)
        except LabError as error:
            return 429, str(error)
        if self._folder and not await asyncio.to_thread(make_room, self._folder, self._most_bytes):
            return 507, "Too many files were uploaded of late: please try again in half an hour."
        return 200, ""


def make_room(folder: Path, most_bytes: int, young_seconds: float = _YOUNG_SECONDS) -> bool:
    """Whether the files below `folder` are fewer than `most_bytes`, once the oldest that are not young are deleted."""
    files = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                files.append((path.stat().st_mtime, path.stat().st_size, path))
        except OSError:  # Gone meanwhile.
            continue
    total, now = sum(size for _, size, _ in files), time.time()
    for born, size, path in sorted(files):
        if total < most_bytes or now - born < young_seconds:
            break
        path.unlink(missing_ok=True)
        total -= size
    return total < most_bytes
