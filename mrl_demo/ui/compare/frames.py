"""What the slider shows, for several lengths at once: the browser has them before the finger is there.

A question that was answered is asked for lengths; `static/results.js` keeps the answers and draws them itself, so that
moving the slider waits for no server. Nothing else is served here: what would have to be built or loaded is refused,
and the page then asks its usual way.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mrl_demo.core.errors import LabError
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare import view as compare_view
from mrl_demo.ui.compare.asking import where_of
from mrl_demo.ui.compare.state import Question
from mrl_demo.ui.shared.guard import guarded

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

FRAMES_PATH = "/slider-frames"
#: Lengths in one answer: about 50 ms of work.
MOST_LENGTHS = 16
#: Of a request: a question of the longest kind, written out in JSON.
_MOST_BYTES = 32_768
_AT_ONCE = 2


@dataclass(frozen=True)
class FrameRequest:
    """A question and the lengths at which it is to be shown.

    >>> FrameRequest.from_json('{"query": "bees", "corpus": "builtin", "arms": ["base"], "dims": [64, 8]}').dims
    (64, 8)
    """

    question: Question
    dims: tuple[int, ...]

    @classmethod
    def from_json(cls, text: str | bytes) -> FrameRequest:
        """Read what the browser sent; raises `LabError` if it is something else."""
        try:
            raw = json.loads(text)
            query, corpus, arms, dims = (raw[name] for name in ("query", "corpus", "arms", "dims"))
            part = raw.get("part", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LabError("A request for frames is an object of query, corpus, arms and dims.") from error
        if not (_are(str, query, corpus, part) and _is_list(str, arms) and _is_list(int, dims)):
            raise LabError("A request for frames has a query, a corpus, names of methods and whole numbers.")
        if not 1 <= len(dims) <= MOST_LENGTHS or not 1 <= len(arms) <= 2:
            raise LabError(f"A request for frames has one or two methods, and at most {MOST_LENGTHS} lengths.")
        return cls(Question(query, corpus, tuple(arms), part), tuple(dims))


def draw_frames(lab: LabProtocol, request: FrameRequest) -> dict[int, str] | None:
    """The results as HTML by length, None if something had to be built first; raises `LabError` as `compare` does."""
    question = request.question
    if not lab.is_ready(question.corpus, question.arms):
        return None
    comparisons = lab.compare_at(
        question.query,
        corpus=question.corpus,
        arms=question.arms,
        dims=tuple(dict.fromkeys(request.dims)),
        where=where_of(question),
    )
    return {comparison.dim: compare_view.results_html(comparison) for comparison in comparisons}


class ServeFrames:
    """ASGI middleware that answers at `FRAMES_PATH` and passes everything else on."""

    def __init__(self, app: ASGIApp, lab: LabProtocol) -> None:
        self.app, self.lab = app, lab
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].endswith(FRAMES_PATH) or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body = await _read_body(Request(scope, receive))
        if body is None:
            response = _refusal(413, "too long")
        else:
            self._limiter = self._limiter or anyio.CapacityLimiter(_AT_ONCE)
            response = await anyio.to_thread.run_sync(self._answer, body, limiter=self._limiter)
        await response(scope, receive, send)

    def _answer(self, body: bytes) -> Response:
        def work() -> Response:
            """Frames for the request, or 204 if they are not ready."""
            frames = draw_frames(self.lab, FrameRequest.from_json(body))
            return Response(status_code=204) if frames is None else _packed(frames)  # 204: not ready, no mistake.

        return guarded(work, lambda error: _refusal(400, str(error)))


async def _read_body(request: Request) -> bytes | None:
    """The body, None if it is too long."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


def _packed(frames: dict[int, str]) -> Response:
    """Neighbouring lengths share most of their HTML: packed, they take a tenth."""
    text = json.dumps({str(dim): markup for dim, markup in frames.items()}, ensure_ascii=False)
    packed = gzip.compress(text.encode("utf-8", "replace"), compresslevel=1, mtime=0)
    headers = {"content-encoding": "gzip", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(packed, media_type="application/json", headers=headers)


def _refusal(status: int, words: str) -> Response:
    return Response(json.dumps({"problem": words}), status_code=status, media_type="application/json")


def _are(kind: type, *values: Any) -> bool:  # noqa: ANN401
    return all(isinstance(value, kind) and not isinstance(value, bool) for value in values)


def _is_list(kind: type, values: Any) -> bool:  # noqa: ANN401
    return isinstance(values, list) and _are(kind, *values)
