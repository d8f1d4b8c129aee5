"""Prefix index: one dimension-major copy of the vectors, exact cosine search at any prefix length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension, truncate
from mrl_demo.search.engine import check_k, check_queries, check_vectors
from mrl_demo.search.norms import PrefixNorms
from mrl_demo.search.topk import Ranking, TopK, select_top_k

#: Rows of a block are a multiple of it, if there are that many: whole cache lines, whole vector registers.
_ALIGNED = 64
_SCORE_BYTES_AT_ONCE = 256 * 2**20


class PrefixIndex:
    """Exact cosine search over the first `dim` numbers of every vector, for any `dim`, from one copy.

    Blocks of up to `block_rows` vectors are stored dimension-major, `(n_blocks, D, rows)` float32, so a prefix of
    every block is one contiguous run of memory and a search reads `n * dim` numbers and no more (compare PDX, SIGMOD
    2025). Prefix norms are computed on first use of a length and kept (the last 48 lengths). Safe to share between
    threads.

    >>> index = PrefixIndex(np.array([[3, 4], [4, 3], [0, 1]], np.float32))
    >>> index.search(np.array([0, 2], np.float32), dim=2, k=2).indices.tolist()
    [[2, 0]]
    """

    is_exact = True

    def __init__(self, vectors: FloatMatrix, block_rows: int = 16_384) -> None:
        """Copy `(n, D)` float vectors into blocks; raises `LabError` for an empty or non-finite matrix."""
        vectors = check_vectors(vectors)
        self.n, self.dimension = vectors.shape
        rows = even_rows(self.n, block_rows)
        n_blocks = -(-self.n // rows)
        # Memory of numpy's: it asks for large pages, without which numbers far apart cost a page walk each.
        self.blocks: FloatMatrix = np.zeros((n_blocks, self.dimension, rows), dtype=np.float32)
        for b, block in enumerate(torch.from_numpy(self.blocks)):
            part = torch.from_numpy(np.ascontiguousarray(vectors[b * rows : (b + 1) * rows], dtype=np.float32))
            block[:, : len(part)] = part.T
        self._norms = PrefixNorms(self.blocks)

    @classmethod
    def over(cls, blocks: FloatMatrix, n: int) -> PrefixIndex:
        """An index of `n` vectors over `(n_blocks, D, rows)` float32 blocks that are there: a memory-mapped file, say.

        Nothing is copied or checked; places behind the last vector hold zeros.
        """
        index = cls.__new__(cls)
        index.n, index.dimension, index.blocks = n, blocks.shape[1], blocks
        index._norms = PrefixNorms(blocks)
        return index

    @property
    def scan(self) -> PrefixIndex:
        """Itself: it compares a query with every document anyway."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes of the one copy of the vectors, padding of the last block included."""
        return self.blocks.nbytes

    def bytes_read(self, dim: object) -> int:
        """Bytes that a search for one query goes through at prefix `dim`."""
        return 4 * self.n * check_dimension(dim, self.dimension)

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it."""
        length, k = check_dimension(dim, self.dimension), check_k(k)
        queries = check_queries(queries, self.dimension)
        step = max(1, _SCORE_BYTES_AT_ONCE // (4 * self.n))
        parts = [select_top_k(self._score(queries[i : i + step], length), k) for i in range(0, len(queries), step)]
        return TopK.join(parts, min(k, self.n))

    def scores(self, queries: FloatMatrix, dim: object) -> FloatMatrix:
        """Cosines of `(q, D)` queries (or one `(D,)`) with every document at prefix `dim`: `(q, n)` float32.

        Raises as `search` does.
        """
        return self._score(check_queries(queries, self.dimension), check_dimension(dim, self.dimension)).numpy()

    def ranking(self, query: FloatMatrix, dim: object) -> Ranking:
        """How one `(D,)` query orders every document at prefix `dim`; raises as `search` does."""
        return Ranking(self._score(check_queries(query, self.dimension), check_dimension(dim, self.dimension))[0])

    def ranks(self, query: FloatMatrix, indices: Sequence[int], dims: Sequence[int]) -> IntMatrix:
        """Ranks of the given documents for one `(D,)` query at every length: `(len(indices), len(dims))` int64."""
        columns = [self.ranking(query, dim).ranks(indices) for dim in dims]
        return np.stack(columns, axis=1) if columns else np.empty((len(indices), 0), np.int64)

    def parts(self) -> Iterator[FloatMatrix]:
        """All vectors again, a copy of one block of rows at a time: `(rows, D)` float32, contiguous."""
        rows = self.blocks.shape[2]
        for b, block in enumerate(self.blocks):
            yield np.ascontiguousarray(block.T[: self.n - b * rows])

    def inverse_norms(self, dim: int) -> FloatMatrix:
        """`1 / norm` of every document's first `dim` numbers, 0 for a norm of 0: `(n_blocks, rows)` float32."""
        return self._norms.inverse(dim)

    def _score(self, queries: FloatMatrix, dim: int) -> torch.Tensor:
        cut = torch.from_numpy(truncate(queries, dim))
        products = torch.matmul(cut, torch.from_numpy(self.blocks[:, :dim]))  # (n_blocks, q, rows)
        products *= torch.from_numpy(self.inverse_norms(dim))[:, None, :]
        return products.transpose(0, 1).reshape(len(cut), -1)[:, : self.n]


def even_rows(n: int, at_most: int) -> int:
    """Rows a block, so that blocks are about equally full: 20,000 vectors are not two blocks of 16,384."""
    even = -(-n // -(-n // at_most))
    return min(n, at_most, -(-even // _ALIGNED) * _ALIGNED)
