"""What a funnel takes beside a full scan on this machine, and from how many documents on it pays."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.speed.searches import tile
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.funnel import FunnelIndex
from mrl_demo.search.prefix import PrefixIndex

_QUERIES = 25
#: Sizes that the two lines of time against documents are drawn through.
_SIZES = (10_000, 40_000)


@dataclass(frozen=True)
class FunnelTimes:
    """Medians in ms for one query, one after the other, warm: the funnel, its stages, and a full float32 scan.

    `pays_from` is the number of documents from which the funnel is faster, from two sizes tiled from the collection: 0
    for any number, None if for none. `engine` names the engine that ran both, "" for our own index.
    """

    funnel_ms: float
    exact_ms: float
    stage_ms: tuple[float, ...]
    pays_from: int | None
    engine: str = ""

    @property
    def speed_up(self) -> float:
        """How many times faster than the full scan, on this collection."""
        return self.exact_ms / self.funnel_ms if self.funnel_ms > 0 else 1.0

    def sentence(self) -> str:
        """The times in words."""
        took = f"{self.funnel_ms:.2f} ms instead of {self.exact_ms:.2f} ms, {self.speed_up:.1f} times as fast"
        if self.engine:
            return f"{took}, both in {self.engine}."
        pays = (
            "It pays at no size here."
            if self.pays_from is None
            else "It pays at any size here."
            if self.pays_from == 0
            else f"It pays from about {self.pays_from:,} documents on."
        )
        return f"{took}. {pays}"


def time_funnel(vectors: ArmVectors, index: FunnelIndex, cascade: Cascade) -> FunnelTimes:
    """Time funnel and full scan in turns, on the collection and at two sizes tiled from it."""
    queries = vectors.queries[:_QUERIES]
    runs = [index.run(query, cascade, 1).passed for query in queries]  # Warm: codes and norms are there.
    runs = [index.run(query, cascade, 1).passed for query in queries]
    stage_ms = tuple(float(np.median([run[place].ms for run in runs])) for place in range(len(cascade.stages)))
    funnel_ms, exact_ms = _time_both(index, queries, cascade)
    points = []
    for size in _SIZES:
        tiled = FunnelIndex(PrefixIndex(tile(vectors.documents, size)))
        points.append((size, *_time_both(tiled, queries, cascade)))
    return FunnelTimes(funnel_ms, exact_ms, stage_ms, _crossing(points))


def _time_both(index: FunnelIndex, queries: FloatMatrix, cascade: Cascade) -> tuple[float, float]:
    def funnel(query: FloatMatrix) -> object:
        """One search in stages."""
        return index.run(query, cascade, 1)

    def full(query: FloatMatrix) -> object:
        """One search at full length."""
        return index.scan.search(query, index.dimension, cascade.stages[-1].keep)

    funnel(queries[0]), full(queries[0])
    times = np.array([[_ms(funnel, query), _ms(full, query)] for query in queries])
    return float(np.median(times[:, 0])), float(np.median(times[:, 1]))


def _crossing(points: list[tuple[int, float, float]]) -> int | None:
    """Documents at which the line of the funnel crosses that of the full scan."""
    (small, funnel_small, full_small), (large, funnel_large, full_large) = points
    funnel_slope = (funnel_large - funnel_small) / (large - small)
    full_slope = (full_large - full_small) / (large - small)
    if full_slope <= funnel_slope:
        return None
    fixed = (funnel_small - funnel_slope * small) - (full_small - full_slope * small)
    return max(0, 100 * round(fixed / (full_slope - funnel_slope) / 100))


def _ms(work: Callable[[FloatMatrix], object], query: FloatMatrix) -> float:
    started = time.perf_counter()
    work(query)
    return (time.perf_counter() - started) * 1e3
