"""A collection in an engine as an `Engine`: rows of the documents instead of keys, ties in document order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import check_dimension, normalise
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.engine import check_k, check_queries
from mrl_demo.search.engines.errors import EngineMismatchError
from mrl_demo.search.engines.vector_engine import CollectionCard, Nearest, VectorEngine
from mrl_demo.search.topk import TopK

#: Scores nearer than this are level: engines add float32 numbers in orders of their own.
_TIE = 1e-6
#: How much more is asked for as long as a list ends within a tie.
_GROWTH = 8


class CollectionIndex:
    """Searches a collection for documents by their row; `keys` are the documents' keys in their order.

    >>> from mrl_demo.search.engines.loading import VectorRows, load_collection
    >>> from mrl_demo.search.engines.opening import open_engine
    >>> from mrl_demo.search.engines.vector_engine import CollectionLayout, content_key
    >>> engine, keys = open_engine("file:bees"), [content_key(name) for name in ("bees", "tea")]
    >>> card = CollectionCard("bees", "f", "base", "m", "", CollectionLayout(2), count=2)
    >>> report = load_collection(engine, card, VectorRows(keys, np.eye(2, dtype=np.float32), [{}, {}]))
    >>> CollectionIndex(engine, card, keys).search(np.array([0, 1], np.float32), dim=2, k=1).indices.tolist()
    [[1]]
    """

    def __init__(self, engine: VectorEngine, card: CollectionCard, keys: Sequence[str]) -> None:
        self.engine, self.card = engine, card
        self.n, self.dimension = len(keys), card.layout.dimension
        self._rows = {key: row for row, key in enumerate(keys)}

    @property
    def is_exact(self) -> bool:
        """Whether the engine compares every vector at every length."""
        return not self.card.layout.is_approximate and self.engine.has_all_lengths

    def is_exact_at(self, dim: int) -> bool:
        """Whether the engine compares every vector at one length."""
        layout = self.card.layout
        if layout.is_approximate:  # Below the shortest index an engine that can compares row by row.
            return self.engine.has_all_lengths and dim < layout.dims[0]
        return self.engine.has_all_lengths or dim in layout.dims

    def describe(self, dim: object) -> str:
        """The engine and what it finds at a length, for anybody's eyes."""
        length = check_dimension(dim, self.dimension)
        if self.is_exact_at(length):
            return f"{self.engine.name}, exact"
        if not self.card.recall:
            return f"{self.engine.name}, not exact (recall not measured)"
        near = min(self.card.recall, key=lambda measured: abs(measured - length))
        at = "" if near == length else f" at {near} numbers"
        return f"{self.engine.name}, finds {self.card.recall[near]:.1%} of the exact first ten{at}"

    def search(self, queries: FloatMatrix, dim: object, k: int, where: Mapping[str, str] | None = None) -> TopK:
        """As `Engine.search` has it; with `where` only documents that have these attributes, fewer if there are fewer.

        Raises `EngineError` as `VectorEngine` does.
        """
        length, k = check_dimension(dim, self.dimension), min(check_k(k), self.n)
        rows = normalise(check_queries(queries, self.dimension))
        parts = [self._search_one(row, length, k, where) for row in rows]
        width = min([k, *(part.indices.shape[1] for part in parts)])
        parts = [TopK(part.indices[:, :width], part.scores[:, :width]) for part in parts]
        return TopK.join(parts, k)

    def check_filled(self, top: TopK, dim: object, k: int) -> None:
        """Raise `EngineMismatchError` if a search found none of `k` documents that there are, or not all if exact."""
        count = top.indices.shape[1]
        if count < k and (not count or self.is_exact_at(check_dimension(dim, self.dimension))):
            raise EngineMismatchError(_CHANGED)

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> TopK:
        """The `k` best of `(q, D)` queries after all stages in the engine; raises as `Cascade.check` and `search`."""
        k = min(check_k(k), self.n)
        cascade.check(self.dimension, k)
        rows = normalise(check_queries(queries, self.dimension))
        answers = self.engine.funnel(rows, cascade, k)
        return TopK.join([self._sorted(answer, k, is_whole=True) for answer in answers], k)

    def _search_one(self, query: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None) -> TopK:
        if not query[:dim].any() and not where:  # It has cosine 0 with everything, which engines refuse or call NaN.
            return TopK(np.arange(k, dtype=np.int64)[None], np.zeros((1, k), np.float32))
        is_exact = self.is_exact_at(dim)
        wanted = min(self.n, k + 1) if is_exact else k
        while True:
            (answer,) = self.engine.search(query[None], dim, wanted, where)
            scores = answer.scores
            is_cut = len(scores) >= wanted < self.n and scores[-1] >= scores[min(k, len(scores)) - 1] - _TIE
            if not is_exact or not is_cut:
                return self._sorted(answer, k, is_whole=not where)
            wanted = min(self.n, wanted * _GROWTH)

    def _sorted(self, answer: Nearest, k: int, *, is_whole: bool) -> TopK:
        """The first `k` by score, level ones in document order; raises `EngineMismatchError` for rows of others."""
        try:
            rows = np.array([self._rows[key] for key in answer.keys], dtype=np.int64)
        except KeyError as error:
            raise EngineMismatchError(_CHANGED) from error
        if is_whole and len(rows) < k:
            raise EngineMismatchError(_CHANGED)
        scores = np.array(answer.scores, dtype=np.float32)
        order = np.lexsort((rows, -scores))[:k]
        return TopK(rows[order][None], scores[order][None])


_CHANGED = "The collection no longer holds these documents: run `mrl index` again, which sends only what is new."
