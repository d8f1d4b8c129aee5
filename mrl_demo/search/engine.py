"""What a search engine is: the protocol that all of them fulfil, and the inputs that all of them refuse alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.search.topk import Ranking, TopK


class Engine(Protocol):
    """Finds the documents whose cut vectors have the highest cosine with a cut query.

    Whatever can answer this is an engine: a matrix in memory, a funnel over two others, a vector database. One object
    answers at every length that it has, and can be shared between threads.
    """

    @property
    def n(self) -> int:
        """Documents."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers of an uncut vector, `D`: what a query must have."""
        ...

    @property
    def is_exact(self) -> bool:
        """Whether it always finds what comparing the query with every float32 vector would find."""
        ...

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """The `k` nearest documents (all, if fewer) to uncut `(q, D)` queries, or one `(D,)`, at prefix `dim`.

        Best first; equal scores in document order. Which of several documents that tie for the last place are among
        the `k` is fixed only if the engine is exact: the first ones. A vector of zeros has cosine 0 with everything.

        Raises `InvalidDimensionError` for a length that the engine does not have, and `LabError` for a `k` below 1,
        for queries that do not have `D` numbers and for queries that hold NaN or infinity anywhere.
        """
        ...


class RankedScan(Protocol):
    """What compares a query with every document, and so knows the rank of any."""

    def ranking(self, query: FloatMatrix, dim: object) -> Ranking:
        """How one `(D,)` query orders every document at `dim`."""
        ...

    def ranks(self, query: FloatMatrix, indices: Sequence[int], dims: Sequence[int]) -> IntMatrix:
        """Ranks of the given documents for one `(D,)` query at every length: `(len(indices), len(dims))` int64."""
        ...


class RankingEngine(Engine, Protocol):
    """An engine that also has the rank of documents it did not find, by a scan."""

    @property
    def scan(self) -> RankedScan:
        """What ranks any document, those too that the search left out."""
        ...


class ScanEngine(Engine, Protocol):
    """An engine in this process that goes through the codes of all documents for every query."""

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps now; arrays that it was given and only refers to are not counted."""
        ...

    def bytes_read(self, dim: object) -> int:
        """Bytes that a search for one query goes through at prefix `dim`, at the least."""
        ...


def check_vectors(vectors: FloatMatrix) -> FloatMatrix:
    """`vectors` as an `(n, D)` matrix; raises `LabError` if it is empty, has another shape or holds NaN or infinity."""
    matrix = np.asarray(vectors)
    if matrix.ndim != 2 or matrix.shape[0] < 1 or matrix.shape[1] < 1:
        raise LabError(f"An index needs a matrix of at least 1 x 1 vectors, not one of shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        row = int(np.argmax(~np.isfinite(matrix).all(axis=1)))
        raise LabError(f"Vector {row} holds NaN or infinity: encode that document again before indexing.")
    return matrix


def check_queries(queries: FloatMatrix, dimension: int) -> FloatMatrix:
    """`queries` as a `(q, D)` matrix; raises `LabError` if they have no cosine with `dimension` numbers."""
    matrix = np.atleast_2d(queries)
    if matrix.ndim != 2 or matrix.shape[1] != dimension:
        raise LabError(
            f"Queries of shape {np.shape(queries)} do not fit an index of {dimension} numbers a vector: "
            "encode them with the model that encoded the documents."
        )
    if not np.isfinite(matrix).all():
        row = int(np.argmax(~np.isfinite(matrix).all(axis=1)))
        raise LabError(f"Query vector {row} holds NaN or infinity: encode that query again.")
    return matrix


def check_k(k: int) -> int:
    """Return `k`; raises `LabError` if it is below 1."""
    if k < 1:
        raise LabError(f"k={k} results cannot be shown: ask for 1 or more.")
    return k
