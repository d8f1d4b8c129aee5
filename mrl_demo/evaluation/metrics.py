"""Retrieval metrics per query, from the exact ranks of the judged documents; agreement of two rankings.

nDCG, MRR, Recall and MAP only depend on where the relevant documents stand, so the sweep counts those ranks
and nothing else: exact at any depth, and cheaper than sorting. Definitions are those of trec_eval (linear
gain, log2 discount, average precision over all relevant documents), which is what `ir-measures` and BEIR
report.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix

FloatArray: TypeAlias = NDArray[np.float64]

#: Persistence of rank-biased overlap: the first 10 places carry 86% of the weight (Webber et al. 2010).
RBO_PERSISTENCE = 0.9
#: More relevant documents of one query than this are ranked by one sort instead of one count each.
_SORT_FROM = 48


class MetricError(LabError, ValueError):
    """A metric name that is not known."""


@dataclass(frozen=True)
class Relevant:
    """The relevant documents of all queries: parallel `(pairs,)` int64 arrays in query order, grades from 1."""

    query: IntMatrix
    document: IntMatrix
    grade: IntMatrix
    n_queries: int

    @property
    def per_query(self) -> IntMatrix:
        """How many documents are relevant to each query, `(n_queries,)`."""
        return np.bincount(self.query, minlength=self.n_queries).astype(np.int64)


@dataclass(frozen=True)
class Metric:
    """A metric and its depth, as in "ndcg@10"; `k` is None for "map" without a cut-off."""

    kind: str
    k: int | None

    @property
    def name(self) -> str:
        """The name that `parse_metric` reads."""
        return self.kind if self.k is None else f"{self.kind}@{self.k}"

    @property
    def is_agreement(self) -> bool:
        """Whether it compares with the arm's own full ranking instead of judgements: agreement, not quality."""
        return self.kind in AGREEMENT


def parse_metric(name: str) -> Metric:
    """Read "ndcg@10", "mrr@10", "recall@100", "map", "map@100", "overlap@10" or "rbo@100"; raises `MetricError`."""
    found = re.fullmatch(r"([a-z]+)(?:@([1-9]\d{0,3}))?", name.strip().lower())
    kind, k = (found[1], found[2]) if found else ("", None)
    if kind not in {*QUALITY, *AGREEMENT} or (k is None and kind != "map"):
        known = ", ".join(f"{each}@10" for each in (*QUALITY, *AGREEMENT))
        raise MetricError(f"There is no metric {name!r}: choose among {known} (any depth to 9999) and map.")
    return Metric(kind, int(k) if k else None)


def rank_relevant(scores: FloatMatrix, rows: IntMatrix, documents: IntMatrix) -> IntMatrix:
    """Rank (1 is best, ties by document order) of each pair `(rows[i], documents[i])` in `(q, n)` scores, int64.

    `rows` rises. One comparing pass over the row for each pair; rows with many pairs are sorted once instead.
    """
    ranks = np.empty(len(rows), dtype=np.int64)
    bounds = [0, *(np.flatnonzero(np.diff(rows)) + 1), len(rows)] if len(rows) else []
    for start, end in pairwise(bounds):
        row, wanted = scores[rows[start]], documents[start:end]
        if len(wanted) >= _SORT_FROM:
            place = np.empty(len(row), dtype=np.int64)
            place[np.argsort(-row, kind="stable")] = np.arange(1, len(row) + 1)
            ranks[start:end] = place[wanted]
        else:
            ranks[start:end] = [_rank(row, j) for j in wanted]
    return ranks


def _rank(row: FloatMatrix, j: int) -> int:
    score = row[j]
    return 1 + int(np.count_nonzero(row[:j] >= score)) + int(np.count_nonzero(row[j + 1 :] > score))


def top_documents(scores: FloatMatrix, k: int) -> IntMatrix:
    """The `k` best columns of `(q, n)` scores, best first, equal scores in column order: `(q, min(k, n))` int64.

    `argpartition` leaves open which of several equal scores at the boundary it takes: those rows are cut
    again by hand.
    """
    n = scores.shape[1]
    k = min(k, n)
    if k == n:
        return np.argsort(-scores, axis=1, kind="stable")
    best = np.argpartition(scores, n - k - 1, axis=1)[:, n - k - 1 :]
    values = np.take_along_axis(scores, best, 1)
    order = np.lexsort((best, -values), axis=1)
    best, values = np.take_along_axis(best, order, 1), np.take_along_axis(values, order, 1)
    for row in np.flatnonzero(values[:, k - 1] == values[:, k]):
        boundary = values[row, k - 1]
        above = best[row][values[row] > boundary]
        tied = np.flatnonzero(scores[row] == boundary)[: k - len(above)]
        best[row, :k] = np.concatenate([above, tied])
    return best[:, :k].astype(np.int64)


def quality(metric: Metric, relevant: Relevant, ranks: IntMatrix) -> FloatArray:
    """Value of a quality metric for each query, `(n_queries,)` float64, from the ranks of the relevant documents.

    A query without any relevant document is 0, as in trec_eval.
    """
    cut = np.inf if metric.k is None else metric.k
    return QUALITY[metric.kind](relevant, ranks, cut)


def agreement(metric: Metric, reference: IntMatrix, ranking: IntMatrix) -> FloatArray:
    """Agreement of two `(q, m)` rankings (document indices, best first) for each query, `(q,)` float64 in 0..1."""
    k = min(metric.k or reference.shape[1], reference.shape[1], ranking.shape[1])
    return AGREEMENT[metric.kind](reference[:, :k], ranking[:, :k])


def _ndcg(relevant: Relevant, ranks: IntMatrix, k: float) -> FloatArray:
    gain = np.where(ranks <= k, relevant.grade / np.log2(ranks + 1.0), 0.0)
    order = np.lexsort((-relevant.grade, relevant.query))
    place = _place_in_query(relevant)
    ideal = np.where(place <= k, relevant.grade[order] / np.log2(place + 1.0), 0.0)
    return _ratio(_per_query(relevant, gain), _per_query(relevant, ideal))


def _mrr(relevant: Relevant, ranks: IntMatrix, k: float) -> FloatArray:
    best = np.zeros(relevant.n_queries)
    np.maximum.at(best, relevant.query, np.where(ranks <= k, 1.0 / ranks, 0.0))
    return best


def _recall(relevant: Relevant, ranks: IntMatrix, k: float) -> FloatArray:
    return _ratio(_per_query(relevant, (ranks <= k).astype(np.float64)), relevant.per_query)


def _average_precision(relevant: Relevant, ranks: IntMatrix, k: float) -> FloatArray:
    ordered = ranks[np.lexsort((ranks, relevant.query))]
    precision = np.where(ordered <= k, _place_in_query(relevant) / ordered, 0.0)
    return _ratio(_per_query(relevant, precision), relevant.per_query)


def _overlap(reference: IntMatrix, ranking: IntMatrix) -> FloatArray:
    return _shared(reference, ranking)[:, -1] / reference.shape[1]


def _rank_biased_overlap(reference: IntMatrix, ranking: IntMatrix) -> FloatArray:
    """RBO extrapolated from the prefixes seen (Webber, Moffat and Zobel 2010, equation 32)."""
    depths = np.arange(1, reference.shape[1] + 1)
    share = _shared(reference, ranking) / depths
    weights = RBO_PERSISTENCE**depths
    seen = (share * weights).sum(axis=1) * (1 - RBO_PERSISTENCE) / RBO_PERSISTENCE
    return seen + share[:, -1] * weights[-1]


def _shared(reference: IntMatrix, ranking: IntMatrix, rows_at_once: int = 256) -> IntMatrix:
    """How many documents the first 1, 2, ... places of both rankings share, `(q, k)` int64."""
    q, k = reference.shape
    counts = np.zeros((q, k + 1), dtype=np.int64)
    for start in range(0, q, rows_at_once):
        part = slice(start, start + rows_at_once)
        row, i, j = np.nonzero(reference[part, :, None] == ranking[part, None, :])
        np.add.at(counts, (row + start, np.maximum(i, j)), 1)
    found: IntMatrix = counts[:, :k].cumsum(axis=1)
    return found


def _place_in_query(relevant: Relevant) -> IntMatrix:
    """1, 2, 3, ... within each query, for pairs in query order."""
    counts = relevant.per_query
    return np.arange(len(relevant.query)) - np.repeat(counts.cumsum() - counts, counts) + 1


def _per_query(relevant: Relevant, values: FloatArray) -> FloatArray:
    return np.bincount(relevant.query, weights=values, minlength=relevant.n_queries).astype(np.float64)


def _ratio(above: FloatArray, below: FloatArray | IntMatrix) -> FloatArray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


QUALITY: dict[str, Callable[[Relevant, IntMatrix, float], FloatArray]] = {
    "ndcg": _ndcg,
    "mrr": _mrr,
    "recall": _recall,
    "map": _average_precision,
}
AGREEMENT: dict[str, Callable[[IntMatrix, IntMatrix], FloatArray]] = {
    "overlap": _overlap,
    "rbo": _rank_biased_overlap,
}
