"""One query against one arm: hits at a prefix, and how the ranks move over all dimensions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from mrl_demo.core.types import Corpus, FloatMatrix, Hit, IntMatrix, RankPaths, SearchResult
from mrl_demo.evaluation.worst import holds_from
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.topk import TopK

#: Lengths at which the rank-moves chart looks, besides the full one.
PATH_DIMS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072)
_TRACKED_DOCUMENTS = 8


@dataclass(frozen=True)
class EncodedQuery:
    """A query in one arm's space: `(d,)` float32 unit vector, and what encoding it took in ms."""

    text: str
    vector: FloatMatrix
    encode_ms: float


class Searcher:
    """One arm's index over one corpus."""

    def __init__(self, arm: str, corpus: Corpus, index: PrefixIndex) -> None:
        self.arm, self.corpus, self.index = arm, corpus, index
        self._rows = {doc.id: row for row, doc in enumerate(corpus.documents)}

    def result(self, query: EncodedQuery, dim: int, top_k: int, answers: Mapping[str, int]) -> SearchResult:
        """Search at prefix `dim`: hits with their moves against this arm's own full-dimension ranking."""
        started = time.perf_counter()
        cut = self.index.ranking(query.vector, dim)
        found = cut.top(max(top_k, 10))
        search_ms = (time.perf_counter() - started) * 1e3
        full = self.index.ranking(query.vector, self.index.dimension)
        rows = self._known(answers)
        return SearchResult(
            arm=self.arm,
            dim=dim,
            full_dim=self.index.dimension,
            hits=self._hits(found, full.ranks(found.indices[0, :top_k].tolist()), set(rows)),
            overlap_at_10=_overlap(found, full.top(10)),
            answer_rank=int(cut.ranks(rows).min()) if rows else None,
            full_answer_rank=int(full.ranks(rows).min()) if rows else None,
            encode_ms=query.encode_ms,
            search_ms=search_ms,
            n_documents=len(self.corpus),
        )

    def paths(self, query: EncodedQuery, hold_k: int, answers: Mapping[str, int]) -> RankPaths:
        """Ranks of the full-dimension top documents and the known answers over `PATH_DIMS`."""
        full = self.index.dimension
        dims = (*(d for d in PATH_DIMS if d < full), full)
        known = self._known(answers)
        top: list[int] = self.index.ranking(query.vector, full).top(_TRACKED_DOCUMENTS).indices[0].tolist()
        rows = top + [i for i in known if i not in top]
        ranks = self.index.ranks(query.vector, rows, dims)
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

    def _known(self, answers: Mapping[str, int]) -> list[int]:
        return [self._rows[key] for key in answers if key in self._rows]

    def _hits(self, found: TopK, full_ranks: IntMatrix, answers: set[int]) -> tuple[Hit, ...]:
        rows = zip(found.indices[0], found.scores[0], full_ranks, strict=False)
        return tuple(
            Hit(rank, int(i), self.corpus.documents[i], float(score), int(full_rank), int(i) in answers)
            for rank, (i, score, full_rank) in enumerate(rows, 1)
        )


def _overlap(found: TopK, full_top: TopK) -> float:
    wanted = set(full_top.indices[0].tolist())
    return len(wanted & set(found.indices[0, : len(wanted)].tolist())) / len(wanted)
