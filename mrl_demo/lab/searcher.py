"""One query against one arm: hits at a prefix, and how the ranks move over all dimensions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.types import BREAK_DEPTH, Corpus, FloatMatrix, Hit, IntMatrix, RankPaths, SearchResult, Standing
from mrl_demo.evaluation.answer_level import near_rank
from mrl_demo.evaluation.sweeps.worst import holds_from
from mrl_demo.search.engine import RankingEngine
from mrl_demo.search.engines.attached import AnsweredTop, AttachedIndex
from mrl_demo.search.part import PartIndex
from mrl_demo.search.topk import Ranking

#: Lengths at which the rank-moves chart looks, besides the full one.
PATH_DIMS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072)
_TRACKED_DOCUMENTS = 8
_AGREEMENT_DEPTH = 10
#: Queries whose order at full length is kept, 4 bytes a document each: moving the slider searches at one length only.
_QUERIES_KEPT = 8


@dataclass(frozen=True)
class EncodedQuery:
    """A query in one arm's space: `(d,)` float32 unit vector, and the ms that encoding took (None: stored)."""

    text: str
    vector: FloatMatrix
    encode_ms: float | None


class Searcher:
    """One arm's index over one corpus, or over the `rows` of it that the index holds.

    >>> import numpy as np
    >>> from mrl_demo.core.types import Document
    >>> from mrl_demo.search.exact import ExactIndex
    >>> documents = (Document("b", "Bees", "They dance."), Document("t", "Tea", "It is brewed."))
    >>> vectors = np.array([[0.6, 0.8], [0.8, -0.6]], np.float32)
    >>> searcher = Searcher("base", Corpus("tiny", "Tiny", documents, "fingerprint"), ExactIndex(vectors))
    >>> result = searcher.result(EncodedQuery("how do bees talk", vectors[0], encode_ms=5.0), 1, top_k=2, answers={})
    >>> [(hit.document.title, hit.is_tied) for hit in result.hits]  # At one number every cosine is 1 or -1.
    [('Bees', True), ('Tea', True)]
    """

    def __init__(
        self, arm: str, corpus: Corpus, index: RankingEngine | AttachedIndex, rows: IntMatrix | None = None
    ) -> None:
        self.arm, self.corpus, self.index = arm, corpus, index
        held = range(len(corpus)) if rows is None else rows.tolist()
        self.n = len(held)
        self._rows = {corpus.documents[row].id: row for row in held}
        self._uncut: BoundedCache[_Order] = BoundedCache(_QUERIES_KEPT)

    def only(self, rows: IntMatrix, where: Mapping[str, str]) -> Searcher:
        """The same over the documents in some rows, those that have the labels of `where`."""
        index = self.index
        part = index.only(rows, where) if isinstance(index, AttachedIndex) else PartIndex(index, rows)
        return Searcher(self.arm, self.corpus, part, rows)

    def result(self, query: EncodedQuery, dim: int, top_k: int, answers: Mapping[str, float]) -> SearchResult:
        """Search at prefix `dim`: hits with their moves against this arm's own full-dimension ranking.

        `search_ms` is the search that gives the hits.
        """
        full, k = self.index.dimension, max(top_k, _AGREEMENT_DEPTH) + 1  # One more shows whether the last is tied.
        near = near_rank(self.n)
        cut = _Order(self.index, query.vector, dim, max(k, near) if dim == full else k)
        uncut = cut if dim == full else self._uncut_order(query.vector, max(k, near))
        answer_rows = self._answer_rows(answers)
        answer = min(answer_rows, key=cut.rank, default=None)
        tracked = uncut.rows[0] if answer is None else answer
        return SearchResult(
            arm=self.arm,
            dim=dim,
            full_dim=full,
            hits=tuple(self._hit(row, cut, uncut, row in answer_rows) for row in cut.rows[:top_k]),
            overlap_at_10=_overlap(cut.rows[:_AGREEMENT_DEPTH], uncut.rows[:_AGREEMENT_DEPTH]),
            answer_rank=None if answer is None else cut.rank(answer),
            full_answer_rank=min(map(uncut.rank, answer_rows), default=None),
            encode_ms=query.encode_ms,
            search_ms=cut.search_ms,
            n_documents=self.n,
            is_answer_tied=answer is not None and cut.is_tied(answer),
            tracked=self._standing(tracked, cut, uncut, answer_rows),
            missing=self._missing(cut, uncut, top_k, answer_rows),
            best_full_score=uncut.scores[uncut.rows[0]],
            near_full_score=uncut.scores[uncut.rows[near - 1]],
            engine=cut.answered.engine,
            engine_problem=cut.answered.problem,
        )

    def paths(self, query: EncodedQuery, hold_k: int, answers: Mapping[str, float]) -> RankPaths:
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

    def _uncut_order(self, query: FloatMatrix, k: int) -> _Order:
        return self._uncut.get((query.tobytes(), k), lambda: _Order(self.index, query, self.index.dimension, k))

    def _answer_rows(self, answers: Mapping[str, float]) -> list[int]:
        return [self._rows[key] for key in answers if key in self._rows]

    def _standing(self, row: int, cut: _Order, uncut: _Order, answer_rows: list[int]) -> Standing:
        return Standing(row, self.corpus.documents[row], cut.rank(row), uncut.rank(row), row in answer_rows)

    def _missing(self, cut: _Order, uncut: _Order, top_k: int, answer_rows: list[int]) -> tuple[Standing, ...]:
        """The documents whose loss is worth a word, by their rank with the full vector."""
        rows = [row for place, row in enumerate(uncut.rows[:BREAK_DEPTH]) if place < top_k or row in answer_rows]
        lost = [row for row in rows if cut.rank(row) > max(BREAK_DEPTH, top_k)]
        return tuple(self._standing(row, cut, uncut, answer_rows) for row in lost)

    def _hit(self, row: int, cut: _Order, uncut: _Order, is_answer: bool) -> Hit:
        score, document = cut.scores[row], self.corpus.documents[row]
        return Hit(cut.rank(row), row, document, score, uncut.rank(row), is_answer, cut.is_tied(row))


class _Order:
    """Where documents stand for a query at one length: by a search, and only beyond what it found by a scan of all."""

    def __init__(self, index: RankingEngine | AttachedIndex, query: FloatMatrix, dim: int, k: int) -> None:
        started = time.perf_counter()
        self.answered = _search(index, query, dim, k)
        top = self.answered.top
        self.search_ms = (time.perf_counter() - started) * 1e3
        self.rows: list[int] = top.indices[0].tolist()
        self.scores: dict[int, float] = dict(zip(self.rows, top.scores[0].tolist(), strict=True))
        self._places = {row: place for place, row in enumerate(self.rows, 1)}
        self._ties = dict(zip(self.rows[:-1], top.find_ties()[0].tolist(), strict=False))  # Who follows the last?
        self._index, self._query, self._dim = index, query, dim

    def rank(self, row: int) -> int:
        """1 is best; rounding may put a document that was not found level with the last: it comes after that one."""
        place = self._places.get(row)
        return place if place is not None else max(int(self._scan.ranks([row])[0]), len(self.rows) + 1)

    def is_tied(self, row: int) -> bool:
        """Whether another document has the same score."""
        tied = self._ties.get(row)
        return tied if tied is not None else self._scan.is_tied(row)

    @cached_property
    def _scan(self) -> Ranking:
        return self._index.scan.ranking(self._query, self._dim)


def _search(index: RankingEngine | AttachedIndex, query: FloatMatrix, dim: int, k: int) -> AnsweredTop:
    if isinstance(index, AttachedIndex):
        return index.search_answered(query, dim, k)
    return AnsweredTop(index.search(query, dim, k))


def _overlap(rows: list[int], full_rows: list[int]) -> float:
    return len(set(rows) & set(full_rows)) / len(full_rows)
