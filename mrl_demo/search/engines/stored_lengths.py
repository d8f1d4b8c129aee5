"""What the lab does itself for engines that compare whole fields only: lengths without a field, stages of a funnel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.search.cascade import FunnelStage
from mrl_demo.search.engines.vector_engine import Nearest

#: Rows that are fetched to be rescored at a length without a field of its own, besides ten times those wanted.
_LEAST_FETCHED = 400


def stored_length(dims: Sequence[int], dim: int) -> int:
    """The shortest of the stored lengths that holds `dim` numbers.

    >>> stored_length((64, 384), 16), stored_length((64, 384), 64), stored_length((64, 384), 65)
    (64, 64, 384)
    """
    return min(stored for stored in dims if stored >= dim)


def rows_to_fetch(k: int) -> int:
    """How many rows by the padded query's product are looked at again to find the best `k` at its length."""
    return max(10 * k, _LEAST_FETCHED)


def pad_query(query: FloatMatrix, dim: int, stored: int) -> FloatMatrix:
    """`(stored,)` numbers of which those from `dim` on are 0: its product with a vector is that of the prefixes.

    >>> pad_query(np.ones(4, np.float32), dim=1, stored=2).tolist()
    [1.0, 0.0]
    """
    padded: FloatMatrix = np.zeros(stored, dtype=np.float32)
    padded[:dim] = query[:dim]
    return padded


def refine(
    query: FloatMatrix, keys: Sequence[str], vectors: FloatMatrix, stages: Sequence[FunnelStage], k: int
) -> Nearest:
    """The best `k` of fetched rows, their `vectors` `(m, d)`, by the last stage's cosine after all stages."""
    order, scores = np.arange(len(keys)), np.zeros(len(keys), np.float32)
    for stage in stages:
        scores = truncate(vectors[order], stage.dim) @ truncate(query, stage.dim)
        best = np.argsort(-scores, kind="stable")[: stage.keep]
        order, scores = order[best], scores[best]
    return Nearest([keys[row] for row in order[:k].tolist()], scores[:k].tolist())
