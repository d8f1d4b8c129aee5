"""How the scores of related and unrelated pairs are distributed, question by question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.evaluation.judging.metrics import Relevant
from mrl_demo.evaluation.sweeps.scoring import score_blocks
from mrl_demo.search.quantised import Precision, parse_precision

#: Scores from -1 to 1 fall into so many bins: cut-offs are known to a thousandth.
BINS = 2_000
_EDGES: NDArray[np.float64] = np.linspace(-1, 1, BINS + 1)


@dataclass(frozen=True)
class ScoreCounts:
    """Pairs by score: `related` and `unrelated` `(queries, BINS)` float32 counts over -1..1.

    A pair of a query and a document is related if it is judged relevant; every other pair of the collection counts as
    unrelated.
    """

    related: FloatMatrix
    unrelated: FloatMatrix

    @property
    def n_queries(self) -> int:
        """Questions whose pairs are counted."""
        return len(self.related)


def bin_of(score: float) -> int:
    """The bin a score falls into.

    >>> bin_of(-1), bin_of(0.0005), bin_of(1)
    (0, 1000, 1999)
    """
    return int(np.clip(np.floor((score + 1) * (BINS / 2) + 1e-9), 0, BINS - 1))


def edge_of(place: int) -> float:
    """The lowest score of a bin."""
    return float(_EDGES[place])


def count_scores(
    vectors: ArmVectors,
    relevant: Relevant,
    dim: int,
    precision: str,
    excluded: IntMatrix | None = None,
    tick: Callable[[], None] = lambda: None,
) -> ScoreCounts:
    """Score every pair of the vectors at one length and precision, as the sweep does, and count.

    `relevant` names the related pairs and `excluded` `(queries,)` the document that is the query itself (-1: none).
    Rescored results carry the cosines of the rescoring, so they are counted by those.
    """
    stored = parse_precision(precision)
    counted = Precision(stored.rescorer) if stored.rescored else stored
    n_queries = relevant.n_queries
    related = np.zeros((n_queries, BINS), dtype=np.float32)
    every = np.zeros((n_queries, BINS), dtype=np.float32)
    # Cut first: the sweep's float32 scores leave out the norm of a query's prefix, which no ranking needs.
    queries, documents = truncate(vectors.queries, dim), vectors.documents[:, :dim]
    for block in score_blocks(queries, documents, [dim], [counted], excluded=excluded):
        rows = slice(block.start, block.start + len(block.scores))
        _add(every[rows], np.broadcast_to(np.arange(len(block.scores))[:, None], block.scores.shape), block.scores)
        first, last = np.searchsorted(relevant.query, [rows.start, rows.stop])
        asking, answers = relevant.query[first:last] - block.start, relevant.document[first:last]
        known = answers >= 0
        _add(related[rows], asking[known], block.scores[asking[known], answers[known]])
        tick()
    return ScoreCounts(related, np.maximum(every - related, 0))


def _add(counts: FloatMatrix, rows: NDArray[np.integer], scores: FloatMatrix) -> None:
    """Add scores to their bins in place; minus infinity is no pair."""
    finite = np.isfinite(scores)
    bins = np.clip((scores[finite] + 1) * (BINS / 2) + 1e-6, 0, BINS - 1).astype(np.int64)
    flat = np.bincount(rows[finite] * BINS + bins, minlength=counts.size)
    counts += flat.reshape(counts.shape).astype(np.float32)
