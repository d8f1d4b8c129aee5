"""A client of OpenAI-compatible embedding servers: one request, and one line for whatever goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.serving.endpoint import JsonEndpoint, ServerError, check_address


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
        check_address(self.url, self.timeout_s)
        if self.dim < 1:
            raise ServerError(f"dim is {self.dim}: ask for 1 number or more, as in 64.")

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
        self._endpoint = JsonEndpoint(target.address, target.timeout_s, target.key_variable)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> FloatMatrix:
        """`(n, length)` float32 as the server gives them, in the order of `texts`."""
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        body: dict[str, Any] = {"model": self._target.model, "input": list(texts), "encoding_format": "float"}
        if dimensions is not None:
            body["dimensions"] = dimensions
        return self._vectors(self._endpoint.post(body), len(texts))

    def close(self) -> None:
        """Let go of the connections."""
        self._endpoint.close()

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
