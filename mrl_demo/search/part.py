"""Some of an index's documents: searched and ranked among themselves, exactly, from the index's own vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.search.engine import RankingEngine, check_k, check_queries
from mrl_demo.search.topk import Ranking, TopK


class PartIndex:
    """The documents of some `rows` of an index; results and ranks name them by their rows there.

    Every document is compared, those outside are left out of the order. Nothing is copied but a mask of a byte a
    document. Safe to share between threads.

    >>> from mrl_demo.search.exact import ExactIndex
    >>> whole = ExactIndex(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32))
    >>> part, query = PartIndex(whole, np.array([1, 2])), np.array([1, 0], np.float32)
    >>> part.search(query, dim=2, k=5).indices.tolist(), part.ranks(query, [1, 2], [2]).tolist()
    ([[1, 2]], [[1], [2]])
    """

    is_exact = True

    def __init__(self, whole: RankingEngine, rows: IntMatrix) -> None:
        self.n, self.dimension = len(rows), whole.dimension
        self._scan = whole.scan
        self._is_outside = torch.ones(whole.n, dtype=torch.bool)
        self._is_outside[torch.from_numpy(rows)] = False

    @property
    def scan(self) -> PartIndex:
        """Itself: it compares a query with every document anyway."""
        return self

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it."""
        k = min(check_k(k), self.n)
        rows = check_queries(queries, self.dimension)
        return TopK.join([self.ranking(query, dim).top(k) for query in rows], k)

    def ranking(self, query: FloatMatrix, dim: object) -> Ranking:
        """How one query orders these documents; others have a score of minus infinity."""
        return Ranking(self._scan.ranking(query, dim).scores.masked_fill(self._is_outside, -torch.inf))

    def ranks(self, query: FloatMatrix, indices: Sequence[int], dims: Sequence[int]) -> IntMatrix:
        """Ranks of the given documents among these for one query at every length, `(len(indices), len(dims))`."""
        columns = [self.ranking(query, dim).ranks(indices) for dim in dims]
        return np.stack(columns, axis=1) if columns else np.empty((len(indices), 0), np.int64)
