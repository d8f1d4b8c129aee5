"""One user and one password before everything that the page serves (HTTP Basic)."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from mrl_demo.core.errors import LabError
from mrl_demo.ui.shared.doors import is_from_here

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def check_password(given: str) -> str:
    """USER:PASSWORD, or "" for none; raises `LabError` that does not repeat it.

    >>> check_password("me:secret")
    'me:secret'
    >>> check_password("secret")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: The password is not USER:PASSWORD with both parts: as in guest:correct-horse.
    """
    user, _, secret = given.partition(":")
    if given and not (user and secret):
        raise LabError("The password is not USER:PASSWORD with both parts: as in guest:correct-horse.")
    return given


class AskPassword:
    """ASGI middleware that lets in who names `password` ("user:password")."""

    def __init__(self, app: ASGIApp, password: str) -> None:
        self.app, self._wanted = app, password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_asked = scope["type"] in {"http", "websocket"} and not _is_own_start(scope)
        if not is_asked or hmac.compare_digest(_given(Headers(scope=scope)), self._wanted):
            await self.app(scope, receive, send)
            return
        asks = {"www-authenticate": 'Basic realm="Matryoshka lab", charset="UTF-8"'}
        refusal = PlainTextResponse("This page asks for a password.\n", status_code=401, headers=asks)
        await refusal(scope, receive, send)


def _is_own_start(scope: Scope) -> bool:
    """Whether Gradio itself asks whether it is up: without an answer it does not start."""
    return bool(scope["path"].endswith("/startup-events")) and is_from_here(scope)


def _given(headers: Headers) -> bytes:
    kind, _, value = headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(value, validate=True) if kind.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""
