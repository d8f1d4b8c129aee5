"""One query against one arm: hits at a prefix, and how the ranks move over all dimensions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mrl_demo.core.types import Corpus, FloatMatrix, Hit, RankPaths, SearchResult
from mrl_demo.evaluation.worst import holds_from
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.topk import TopK

#: Lengths at which the rank-moves chart looks, besides the full one.
PATH_DIMS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072)
_TRACKED_DOCUMENTS = 8
_AGREEMENT_DEPTH = 10


@dataclass(frozen=True)
class EncodedQuery:
    """A query in one arm's space: `(d,)` float32 unit vector, and what encoding it took in ms."""

    text: str
    vector: FloatMatrix
    encode_ms: float


class Searcher:
    """One arm's index over one corpus.

    >>> import numpy as np
    >>> from mrl_demo.core.types import Document
    >>> documents = (Document("b", "Bees", "They dance."), Document("t", "Tea", "It is brewed."))
    >>> vectors = np.array([[0.6, 0.8], [0.8, -0.6]], np.float32)
    >>> searcher = Searcher("base", Corpus("tiny", "Tiny", documents, "fingerprint"), ExactIndex(vectors))
    >>> result = searcher.result(EncodedQuery("how do bees talk", vectors[0], encode_ms=5.0), 1, top_k=2, answers={})
    >>> [(hit.document.title, hit.is_tied) for hit in result.hits]  # At one number every cosine is 1 or -1.
    [('Bees', True), ('Tea', True)]
    """

    def __init__(self, arm: str, corpus: Corpus, index: ExactIndex) -> None:
        self.arm, self.corpus, self.index = arm, corpus, index
        self._rows = {doc.id: row for row, doc in enumerate(corpus.documents)}

    def result(self, query: EncodedQuery, dim: int, top_k: int, answers: Mapping[str, int]) -> SearchResult:
        """Search at prefix `dim`: hits with their moves against this arm's own full-dimension ranking.

        `search_ms` is the search that gives the hits. Ranks beyond its results take a scan of all documents.
        """
        full, k = self.index.dimension, max(top_k, _AGREEMENT_DEPTH) + 1  # One more shows whether the last is tied.
        started = time.perf_counter()
        top = self.index.search(query.vector, dim, k)
        search_ms = (time.perf_counter() - started) * 1e3
        full_top = top if dim == full else self.index.search(query.vector, full, k)
        hit_rows, answer_rows = top.indices[0, :top_k].tolist(), self._answer_rows(answers)
        full_ranks = self._ranks(query, full, full_top, hit_rows + answer_rows)
        return SearchResult(
            arm=self.arm,
            dim=dim,
            full_dim=full,
            hits=self._hits(top, full_ranks[: len(hit_rows)], set(answer_rows)),
            overlap_at_10=_overlap(top, full_top),
            answer_rank=min(self._ranks(query, dim, top, answer_rows), default=None),
            full_answer_rank=min(full_ranks[len(hit_rows) :], default=None),
            encode_ms=query.encode_ms,
            search_ms=search_ms,
            n_documents=len(self.corpus),
        )

    def paths(self, query: EncodedQuery, hold_k: int, answers: Mapping[str, int]) -> RankPaths:
        """Ranks of the full-dimension top documents and the known answers over `PATH_DIMS`."""
        full = self.index.dimension
        dims = (*(d for d in PATH_DIMS if d < full), full)
        known = self._answer_rows(answers)
        top: list[int] = self.index.search(query.vector, full, _TRACKED_DOCUMENTS).indices[0].tolist()
        rows = top + [i for i in known if i not in top]
        ranks = self.index.scan.ranks(query.vector, rows, dims)
        tracked = ranks[[rows.index(i) for i in known]].min(axis=0) if known else ranks[0]
        documents = self.corpus.documents
        return RankPaths(
            arm=self.arm,
            dims=dims,
            indices=tuple(rows),
            titles=tuple(documents[i].title or documents[i].text[:60] for i in rows),
            is_answer=tuple(i in known for i in rows),
            ranks=ranks,
            tracked="answer" if known else "top",
            holds_from=holds_from(tracked.tolist(), dims, hold_k),
            hold_k=hold_k,
        )

    def _answer_rows(self, answers: Mapping[str, int]) -> list[int]:
        return [self._rows[key] for key in answers if key in self._rows]

    def _ranks(self, query: EncodedQuery, dim: int, top: TopK, rows: Sequence[int]) -> list[int]:
        """Rank of each row at `dim`: its place in `top`, the best there, or else counted by a scan of all documents.

        Rounding may put a document that `top` leaves out level with its last: it still comes after that one.
        """
        places = {row: place for place, row in enumerate(top.indices[0].tolist(), 1)}
        beyond = [row for row in rows if row not in places]
        if beyond:
            counted = self.index.scan.ranking(query.vector, dim).ranks(beyond).tolist()
            places |= {row: max(rank, len(places) + 1) for row, rank in zip(beyond, counted, strict=True)}
        return [places[row] for row in rows]

    def _hits(self, top: TopK, full_ranks: Sequence[int], answers: set[int]) -> tuple[Hit, ...]:
        rows = zip(
            top.indices[0].tolist(), top.scores[0].tolist(), full_ranks, top.find_ties()[0].tolist(), strict=False
        )
        return tuple(
            Hit(rank, row, self.corpus.documents[row], score, full_rank, row in answers, is_tied)
            for rank, (row, score, full_rank, is_tied) in enumerate(rows, 1)
        )


def _overlap(top: TopK, full_top: TopK) -> float:
    wanted = set(full_top.indices[0, :_AGREEMENT_DEPTH].tolist())
    return len(wanted & set(top.indices[0, :_AGREEMENT_DEPTH].tolist())) / len(wanted)
