"""The queries that break: found at full dimension, lost on the way down, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import BREAK_DEPTH, Corpus, Document
from mrl_demo.evaluation.sweeps.results import SweepResult


@dataclass(frozen=True)
class BrokenQuery:
    """A query whose best relevant document is among the first `k` at full dimension and not at some shorter one.

    That document's rank (1 is best) is `full_rank` at full dimension. From `holds_from` on it stays among the first
    `k`; at `breaks_at`, the next shorter dimension measured, it falls to `broken_rank`. `answer` is the title (or the
    beginning) of the document with the highest grade, empty if there is none.
    """

    query_id: str
    text: str
    answer: str
    full_rank: int
    breaks_at: int
    broken_rank: int
    holds_from: int


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


def worst_queries(
    result: SweepResult, corpus: Corpus, arm: str, k: int = BREAK_DEPTH, limit: int = 20
) -> BrokenQueries:
    """The queries of `arm` that break at the longest dimension, those that fall deepest first (float32 ranks).

    Raises `LabError` if the result has no ranks of that arm: a stored result, or an arm that was left out.
    """
    if arm not in result.first_ranks:
        raise LabError(f"No ranks of {arm!r} are at hand: measure it here (stored results keep averages only).")
    dims = result.rank_dims[arm]
    texts = {query.id: query.text for query in corpus.queries}
    documents = {document.id: document for document in corpus.documents}
    n_held, broken = 0, []
    for query_id, row in zip(result.query_ids, result.first_ranks[arm].tolist(), strict=True):
        first = holds_from(row, dims, k)
        if first is None:
            continue
        n_held += 1
        if first > dims[0]:
            answer = _answer(corpus, query_id, documents)
            shorter = dims.index(first) - 1
            broken.append(BrokenQuery(query_id, texts[query_id], answer, row[-1], dims[shorter], row[shorter], first))
    broken.sort(key=lambda query: (-query.breaks_at, -query.broken_rank, query.query_id))
    return BrokenQueries(arm, k, result.n_queries, n_held, len(broken), tuple(broken[:limit]))


def _answer(corpus: Corpus, query_id: str, documents: dict[str, Document]) -> str:
    grades = corpus.judgements.get(query_id, {})
    ordered = sorted(((-grade, name) for name, grade in grades.items() if grade > 0 and name in documents))
    if not ordered:
        return ""
    best = documents[ordered[0][1]]
    return best.title or best.text[:80]


def holds_from(ranks: Sequence[int], dims: Sequence[int], k: int) -> int | None:
    """Smallest listed dimension from which on every rank is within the first `k`; None if the last one is not."""
    smallest = None
    for rank, dim in zip(reversed(ranks), reversed(dims), strict=True):
        if rank > k:
            break
        smallest = dim
    return smallest
