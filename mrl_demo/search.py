"""One query against one arm: hits at a prefix, and how the ranks move over all dimensions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.index import PrefixIndex, TopK
from mrl_demo.types import Corpus, FloatMatrix, Hit, RankPaths, SearchResult

#: Lengths at which the rank-moves chart looks, besides the full one.
PATH_DIMS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072)
_TRACKED_DOCUMENTS = 8


@dataclass(frozen=True)
class EncodedQuery:
    """A query in one arm's space: `(d,)` float32 unit vector, and what encoding it took in ms."""

    text: str
    vector: FloatMatrix
    encode_ms: float


@dataclass(frozen=True)
class Searcher:
    """One arm's index over one corpus."""

    arm: str
    corpus: Corpus
    index: PrefixIndex

    def result(self, query: EncodedQuery, dim: int, top_k: int, answers: Mapping[str, int]) -> SearchResult:
        """Search at prefix `dim`: hits with their moves against this arm's own full-dimension ranking."""
        full = self.index.dimension
        started = time.perf_counter()
        found = self.index.search(query.vector, dim, max(top_k, 10))
        search_ms = (time.perf_counter() - started) * 1e3
        full_top = self.index.search(query.vector, full, 10)
        answer_rows = [i for i, doc in enumerate(self.corpus.documents) if doc.id in answers] if answers else []
        shown = [int(i) for i in found.indices[0, :top_k]]
        ranks = self.index.ranks(query.vector, shown + answer_rows, [dim, full])
        answer_ranks = ranks[len(shown) :]
        return SearchResult(
            arm=self.arm,
            dim=dim,
            full_dim=full,
            hits=self._hits(found, ranks[: len(shown), 1], set(answer_rows)),
            overlap_at_10=_overlap(found, full_top),
            answer_rank=int(answer_ranks[:, 0].min()) if answer_rows else None,
            full_answer_rank=int(answer_ranks[:, 1].min()) if answer_rows else None,
            encode_ms=query.encode_ms,
            search_ms=search_ms,
            n_documents=len(self.corpus),
        )

    def paths(self, query: EncodedQuery, hold_k: int, answers: Mapping[str, int]) -> RankPaths:
        """Ranks of the full-dimension top documents and the known answers over `PATH_DIMS`."""
        dims = (*(d for d in PATH_DIMS if d < self.index.dimension), self.index.dimension)
        top = [int(i) for i in self.index.search(query.vector, self.index.dimension, _TRACKED_DOCUMENTS).indices[0]]
        answer_rows = [i for i, doc in enumerate(self.corpus.documents) if doc.id in answers] if answers else []
        rows = top + [i for i in answer_rows if i not in top]
        ranks = self.index.ranks(query.vector, rows, dims)
        tracked = ranks[[rows.index(i) for i in answer_rows]].min(axis=0) if answer_rows else ranks[0]
        return RankPaths(
            arm=self.arm,
            dims=dims,
            indices=tuple(rows),
            titles=tuple(self.corpus.documents[i].title or self.corpus.documents[i].text[:60] for i in rows),
            is_answer=tuple(i in answer_rows for i in rows),
            ranks=ranks,
            tracked="answer" if answer_rows else "top",
            holds_from=holds_from(tracked, dims, hold_k),
            hold_k=hold_k,
        )

    def _hits(self, found: TopK, full_ranks: Sequence[int] | np.ndarray, answers: set[int]) -> tuple[Hit, ...]:
        rows = zip(found.indices[0], found.scores[0], full_ranks, strict=False)
        return tuple(
            Hit(rank, int(i), self.corpus.documents[i], float(score), int(full_rank), int(i) in answers)
            for rank, (i, score, full_rank) in enumerate(rows, 1)
        )


def holds_from(ranks: Sequence[int] | np.ndarray, dims: Sequence[int], k: int) -> int | None:
    """Smallest listed dimension from which on every rank is within the first `k`; None where the last one is not."""
    smallest = None
    for rank, dim in zip(reversed(list(ranks)), reversed(list(dims)), strict=True):
        if rank > k:
            break
        smallest = dim
    return smallest


def _overlap(found: TopK, full_top: TopK) -> float:
    wanted = set(full_top.indices[0].tolist())
    return len(wanted & set(found.indices[0, : len(wanted)].tolist())) / len(wanted)
