"""Exact search over sparse codes: a product of CSR matrices, at however many units a row keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.sparse import csr_matrix

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.errors import LabError
from mrl_demo.core.sparse_rows import SparseRows
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension
from mrl_demo.search.engine import check_k, check_queries
from mrl_demo.search.topk import Ranking, TopK, select_top_k

_QUERIES_AT_ONCE = 256
#: Cuts of the documents that are kept: the one in use and those beside it.
_CUTS_KEPT = 4


class SparseIndex:
    """Documents' codes, searched by cosine at k units a row; a query comes as its vector and is coded by `encode`.

    The `dim` of `search` is k: the k strongest units of each document and of the query. Exact: every document that
    shares a unit with the query is compared. Safe to share between threads.

    >>> rows = SparseRows(np.array([[0, 1], [1, 0]], np.uint16), np.array([[0.9, 0.1], [0.8, 0.6]], np.float16), 2)
    >>> SparseIndex(rows, lambda vectors: rows.take([1])).search(np.ones((1, 2), np.float32), 1, k=1).indices.tolist()
    [[1]]
    """

    is_exact = True

    def __init__(self, rows: SparseRows, encode: Callable[[FloatMatrix], SparseRows]) -> None:
        if not len(rows):
            raise LabError("An index needs at least one document.")
        self.rows, self._encode = rows, encode
        self.n, self.dimension = len(rows), rows.dimension
        self._cuts: BoundedCache[csr_matrix] = BoundedCache(_CUTS_KEPT)

    @property
    def scan(self) -> SparseIndex:
        """Itself: it compares a query with every document anyway."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes of the codes: two for a unit, two for its value."""
        return self.rows.units.nbytes + self.rows.values.nbytes

    def bytes_read(self, dim: object) -> int:
        """Bytes of the codes at `dim` units a row."""
        return self.rows.bytes_at(check_dimension(dim, self.dimension))

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it; `queries` are vectors of the encoder, as many numbers as the codes have units."""
        length, k = check_dimension(dim, self.dimension), check_k(k)
        queries = check_queries(queries, self.dimension)
        starts = range(0, len(queries), _QUERIES_AT_ONCE)
        parts = [select_top_k(self._scores(queries[i : i + _QUERIES_AT_ONCE], length), k) for i in starts]
        return TopK.join(parts, min(k, self.n))

    def ranking(self, query: FloatMatrix, dim: object) -> Ranking:
        """How one query's vector orders every document at `dim` units."""
        vector = check_queries(query, self.dimension)
        return Ranking(self._scores(vector, check_dimension(dim, self.dimension))[0])

    def ranks(self, query: FloatMatrix, indices: Sequence[int], dims: Sequence[int]) -> IntMatrix:
        """Ranks of the given documents for one query at every number of units, `(len(indices), len(dims))` int64."""
        columns = [self.ranking(query, dim).ranks(indices) for dim in dims]
        return np.stack(columns, axis=1) if columns else np.empty((len(indices), 0), np.int64)

    def _scores(self, queries: FloatMatrix, units: int) -> torch.Tensor:
        documents = self._cuts.get(units, lambda: self.rows.cut(units))
        return torch.from_numpy((self._encode(queries).cut(units) @ documents.T).toarray())
