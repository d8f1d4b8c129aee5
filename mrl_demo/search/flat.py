"""faiss' exhaustive search over vectors stored at one precision, with or without rescoring by a finer one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension, normalise, truncate
from mrl_demo.search.codebooks import ProductCodes, RabitqCodes, pad_to_bytes
from mrl_demo.search.engine import check_k, check_queries, check_vectors
from mrl_demo.search.quantised import (
    ONE_BIT,
    Codec,
    Precision,
    bytes_per_vector,
    calibration_rows,
    fit_codec,
    parse_precision,
    quantise,
)
from mrl_demo.search.topk import TopK

#: How much more is asked for as long as a shortlist ends within a tie.
_GROWTH = 8


class FlatIndex:
    """Every document compared at one of `PRECISIONS`, and with "+rescore" the best of them again in float32 or int8.

    The vectors are cut, normalised and coded on first use of a length; codes of the last `lengths_kept` lengths are
    kept. A shortlist for rescoring takes whatever ties with its last document too, so that it holds the same
    documents in whatever order they were given: of 100,000 documents thousands share a binary score at 8 numbers.
    Safe to share between threads.

    >>> vectors = np.array([[3, 4], [4, 3], [-1, 2]], np.float32)
    >>> FlatIndex(vectors, "binary+rescore").search(vectors[1], dim=2, k=1).indices.tolist()
    [[1]]
    """

    def __init__(self, vectors: FloatMatrix, precision: str, shortlist: int = 0, lengths_kept: int = 1) -> None:
        """Refer to `(n, D)` float vectors; a `shortlist` of 0 is that of the precision's name.

        Raises `PrecisionError`, or `LabError` if the vectors are empty or not finite.
        """
        self.precision = parse_precision(precision)
        self._vectors = check_vectors(vectors)
        self.n, self.dimension = self._vectors.shape
        self._shortlist = shortlist or self.precision.shortlist
        self._lengths: BoundedCache[CodedLength] = BoundedCache(lengths_kept)

    @property
    def is_exact(self) -> bool:
        """Only float32 is: a shortlist can miss."""
        return self.precision.stored == "float32"

    @property
    def nbytes(self) -> int:
        """Bytes of the codes of the lengths kept, and of the float32 vectors that rescore them."""
        return sum(length.nbytes for length in self._lengths.values())

    def bytes_read(self, dim: object) -> int:
        """Bytes of the codes that a search goes through at prefix `dim`; the shortlist's vectors are not counted."""
        return self.n * bytes_per_vector(self.precision.name, check_dimension(dim, self.dimension))

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it; a score is the cosine of the coded vectors, of the float32 ones if rescored.

        The cosine of two binary codes is 1 minus twice the share of bits that differ.
        """
        length, k = check_dimension(dim, self.dimension), min(check_k(k), self.n)
        cut = truncate(check_queries(queries, self.dimension), length)
        coded = self._lengths.get(length, lambda: CodedLength(self._vectors, length, self.precision))
        rescored = self.precision.rescored
        wanted = min(self.n, max(k, self._shortlist)) if rescored else k
        parts = []
        for query, (scores, documents) in zip(cut, coded.shortlists(cut, wanted), strict=True):
            exact = coded.rescore(query, documents) if rescored else scores
            order = np.lexsort((documents, -exact))[:k]
            parts.append(TopK(documents[None, order], exact[None, order]))
        return TopK.join(parts, k)


class CodedLength:
    """`(n, D)` vectors cut to one length, coded and handed to faiss; they are not kept unless float32 rescores them.

    >>> CodedLength(np.eye(8, dtype=np.float32), 4, parse_precision("float32")).nbytes
    128
    """

    def __init__(self, vectors: FloatMatrix, dim: int, precision: Precision) -> None:
        cut = truncate(vectors, dim)
        self._stored, self._n, self._dim, self._rescorer = precision.stored, len(cut), dim, precision.rescorer
        self._finer = _finer_rows(vectors, cut, precision)
        # Equal Hamming distances come back in document order, which is all that a list without rescoring needs.
        self._takes_ties = precision.rescored or precision.stored not in ONE_BIT
        rows = cut[calibration_rows(vectors, precision=precision.stored)]
        self._codec = fit_codec(rows, precision.stored)
        self._index = _build_index(cut, precision.stored, self._codec, rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the codes, and of the finer vectors if there is a second pass."""
        finer = len(self._finer) * bytes_per_vector(self._rescorer, self._dim)
        return self._n * bytes_per_vector(self._stored, self._dim) + finer

    def shortlists(self, queries: FloatMatrix, k: int) -> Iterator[tuple[FloatMatrix, IntMatrix]]:
        """Scores and documents of the `k` nearest to each cut query, and of all that tie with the last of them."""
        if not self._takes_ties:
            yield from zip(*self._search(queries, k), strict=True)
            return
        for row, (scores, documents) in enumerate(zip(*self._search(queries, min(self._n, k + 1)), strict=True)):
            while len(scores) < self._n and scores[-1] == scores[k - 1]:
                longer = self._search(queries[row : row + 1], min(self._n, _GROWTH * len(scores)))
                scores, documents = longer[0][0], longer[1][0]
            within = scores >= scores[k - 1]
            yield scores[within], documents[within]

    def rescore(self, query: FloatMatrix, documents: IntMatrix) -> FloatMatrix:
        """Cosines of finer vectors; equal vectors get equal ones, which a product of BLAS does not promise."""
        cosines: FloatMatrix = np.einsum("sd,d->s", self._finer[documents], query)
        return cosines

    def _search(self, queries: FloatMatrix, k: int) -> tuple[FloatMatrix, IntMatrix]:
        if not len(queries):
            return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
        if self._stored in ONE_BIT:
            distances, documents = self._index.search(self._codec.encode(queries), k)
            return 1 - 2 * distances.astype(np.float32) / self._dim, documents
        fitted = self._codec.fitted
        if isinstance(fitted, RabitqCodes):
            queries = fitted.turn(queries)
        elif isinstance(fitted, ProductCodes):
            queries = pad_to_bytes(queries)
        scores, documents = self._index.search(queries, k)
        return scores, documents


def _finer_rows(vectors: FloatMatrix, cut: FloatMatrix, precision: Precision) -> FloatMatrix:
    """What a shortlist is rescored by: none, the cut rows, or what their int8 codes say."""
    if not precision.rescored:
        return np.empty((0, cut.shape[1]), np.float32)
    if precision.rescorer == "float32":
        return cut
    return normalise(quantise(vectors, cut.shape[1], precision.rescorer).decode())


def _build_index(cut: FloatMatrix, stored: str, codec: Codec, rows: FloatMatrix) -> Any:  # noqa: ANN401
    """The faiss index (it has no one type) over cut rows; scalar ranges are taken from `rows`."""
    import faiss

    index: Any
    if stored in ONE_BIT:
        codes = codec.encode(cut)
        index = faiss.IndexBinaryFlat(8 * codes.shape[1])
        index.add(codes)
        return index
    if isinstance(codec.fitted, RabitqCodes):
        index = faiss.clone_index(codec.fitted.index)
        index.add(codec.fitted.turn(cut))
        return index
    if isinstance(codec.fitted, ProductCodes):
        index = faiss.IndexPQ(codec.fitted.quantizer.d, codec.fitted.quantizer.M, 8, faiss.METRIC_INNER_PRODUCT)
        index.pq, index.is_trained = codec.fitted.quantizer, True
        index.add(pad_to_bytes(cut))
        return index
    if stored == "float32":
        index = faiss.IndexFlatIP(cut.shape[1])
    else:
        scalar = faiss.ScalarQuantizer
        kind = {"int8": scalar.QT_8bit, "int4": scalar.QT_4bit, "float16": scalar.QT_fp16}[stored]
        index = faiss.IndexScalarQuantizer(cut.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        index.train(rows)
    index.add(cut)
    return index
