"""Calls, events and arguments that there are not, refused in one line.

Gradio itself answers them with an error 500, and fills the server's log with a traceback.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gradio.route_utils import FnIndexInferError, get_fn
from starlette.responses import JSONResponse

from mrl_demo.api.calls import CALLS
from mrl_demo.api.checking import check_names
from mrl_demo.core.errors import LabError
from mrl_demo.ui.components.text import shorten, visible

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)
_NAMED_CALL = re.compile(r"/gradio_api/call/v2/([^/]+)/?$")


def refuse_wrong_names(name: str, given: Mapping[str, Any]) -> None:
    """Raise `LabError`, after one line in the log, if there is no such call, or if it has no such arguments.

    >>> refuse_wrong_names("search", {"query": "bees", "arm": "base", "dims": 64})
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: There is no argument 'dims': choose among query, arm, dim, corpus, top_k, where.
    """
    try:
        if name not in CALLS:
            raise LabError(f"There is no call {shorten(visible(name), 60)!r}: choose among {', '.join(CALLS)}.")
        check_names(CALLS[name], given)
    except LabError as error:
        logger.warning("A call of %s was refused: %s", shorten(visible(name), 60), error)
        raise


class RefuseWrongNames:
    """ASGI middleware that answers 404 or 422 and words if a call, an event or a named argument is none of the page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no JSON object is left to Gradio."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
        elif call := _NAMED_CALL.search(scope["path"]):
            await self._serve_named(call, scope, receive, send)
        else:
            await self._serve_event(scope, receive, send)

    async def _serve_event(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except (FnIndexInferError, KeyError) as error:
            if not _is_unknown_event(error):
                raise
            path = shorten(visible(scope["path"]), 120)
            logger.warning("There is no event for what was sent to %s: %s", path, shorten(visible(str(error)), 120))
            words = f"There is no such event: reload the page, or call one of {', '.join(CALLS)}."
            await JSONResponse({"detail": words}, status_code=404)(scope, receive, send)

    async def _serve_named(self, call: re.Match[str], scope: Scope, receive: Receive, send: Send) -> None:
        messages = await _read_body(receive)
        given = _parse_object(b"".join(message.get("body", b"") for message in messages))
        try:
            if given is not None:
                refuse_wrong_names(call[1], given)
        except LabError as error:
            status = 422 if call[1] in CALLS else 404
            await JSONResponse({"detail": str(error)}, status_code=status)(scope, receive, send)
            return
        await self.app(scope, _replay(messages, receive), send)


def _is_unknown_event(error: Exception) -> bool:
    """Whether an error comes out of Gradio's look-up of an event, and is no mistake of ours."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_code is get_fn.__code__


async def _read_body(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _parse_object(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replayed() -> Message:
        """The messages that were read already, then those to come."""
        message = next(waiting, None)
        return message if message is not None else await receive()

    return replayed
