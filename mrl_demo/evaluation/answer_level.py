"""Does a collection answer a question at all? The cosines that answered questions reach and off-topic texts do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.verdict import AnswerLevel

#: At most this share of answered questions may fall under the level, and it need not lie above what catches this share
#: of off-topic texts: stand-in questions are easier than real ones and would set it too high.
ANSWERED_BELOW, OFF_TOPIC_BELOW = 0.02, 0.95
#: Fewer answered questions set no level.
FEWEST_ANSWERED = 20
_DOCUMENTS_AT_ONCE = 16_384
_NEAR = 50


def near_rank(n_documents: int) -> int:
    """The rank that ends a query's neighbourhood: 50, in small collections a tenth of the documents.

    >>> near_rank(2_400), near_rank(120), near_rank(3)
    (50, 12, 1)
    """
    return max(1, min(_NEAR, n_documents // 10))


def measure_nearness(queries: FloatMatrix, documents: FloatMatrix) -> FloatMatrix:
    """The cosines of each query's best document and of the one at `near_rank`, added up, `(q,)` float32.

    From `(q, d)` and `(n, d)` unit rows.
    """
    rank = near_rank(len(documents))
    best = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(documents), _DOCUMENTS_AT_ONCE):
        both = np.hstack([best, queries @ documents[start : start + _DOCUMENTS_AT_ONCE].T])
        best = -np.partition(-both, min(rank, both.shape[1]) - 1, axis=1)[:, :rank]
    nearness: FloatMatrix = best.max(axis=1) + best.min(axis=1)
    return nearness


def calibrate_answer_level(answered: FloatMatrix, off_topic: FloatMatrix, basis: str, rank: int) -> AnswerLevel | None:
    """The level from what `measure_nearness` says of answered and of off-topic texts; None if there are too few.

    Error rates are of halves: each half's texts are judged by the level that the other half sets.

    >>> rng = np.random.default_rng(0)
    >>> here, elsewhere = rng.normal(0.7, 0.05, 200), rng.normal(0.3, 0.05, 100)
    >>> level = calibrate_answer_level(here.astype(np.float32), elsewhere.astype(np.float32), "judged questions", 50)
    >>> round(level.level, 1), level.missed, level.passed < 0.1
    (0.4, 0.0, True)
    """
    if len(answered) < FEWEST_ANSWERED or len(off_topic) < FEWEST_ANSWERED:
        return None
    halves = [(_level(answered[i::2], off_topic[i::2]), answered[1 - i :: 2], off_topic[1 - i :: 2]) for i in (0, 1)]
    return AnswerLevel(
        level=_level(answered, off_topic),
        near_rank=rank,
        basis=basis,
        n_answered=len(answered),
        n_off_topic=len(off_topic),
        missed=float(np.concatenate([here < level for level, here, _ in halves]).mean()),
        passed=float(np.concatenate([elsewhere >= level for level, _, elsewhere in halves]).mean()),
    )


def _level(answered: NDArray[np.float32], off_topic: NDArray[np.float32]) -> float:
    return float(min(np.quantile(answered, ANSWERED_BELOW), np.quantile(off_topic, OFF_TOPIC_BELOW)))
