"""Agreement of a ranking with an arm's own full one, free of the order in which tied documents happen to stand.

A document tied at depth d belongs to the first d in part: with probability (d - ahead) / tied. Two rankings share the
lesser of a document's two parts. If one of them has no ties, that is the expected overlap over all orders of the
other's ties (as in McSherry and Najork 2008 for metrics of quality; for RBO see Corsi and Urbano 2024, "The treatment
of ties in rank-biased overlap"). If both tie the same documents, they are taken to break the ties alike, so that equal
rankings agree wholly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.evaluation.judging.metrics import FloatArray, Metric
from mrl_demo.evaluation.judging.places import NOT_RETRIEVED, TIE_TOLERANCE, Places

#: With fewer documents for each place, chance alone agrees with more than a fifth of the full ranking.
_DOCUMENTS_A_PLACE = 5
#: Persistence of rank-biased overlap: the first 10 places carry 86% of the weight (Webber et al. 2010).
RBO_PERSISTENCE = 0.9
_PAIRS_AT_ONCE = 16_384


@dataclass(frozen=True)
class LeadingDocuments:
    """The documents that may stand among the first `depth` of each query: parallel `(pairs,)` arrays in query order.

    All documents tied at the edge are among them; `places` says where each stands.
    """

    query: IntMatrix
    document: IntMatrix
    places: Places
    depth: int

    def of_queries(self, start: int, stop: int) -> slice:
        """Where the pairs of queries `start` to `stop` stand."""
        first, last = np.searchsorted(self.query, [start, stop])
        return slice(int(first), int(last))


def leading_documents(scores: FloatMatrix, depth: int) -> LeadingDocuments:
    """The leading documents of `(q, n)` scores, higher is better; minus infinity is not retrieved."""
    depth = min(depth, scores.shape[1])
    edge = np.partition(scores, scores.shape[1] - depth, axis=1)[:, scores.shape[1] - depth]
    rows, documents = np.nonzero((scores >= (edge - _margin(edge))[:, None]) & np.isfinite(scores))
    return LeadingDocuments(rows, documents, place_leading(scores, rows, documents, depth), depth)


def joined(parts: list[LeadingDocuments], starts: list[int]) -> LeadingDocuments:
    """Blocks of queries, each from its start on, as one."""
    query = np.concatenate([part.query + start for part, start in zip(parts, starts, strict=True)])
    document = np.concatenate([part.document for part in parts])
    ahead = np.concatenate([part.places.ahead for part in parts])
    tied = np.concatenate([part.places.tied for part in parts])
    return LeadingDocuments(query, document, Places(ahead, tied), parts[0].depth)


def place_leading(scores: FloatMatrix, rows: IntMatrix, documents: IntMatrix, depth: int) -> Places:
    """Places of the pairs `(rows[i], documents[i])` in `(q, n)` scores, as far as they are among the first `depth`.

    What surely is not among them counts as not retrieved. Only the first `depth` of each row are sorted.
    """
    q, n = scores.shape
    depth = min(depth, n)
    best = np.sort(np.partition(scores, n - depth, axis=1)[:, n - depth :], axis=1).astype(np.float64)
    edge = best[:, 0].copy()
    finite = np.isfinite(best)
    top = float(np.abs(best[finite]).max(initial=1.0))
    best[~finite] = -2 * top
    # One rising row of numbers, so that one search serves all queries.
    apart = 8 * top
    flat = (best + apart * np.arange(q)[:, None]).ravel()
    ahead = np.full(len(rows), NOT_RETRIEVED, dtype=np.int64)
    tied = np.ones(len(rows), dtype=np.int64)
    at_edge = np.count_nonzero(scores >= (edge - _margin(edge))[:, None], axis=1)
    for start in range(0, len(rows), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        row, values = rows[part], scores[rows[part], documents[part]].astype(np.float64)
        margin = _margin(values)
        within = np.isfinite(values) & (values + margin >= edge[row])
        row, values, margin = row[within], values[within], margin[within]
        end = (row + 1) * depth
        surely = end - np.searchsorted(flat, values + margin + apart * row, "right")
        together = end - np.searchsorted(flat, values - margin + apart * row, "left")
        together = np.where(together == depth, np.maximum(at_edge[row], surely + 1), together)
        into = np.flatnonzero(within) + start
        ahead[into], tied[into] = surely, np.maximum(1, together - surely)
    return Places(ahead, tied)


def few_documents_words(n_documents: int, k: int = 10) -> str:
    """Why agreement of the first `k` means little in a small collection, "" if there are 5 `k` documents or more.

    >>> few_documents_words(5)
    'Only 5 documents: a random order shares 100% of its first 10 with the full ranking, so agreement says little here.'
    >>> few_documents_words(50)
    ''
    """
    if n_documents >= _DOCUMENTS_A_PLACE * k:
        return ""
    share = min(1.0, k / max(1, n_documents))
    return (
        f"Only {n_documents:,} document{'' if n_documents == 1 else 's'}: a random order shares {share:.0%} of its "
        f"first {k} with the full ranking, so agreement says little here."
    )


def agreement(metric: Metric, reference: LeadingDocuments, places: Places, n_queries: int) -> FloatArray:
    """Agreement for each query, `(n_queries,)` float64 in 0..1; `places` are those of the reference's documents."""
    k = min(metric.k or reference.depth, reference.depth)
    return AGREEMENT[metric.kind](reference, places, k, n_queries)


def _overlap(reference: LeadingDocuments, places: Places, k: int, n_queries: int) -> FloatArray:
    own = _part_of_first(reference.places, k)
    shared = np.minimum(own, _part_of_first(places, k))
    return _divide(_sum(reference, shared, n_queries), _sum(reference, own, n_queries))


def _rank_biased_overlap(reference: LeadingDocuments, places: Places, k: int, n_queries: int) -> FloatArray:
    """RBO extrapolated from the prefixes seen (Webber, Moffat and Zobel 2010, equation 32)."""
    depths = np.arange(1, k + 1, dtype=np.float64)
    weights: FloatArray = RBO_PERSISTENCE**depths * (1 - RBO_PERSISTENCE) / RBO_PERSISTENCE
    weights[-1] += RBO_PERSISTENCE**k
    shared = np.zeros(len(reference.query))
    near = np.maximum(reference.places.ahead, places.ahead) < k
    lone, twins = (
        np.flatnonzero(near & (reference.places.tied == 1)),
        np.flatnonzero(near & (reference.places.tied > 1)),
    )
    shared[lone] = _weight_of_lone(reference.places.ahead[lone], _at(places, lone), weights)
    for start in range(0, len(twins), _PAIRS_AT_ONCE):
        pairs = twins[start : start + _PAIRS_AT_ONCE]
        parts = [_part_of_first(_at(each, pairs), depths[:, None]) for each in (reference.places, places)]
        shared[pairs] = (weights / depths) @ np.minimum(*parts)
    retrieved = _sum(reference, _part_of_first(reference.places, k), n_queries)
    whole = (weights / depths) @ np.minimum(depths[:, None], retrieved)  # 1, unless there are fewer than k documents.
    return _divide(_sum(reference, shared, n_queries), whole)


def _weight_of_lone(own: IntMatrix, places: Places, weights: FloatArray) -> FloatArray:
    """What documents add to RBO that have `own` others ahead in the reference and no tie there.

    Behind both places, the part (d - ahead) / tied counts until it is whole: sums of weight and of weight / depth.
    """
    k = len(weights)
    by_depth = np.concatenate([[0.0], np.cumsum(weights / np.arange(1, k + 1))])
    plain = np.concatenate([[0.0], np.cumsum(weights)])
    first = np.maximum(own, places.ahead)
    whole = np.clip(places.worst, first, k)
    rising = plain[whole] - plain[first] - places.ahead * (by_depth[whole] - by_depth[first])
    lost: FloatArray = rising / places.tied + by_depth[k] - by_depth[whole]
    return lost


def _part_of_first(places: Places, depth: int | FloatArray) -> FloatArray:
    """The part of each document that is among the first `depth`, 0 to 1."""
    part: FloatArray = np.clip((depth - places.ahead) / places.tied, 0.0, 1.0)
    return part


def _at(places: Places, pairs: IntMatrix) -> Places:
    return Places(places.ahead[pairs], places.tied[pairs])


def _sum(reference: LeadingDocuments, values: FloatArray, n_queries: int) -> FloatArray:
    return np.bincount(reference.query, weights=values, minlength=n_queries).astype(np.float64)


def _divide(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def _margin(values: NDArray[np.float32] | FloatArray) -> FloatArray:
    sizes = np.where(np.isfinite(values), np.abs(values), 0.0)
    return TIE_TOLERANCE * np.maximum(1.0, sizes)


AGREEMENT: dict[str, Callable[[LeadingDocuments, Places, int, int], FloatArray]] = {
    "overlap": _overlap,
    "rbo": _rank_biased_overlap,
}
