"""A funnel whose stages run in an engine, told stage by stage as our own funnel tells them."""

from __future__ import annotations

import time

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.funnels.timing import FunnelTimes
from mrl_demo.search.cascade import Cascade, FunnelStage
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.funnel import FunnelRun, Passed

_QUERIES = 25


class EngineFunnel:
    """Runs cascades in an engine; what each stage lets through is asked for by a cascade that ends there.

    >>> from mrl_demo.search.engines.loading import VectorRows, load_collection
    >>> from mrl_demo.search.engines.opening import open_engine
    >>> from mrl_demo.search.engines.vector_engine import CollectionCard, CollectionLayout, content_key
    >>> engine, keys = open_engine("file:bees"), [content_key(name) for name in ("bees", "tea")]
    >>> card = CollectionCard("bees", "f", "base", "m", "", CollectionLayout(2), count=2)
    >>> report = load_collection(engine, card, VectorRows(keys, np.eye(2, dtype=np.float32), [{}, {}]))
    >>> funnel = EngineFunnel(CollectionIndex(engine, card, keys))
    >>> funnel.run(np.array([1, 2], np.float32), Cascade((FunnelStage(2, 1),)), k=1).top(1).documents.tolist()
    [1]
    """

    def __init__(self, index: CollectionIndex) -> None:
        self.index = index

    def run(self, query: FloatMatrix, cascade: Cascade, k: int = 10, *, excluded: int = -1) -> FunnelRun:
        """One `(D,)` query through all stages; nothing is proven of what an engine drops.

        The document `excluded` takes nobody's place: each stage lets one more through, and it is taken out.
        """
        cascade.check(self.index.dimension, min(k, self.index.n))
        more = 1 if excluded >= 0 else 0
        passed = []
        for place, stage in enumerate(cascade.stages, start=1):
            wider = Cascade(tuple(FunnelStage(part.dim, part.keep + more) for part in cascade.stages[:place]))
            started = time.perf_counter()
            top = self.index.funnel(query, wider, min(stage.keep + more, self.index.n))
            ms = (time.perf_counter() - started) * 1e3
            stays = np.flatnonzero(top.indices[0] != excluded)[: stage.keep]
            passed.append(Passed(top.indices[0][stays], top.scores[0][stays], ms))
        return FunnelRun(tuple(passed), np.inf)


def time_engine_funnel(queries: FloatMatrix, index: CollectionIndex, cascade: Cascade) -> FunnelTimes:
    """Time whole funnels and full-length searches in the engine, in turns; a stage's time is what it adds."""
    queries, last = queries[:_QUERIES], cascade.stages[-1]
    depths = [Cascade(cascade.stages[:place]) for place in range(1, len(cascade.stages) + 1)]
    times = []
    for query in (queries[0], *queries):  # The first is there to warm up.
        row = []
        for depth in depths:
            started = time.perf_counter()
            index.funnel(query, depth, min(depth.stages[-1].keep, index.n))
            row.append((time.perf_counter() - started) * 1e3)
        started = time.perf_counter()
        index.search(query, index.dimension, last.keep)
        times.append([*row, (time.perf_counter() - started) * 1e3])
    medians = np.median(np.array(times[1:]), axis=0).tolist()
    stage_ms = np.maximum(0, np.diff([0.0, *medians[:-1]])).tolist()
    return FunnelTimes(medians[-2], medians[-1], tuple(stage_ms), None, index.engine.name)
