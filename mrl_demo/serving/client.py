"""A client of OpenAI-compatible embedding servers: one request, and one line for whatever goes wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix

_FIXES = {
    401: "the key is missing or wrong: name the environment variable that holds it with --api-key-env",
    403: "the key may not use this model: ask its owner, or name another key with --api-key-env",
    404: "there is no such address or model there: check --url (it ends in /v1 as a rule) and --model",
    413: "the texts are too long for it: start it with a larger limit",
    422: "it does not understand the request: is it an OpenAI-compatible server?",
    429: "it takes no more requests now: wait, or raise its limit",
}
_SHOWN = 200


class ServerError(LabError, RuntimeError):
    """A server that gives no usable answer; `status` is its HTTP status, 0 if there was none."""

    status: int = 0


@dataclass(frozen=True)
class ServerTarget:
    """Where to ask, for which model, at which length; the key is read from an environment variable and never shown.

    Raises `ServerError` for an address that is none and for lengths below 1.

    >>> ServerTarget("http://127.0.0.1:8000/v1/", "mine", 64).address
    'http://127.0.0.1:8000/v1/embeddings'
    """

    url: str
    model: str
    dim: int
    query_prompt: str = ""
    key_variable: str = ""
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ServerError(f"{self.url!r} is no address: write it as in http://127.0.0.1:8000/v1.")
        if self.dim < 1:
            raise ServerError(f"dim is {self.dim}: ask for 1 number or more, as in 64.")
        if not self.timeout_s > 0:
            raise ServerError(f"timeout is {self.timeout_s}: give it seconds above 0, as in 30.")

    @property
    def address(self) -> str:
        """Where embeddings are asked for."""
        return f"{self.url.rstrip('/')}/embeddings"


class EmbeddingClient:
    """Asks one server; raises `ServerError` for every answer that is not one vector a text, finite, of one length.

    >>> EmbeddingClient(ServerTarget("http://127.0.0.1:9/v1", "mine", 64)).embed([]).shape
    (0, 0)
    """

    def __init__(self, target: ServerTarget) -> None:
        self._target = target
        headers = {"Authorization": f"Bearer {self._key()}"} if target.key_variable else {}
        self._http = httpx.Client(timeout=target.timeout_s, headers=headers, follow_redirects=False)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> FloatMatrix:
        """`(n, length)` float32 as the server gives them, in the order of `texts`."""
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        body: dict[str, Any] = {"model": self._target.model, "input": list(texts), "encoding_format": "float"}
        if dimensions is not None:
            body["dimensions"] = dimensions
        return self._vectors(self._answer(body), len(texts))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _key(self) -> str:
        key = os.environ.get(self._target.key_variable, "")
        if not key:
            raise ServerError(f"The environment variable {self._target.key_variable!r} is empty: put the key into it.")
        return key

    def _answer(self, body: dict[str, Any]) -> object:
        address = self._target.address
        try:
            reply = self._http.post(address, json=body)
        except httpx.TimeoutException:
            raise ServerError(
                f"{address} gave no answer in {self._target.timeout_s:g} s: is it still loading? Raise --timeout."
            ) from None
        except httpx.HTTPError as error:
            raise ServerError(f"{address} cannot be reached ({error}): start the server, or check --url.") from None
        if reply.status_code != 200:
            raise self._refusal(reply)
        try:
            return reply.json()
        except ValueError:
            says = f"{address} answered with something that is no JSON ({_start_of(reply)}): check --url."
            raise ServerError(says) from None

    def _refusal(self, reply: httpx.Response) -> ServerError:
        fix = _FIXES.get(reply.status_code, "read its log, and try again when it is well")
        error = ServerError(f"{self._target.address} answered {reply.status_code} ({_start_of(reply)}): {fix}.")
        error.status = reply.status_code
        return error

    def _vectors(self, answer: object, n: int) -> FloatMatrix:
        address = self._target.address
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])  # type: ignore[index]
            lists = [row["embedding"] for row in rows]
        except (KeyError, TypeError) as error:
            says = (
                f"{address} answered JSON without data[].index and data[].embedding ({error}): is it OpenAI-compatible?"
            )
            raise ServerError(says) from None
        if len(lists) != n:
            raise ServerError(f"{address} gave {len(lists)} vectors for {n} texts: nothing it says can be relied on.")
        try:
            vectors = np.asarray(lists, dtype=np.float32)
        except (ValueError, TypeError):
            lengths = sorted({len(row) if isinstance(row, list) else 0 for row in lists})
            raise ServerError(f"{address} gave vectors that are no lists of one length ({lengths}).") from None
        if vectors.ndim != 2 or not vectors.shape[1]:
            raise ServerError(f"{address} gave vectors of shape {vectors.shape}: one list of numbers a text is needed.")
        if not np.isfinite(vectors).all():
            bad = int((~np.isfinite(vectors).all(axis=1)).sum())
            raise ServerError(
                f"{address} gave NaN or infinity in {bad} of {n} vectors: run the model in float32 or bf16."
            )
        return vectors


def _start_of(reply: httpx.Response) -> str:
    text = " ".join(reply.text[: 2 * _SHOWN].split())
    return text[:_SHOWN] or "no text"
