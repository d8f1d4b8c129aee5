"""Prefix index: one dimension-major copy of the vectors, exact cosine search at any prefix length."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension, truncate
from mrl_demo.search.sketch import Sketch
from mrl_demo.search.topk import Ranking, TopK, top_k

_PREFIXES_KEPT = 48
_SCORE_BYTES_AT_ONCE = 256 * 2**20
#: The int8 sketch pays from so many documents on, at prefixes of so many numbers: shorter ones leave too many of them.
_SKETCH_FROM = 100_000
_SKETCHED_DIMENSIONS = 8
#: With more than this share of the documents left after the sketch, reading all float32 prefixes is faster.
_FEW = 1 / 256


@dataclass(frozen=True)
class _Prefix:
    """What one length needs: `1 / norm` of every document `(n_blocks, block_rows)` float32, and the sketch's steps."""

    inverse_norms: FloatMatrix
    steps: FloatMatrix | None


class PrefixIndex:
    """Exact cosine search over the first `dim` numbers of every vector, for any `dim`, from one copy.

    Blocks of `block_rows` vectors are stored dimension-major, `(n_blocks, D, block_rows)` float32, so a prefix of
    every block is one contiguous run of memory and a search reads `n * dim` numbers and no more (compare PDX, SIGMOD
    2025). Prefix norms are computed on first use of a length and kept (the last 48 lengths). Safe to share between
    threads.

    From 100,000 vectors on an int8 sketch of a quarter of the size is kept too: a search for a single query reads that
    where it is faster, and float32 decides between the documents it leaves. The result is that of the full pass.
    """

    def __init__(self, vectors: FloatMatrix, block_rows: int = 16_384) -> None:
        """Copy `(n, D)` float vectors into blocks; raises `LabError` for an empty or non-finite matrix."""
        vectors = _checked(vectors)
        self.n, self.dimension = vectors.shape
        rows = max(1, min(block_rows, self.n))
        n_blocks = -(-self.n // rows)
        # Memory of numpy's: it asks for large pages, without which numbers far apart cost a page walk each.
        self._blocks = np.zeros((n_blocks, self.dimension, rows), dtype=np.float32)
        for b, block in enumerate(torch.from_numpy(self._blocks)):
            part = torch.from_numpy(np.ascontiguousarray(vectors[b * rows : (b + 1) * rows], dtype=np.float32))
            block[:, : len(part)] = part.T
        self._prefixes: OrderedDict[int, _Prefix] = OrderedDict()
        self._lock = threading.Lock()
        self._sketch = Sketch(vectors) if self.n >= _SKETCH_FROM else None
        if self._sketch:
            self.search(vectors[0], self.dimension, 1)  # Or somebody's first search would wait for the compiler.

    @property
    def nbytes(self) -> int:
        """Bytes of the one copy of the vectors (padding of the last block included) and of the sketch."""
        return self._blocks.nbytes + (self._sketch.nbytes if self._sketch else 0)

    def bytes_read(self, dim: object) -> int:
        """Bytes a search for one query goes through at prefix `dim`: the sketch's where it is used, else float32's.

        The few float32 numbers that decide between the documents the sketch leaves are not counted.
        """
        length = check_dimension(dim, self.dimension)
        if self._sketch is not None and self._prefix(length).steps is not None:
            return self._sketch.bytes_read(length)
        return 4 * self.n * length

    def scores(self, queries: FloatMatrix, dim: object) -> FloatMatrix:
        """Cosines of `(q, D)` queries (or one `(D,)`) with every document at prefix `dim`: `(q, n)` float32.

        Raises as `search` does.
        """
        return self._scores(self._asked(queries), check_dimension(dim, self.dimension)).numpy()

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """The `k` nearest documents (all, if fewer) at prefix `dim`; equal scores keep document order.

        Raises `InvalidDimensionError` for a `dim` outside 1..D and `LabError` for a `k` below 1, for queries of another
        length than D and for queries that hold NaN or infinity.
        """
        length = check_dimension(dim, self.dimension)
        if k < 1:
            raise LabError(f"k={k} results cannot be shown: ask for 1 or more.")
        single = np.shape(queries) in ((self.dimension,), (1, self.dimension))
        if single and (found := self._sketched(np.ravel(queries), length, k)):
            return found
        queries = self._asked(queries)
        step = max(1, _SCORE_BYTES_AT_ONCE // (4 * self.n))
        parts = [top_k(self._scores(queries[i : i + step], length), k) for i in range(0, len(queries), step)]
        if not parts:
            return TopK(np.empty((0, min(k, self.n)), np.int64), np.empty((0, min(k, self.n)), np.float32))
        return TopK(np.concatenate([p.indices for p in parts]), np.concatenate([p.scores for p in parts]))

    def ranking(self, query: FloatMatrix, dim: object) -> Ranking:
        """How one `(D,)` query orders every document at prefix `dim`; raises as `search` does."""
        return Ranking(self._scores(self._asked(query), check_dimension(dim, self.dimension))[0])

    def ranks(self, query: FloatMatrix, indices: Sequence[int], dims: Sequence[int]) -> IntMatrix:
        """Ranks of the given documents for one `(D,)` query at every length: `(len(indices), len(dims))` int64."""
        columns = [self.ranking(query, dim).ranks(indices) for dim in dims]
        return np.stack(columns, axis=1) if columns else np.empty((len(indices), 0), np.int64)

    def _asked(self, queries: FloatMatrix) -> FloatMatrix:
        """`queries` as a `(q, D)` matrix; raises `LabError` for those that no document has a cosine with."""
        matrix = np.atleast_2d(queries)
        if matrix.ndim != 2 or matrix.shape[1] != self.dimension:
            raise LabError(
                f"Queries of shape {np.shape(queries)} do not fit an index of {self.dimension} numbers a vector: "
                "encode them with the model that encoded the documents."
            )
        if not np.isfinite(matrix).all():
            row = int(np.argmax(~np.isfinite(matrix).all(axis=1)))
            raise LabError(f"Query vector {row} holds NaN or infinity: encode that query again.")
        return matrix

    def _scores(self, queries: FloatMatrix, dim: int) -> torch.Tensor:
        cut = torch.from_numpy(truncate(queries, dim))
        products = torch.matmul(cut, torch.from_numpy(self._blocks[:, :dim]))  # (n_blocks, q, rows)
        products *= torch.from_numpy(self._prefix(dim).inverse_norms)[:, None, :]
        return products.transpose(0, 1).reshape(len(cut), -1)[:, : self.n]

    def _sketched(self, query: FloatMatrix, dim: int, k: int) -> TopK | None:
        """`search` of one `(D,)` query by way of the sketch; None where that is not to be had or would be slower."""
        prefix, at_most = self._prefix(dim), int(self.n * _FEW)
        if self._sketch is None or prefix.steps is None or k > at_most:
            return None
        asked = self._sketch.asked(query, dim)
        documents = self._sketch.contenders(asked, prefix.steps, k, at_most) if asked else None
        if asked is None or documents is None:
            return None
        indices, scores = self._sketch.best(asked, documents, self._blocks, prefix.inverse_norms, k)
        return TopK(indices[None], scores[None])

    def _prefix(self, dim: int) -> _Prefix:
        with self._lock:
            if dim in self._prefixes:
                self._prefixes.move_to_end(dim)
                return self._prefixes[dim]
        prefix = self._made_prefix(dim)
        with self._lock:
            self._prefixes[dim] = prefix
            while len(self._prefixes) > _PREFIXES_KEPT:
                self._prefixes.popitem(last=False)
        return prefix

    def _made_prefix(self, dim: int) -> _Prefix:
        norms = torch.linalg.vector_norm(torch.from_numpy(self._blocks[:, :dim]), dim=1)
        inverse = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms)).numpy()
        if self._sketch is None or dim < _SKETCHED_DIMENSIONS:
            return _Prefix(inverse, None)
        steps = self._sketch.steps(inverse.ravel()[: self.n])
        return _Prefix(inverse, steps if np.isfinite(steps).all() else None)


def _checked(vectors: FloatMatrix) -> FloatMatrix:
    matrix = np.asarray(vectors)
    if matrix.ndim != 2 or matrix.shape[0] < 1 or matrix.shape[1] < 1:
        raise LabError(f"An index needs a matrix of at least 1 x 1 vectors, not one of shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        row = int(np.argmax(~np.isfinite(matrix).all(axis=1)))
        raise LabError(f"Vector {row} holds NaN or infinity: encode that document again before indexing.")
    return matrix
