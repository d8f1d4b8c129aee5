"""What an engine's searches find and take, length by length: recall against exact search, p50 and p95."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.engine import Engine
from mrl_demo.search.engines.collection import CollectionIndex

_RESULTS = 10


@dataclass(frozen=True)
class EngineLength:
    """One length: median and 95th percentile in ms of one query after the other, warm, by the engine and embedded.

    `recall` is the share of the exact first ten at that length that the engine finds.
    """

    dim: int
    p50_ms: float
    p95_ms: float
    embedded_p50_ms: float
    recall: float
    is_exact: bool


@dataclass(frozen=True)
class EngineSpeed:
    """An engine's searches over `n` documents, measured on so many queries; none, if there is a `problem` with it.

    >>> row = EngineLength(64, 1.0, 2.0, 0.5, 1.0, is_exact=True)
    >>> EngineSpeed("PostgreSQL", 2_400, 50, (row,)).sentence(64)
    'PostgreSQL at 64 numbers: p50 1.0 ms, p95 2.0 ms, exact (embedded 0.5 ms).'
    """

    engine: str
    n: int
    n_queries: int
    lengths: tuple[EngineLength, ...]
    problem: str = ""

    def row(self, dim: int) -> EngineLength | None:
        """The row of a length, None if it was not measured."""
        return next((row for row in self.lengths if row.dim == dim), None)

    def sentence(self, dim: int) -> str:
        """One length in words, "" if it was not measured."""
        row = self.row(dim)
        if row is None:
            return ""
        found = "exact" if row.is_exact else f"finds {row.recall:.1%} of the exact first ten"
        return (
            f"{self.engine} at {dim} numbers: p50 {row.p50_ms:.1f} ms, p95 {row.p95_ms:.1f} ms, {found} "
            f"(embedded {row.embedded_p50_ms:.1f} ms)."
        )

    def sentences(self) -> list[str]:
        """All lengths in words, or why there are none."""
        if self.problem:
            return [f"{self.engine} was not timed. {self.problem}"]
        return [self.sentence(row.dim) for row in self.lengths]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def measure_engine(index: CollectionIndex, exact: Engine, queries: FloatMatrix, dims: Sequence[int]) -> EngineSpeed:
    """Search `(q, D)` queries one by one at every length, by the engine and by our own index; raises as they do."""
    rows = []
    for dim in dims:
        index.search(queries[:1], dim, _RESULTS)  # Warm: connections, plans and pages are there.
        exact.search(queries[:1], dim, _RESULTS)
        times, found = [], []
        for query in queries:
            started = time.perf_counter()
            got = index.search(query, dim, _RESULTS)
            middle = time.perf_counter()
            wanted = exact.search(query, dim, _RESULTS)
            times.append(((middle - started) * 1e3, (time.perf_counter() - middle) * 1e3))
            # By score: which of several equal documents are found is no loss.
            found.append(np.mean(got.scores[0] >= wanted.scores[0][-1] - 1e-5))
        p50, p95 = np.quantile([took for took, _ in times], (0.5, 0.95))
        own = float(np.median([took for _, took in times]))
        rows.append(
            EngineLength(
                dim,
                round(float(p50), 3),
                round(float(p95), 3),
                round(own, 3),
                round(float(np.mean(found)), 4),
                index.is_exact_at(dim),
            )
        )
    return EngineSpeed(index.engine.name, index.n, len(queries), tuple(rows))
