"""Retrieval metrics per query, from the places of the judged documents.

nDCG, MRR, Recall and MAP only depend on where the relevant documents stand, so the sweep counts those places
and nothing else: exact at any depth, and cheaper than sorting. Definitions are those of trec_eval (linear
gain, log2 discount, average precision over all relevant documents, those that the collection lacks included), which
is what `ir-measures` and BEIR report. Where scores tie, the value is the expected one over all orders of the tied
documents (McSherry and Najork 2008): trec_eval's own rule, by document id, is one draw of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import IntMatrix
from mrl_demo.evaluation.judging.places import NOT_RETRIEVED, Places

FloatArray: TypeAlias = NDArray[np.float64]

#: Kinds of metrics that compare two rankings; `evaluation.agreement` computes them.
AGREEMENT_KINDS = ("overlap", "rbo")


class MetricError(LabError, ValueError):
    """A metric name that is not known."""


@dataclass(frozen=True)
class Relevant:
    """The relevant documents of all queries: parallel `(pairs,)` arrays in query order; grades are above 0.

    A `document` of -1 is judged, and missing in the collection.
    """

    query: IntMatrix
    document: IntMatrix
    grade: FloatArray
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
        return self.kind in AGREEMENT_KINDS


def parse_metric(name: str) -> Metric:
    """Read "ndcg@10", "mrr@10", "recall@100", "map", "map@100", "overlap@10" or "rbo@100"; raises `MetricError`."""
    match = re.fullmatch(r"([a-z]+)(?:@([1-9]\d{0,3}))?", name.strip().lower())
    kind, k = (match[1], match[2]) if match else ("", None)
    if kind not in {*QUALITY, *AGREEMENT_KINDS} or (k is None and kind != "map"):
        known = ", ".join(f"{each}@10" for each in (*QUALITY, *AGREEMENT_KINDS))
        raise MetricError(f"There is no metric {name!r}: choose among {known} (any depth to 9999) and map.")
    return Metric(kind, int(k) if k else None)


def quality(metric: Metric, relevant: Relevant, places: Places) -> FloatArray:
    """Expected value of a quality metric for each query, `(n_queries,)` float64, over the orders of tied documents.

    A query without any relevant document is 0, as in trec_eval.
    """
    last = int(np.where(places.ahead < NOT_RETRIEVED, places.worst, 0).max(initial=1))
    cut = last if metric.k is None else metric.k
    return QUALITY[metric.kind](relevant, places, cut)


def _ndcg(relevant: Relevant, places: Places, k: int) -> FloatArray:
    discounts = 1 / np.log2(np.arange(1, k + 1) + 1.0)
    gain = relevant.grade * _mean_over_ties(discounts, places)
    order = np.lexsort((-relevant.grade, relevant.query))
    place = _place_in_query(relevant)
    ideal = np.where(place <= k, relevant.grade[order] / np.log2(place + 1.0), 0.0)
    return _ratio(_per_query(relevant, gain), _per_query(relevant, ideal))


def _recall(relevant: Relevant, places: Places, k: int) -> FloatArray:
    return _ratio(_per_query(relevant, _mean_over_ties(np.ones(k), places)), relevant.per_query)


def _mean_over_ties(weights: FloatArray, places: Places) -> FloatArray:
    """Mean weight of the ranks a document may have, for weights of the ranks 1 to k; ranks beyond weigh nothing."""
    k = len(weights)
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    return (sums[np.minimum(places.worst, k)] - sums[np.minimum(places.ahead, k)]) / places.tied


def _mrr(relevant: Relevant, places: Places, k: int) -> FloatArray:
    """The first relevant document is one of the best group's; with several there, the earliest of them."""
    values = _of_lone_documents(relevant, places, k)
    for query, pairs in _queries_with_several(relevant):
        best = pairs[np.argmin(places.ahead[pairs])]
        ahead, tied = int(places.ahead[best]), int(places.tied[best])
        members = int(np.count_nonzero(places.ahead[pairs] == ahead))
        if ahead < k:
            values[query] = _expected_reciprocal(ahead, tied, members, k)
    return values


def _expected_reciprocal(ahead: int, tied: int, members: int, k: int) -> float:
    """Mean of 1 / rank of the first of `members` among `tied` documents in random order behind `ahead` others."""
    probability, value = members / tied, 0.0
    for j in range(1, min(tied - members + 1, k - ahead) + 1):
        value += probability / (ahead + j)
        probability *= (tied - j - members + 1) / max(1, tied - j)
    return value


def _average_precision(relevant: Relevant, places: Places, k: int) -> FloatArray:
    """Group by group: at rank p a relevant document sees those of earlier groups and its share of its own before p."""
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, k + 1))])
    values = _of_lone_documents(relevant, places, k)
    for query, pairs in _queries_with_several(relevant):
        before = 0
        for ahead in np.unique(places.ahead[pairs]):
            members = pairs[places.ahead[pairs] == ahead]
            values[query] += _group_precision(int(ahead), int(places.tied[members[0]]), len(members), before, harmonic)
            before += len(members)
    return _ratio(values, relevant.per_query)


def _group_precision(ahead: int, tied: int, members: int, before: int, harmonic: FloatArray) -> float:
    """Expected sum of precisions at the ranks of a tied group's `members` (McSherry and Najork 2008, section 3.3).

    With j the place within the group: members / tied * (before + 1 + (j - 1) * (members - 1) / (tied - 1)) / (ahead +
    j), summed in closed form by the harmonic numbers.
    """
    k = len(harmonic) - 1
    last = min(ahead + tied, k)
    if ahead >= k:
        return 0.0
    inverse = harmonic[last] - harmonic[ahead]  # sum of 1 / (ahead + j)
    spread = (members - 1) / (tied - 1) if tied > 1 else 0.0
    steps = (last - ahead) - (ahead + 1) * inverse  # sum of (j - 1) / (ahead + j)
    return float(members / tied * ((before + 1) * inverse + spread * steps))


def _of_lone_documents(relevant: Relevant, places: Places, k: int) -> FloatArray:
    """Mean of 1 / rank if a query has one relevant document: both its MRR and its average precision, else 0."""
    inverse = _mean_over_ties(1 / np.arange(1, k + 1), places)
    return np.where(relevant.per_query == 1, _per_query(relevant, inverse), 0.0)


def _queries_with_several(relevant: Relevant) -> Iterator[tuple[int, IntMatrix]]:
    """Each query of several relevant documents, and where its pairs stand in the parallel arrays."""
    starts = relevant.per_query.cumsum() - relevant.per_query
    for query in np.flatnonzero(relevant.per_query > 1).tolist():
        yield query, np.arange(starts[query], starts[query] + relevant.per_query[query])


def _place_in_query(relevant: Relevant) -> IntMatrix:
    """1, 2, 3, ... within each query, for pairs in query order."""
    counts = relevant.per_query
    return np.arange(len(relevant.query)) - np.repeat(counts.cumsum() - counts, counts) + 1


def _per_query(relevant: Relevant, values: FloatArray) -> FloatArray:
    return np.bincount(relevant.query, weights=values, minlength=relevant.n_queries).astype(np.float64)


def _ratio(above: FloatArray, below: FloatArray | IntMatrix) -> FloatArray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


QUALITY: dict[str, Callable[[Relevant, Places, int], FloatArray]] = {
    "ndcg": _ndcg,
    "mrr": _mrr,
    "recall": _recall,
    "map": _average_precision,
}
