"""The queries that break: found at full dimension, lost on the way down, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Document
from mrl_demo.evaluation.results import SweepResult


@dataclass(frozen=True)
class BrokenQuery:
    """A query whose best relevant document is among the first `k` at full dimension and not at some shorter one.

    `ranks` are those of that document at `dims` (rising; 1 is best). From `holds_from` on it stays among the
    first `k`; `breaks_at` is the next shorter dimension measured, where it no longer is. `answer` is the
    document with the highest grade.
    """

    query_id: str
    text: str
    answer: Document | None
    dims: tuple[int, ...]
    ranks: tuple[int, ...]
    holds_from: int
    breaks_at: int


@dataclass(frozen=True)
class BrokenQueries:
    """The worst-hit list of one arm, worst first, and what it is a part of.

    Of `n_queries`, `n_found` have a relevant document among the first `k` at full dimension; `n_broken` of
    those lose it at some shorter measured dimension.
    """

    arm: str
    k: int
    n_queries: int
    n_found: int
    n_broken: int
    worst: tuple[BrokenQuery, ...]


def worst_queries(result: SweepResult, corpus: Corpus, arm: str, k: int = 10, limit: int = 20) -> BrokenQueries:
    """The queries of `arm` that break at the longest dimension, those that fall deepest first (float32 ranks).

    Raises `LabError` where the result has no ranks of that arm: a stored result, or an arm that was left out.
    """
    if arm not in result.first_ranks:
        raise LabError(f"No ranks of {arm!r} are at hand: measure it here (stored results keep averages only).")
    dims = result.rank_dims[arm]
    texts = {query.id: query.text for query in corpus.queries}
    documents = {document.id: document for document in corpus.documents}
    found, broken = 0, []
    for query_id, row in zip(result.query_ids, result.first_ranks[arm].tolist(), strict=True):
        first = holds_from(row, dims, k)
        if first is None:
            continue
        found += 1
        if first > dims[0]:
            answer = _answer(corpus, query_id, documents)
            next_shorter = dims[dims.index(first) - 1]
            broken.append(BrokenQuery(query_id, texts[query_id], answer, dims, tuple(row), first, next_shorter))
    broken.sort(key=lambda each: (-each.breaks_at, -each.ranks[each.dims.index(each.breaks_at)], each.query_id))
    return BrokenQueries(arm, k, result.n_queries, found, len(broken), tuple(broken[:limit]))


def _answer(corpus: Corpus, query_id: str, documents: dict[str, Document]) -> Document | None:
    grades = corpus.judgements.get(query_id, {})
    ordered = sorted(((-grade, name) for name, grade in grades.items() if grade > 0 and name in documents))
    return documents[ordered[0][1]] if ordered else None


def holds_from(ranks: Sequence[int], dims: Sequence[int], k: int) -> int | None:
    """Smallest listed dimension from which on every rank is within the first `k`; None where the last one is not."""
    smallest = None
    for rank, dim in zip(reversed(ranks), reversed(dims), strict=True):
        if rank > k:
            break
        smallest = dim
    return smallest
