"""Codes whose meaning is learned from vectors, by faiss: product quantisation and RaBitQ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix

#: Numbers that share one byte of a product code: as many as one-bit codes put into a byte, so that the two compare.
NUMBERS_A_BYTE = 8
#: Bytes of the two factors that RaBitQ keeps beside the bits of each vector.
RABITQ_FACTORS = 8
#: Rows that a codebook is fitted on at most: 16 for each of its 256 entries.
MOST_CODEBOOK_ROWS = 4_096
_ENTRIES = 256
_ROUNDS = 10
#: Numbers by which rows are put in order: clustering starts from rows by their places.
_SORTED_BY = 16


@dataclass(frozen=True)
class ProductCodes:
    """Product quantisation (Jegou 2011): every 8 numbers become the byte of the nearest of 256 learned entries.

    `quantizer` is faiss'; rows are padded with zeros to whole groups of 8.

    >>> codes = ProductCodes.fit(np.eye(16, dtype=np.float32))
    >>> codes.encode(np.eye(16, dtype=np.float32)).shape
    (16, 2)
    """

    quantizer: Any
    dim: int

    @classmethod
    def fit(cls, rows: FloatMatrix) -> ProductCodes:
        """Learn the entries from `(m, d)` float32 rows in any order; fewer than 256 rows are repeated."""
        import faiss

        padded = pad_to_bytes(rows[np.lexsort(rows[:, :_SORTED_BY].T[::-1])])
        quantizer = faiss.ProductQuantizer(padded.shape[1], padded.shape[1] // NUMBERS_A_BYTE, 8)
        quantizer.cp.min_points_per_centroid = 1
        quantizer.cp.niter = _ROUNDS
        quantizer.train(np.resize(padded, (max(len(padded), _ENTRIES), padded.shape[1])))
        return cls(quantizer, rows.shape[1])

    def encode(self, rows: FloatMatrix) -> NDArray[np.uint8]:
        """`(n, ceil(d / 8))` codes."""
        return np.asarray(self.quantizer.compute_codes(pad_to_bytes(rows)), dtype=np.uint8)

    def decode(self, codes: NDArray[np.uint8]) -> FloatMatrix:
        """`(n, d)` float32 numbers: a product with them is what faiss' tables add up to."""
        return np.ascontiguousarray(self.quantizer.decode(codes)[:, : self.dim], dtype=np.float32)


@dataclass(frozen=True)
class RabitqCodes:
    """RaBitQ (Gao and Long 2024): one bit a number after a random rotation, and two factors that undo its bias.

    `index` is faiss' empty index, fitted to the mean of the rows; the query is not quantised.

    >>> codes = RabitqCodes.fit(np.eye(16, dtype=np.float32))
    >>> codes.encode(np.eye(16, dtype=np.float32)).shape
    (16, 10)
    """

    index: Any
    rotation: NDArray[np.float64]

    @classmethod
    def fit(cls, rows: FloatMatrix, seed: int = 0) -> RabitqCodes:
        """Take the mean of `(m, d)` float32 rows, turned by a rotation drawn from `seed`."""
        import faiss

        d = rows.shape[1]
        rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]
        index = faiss.IndexRaBitQ(d, faiss.METRIC_INNER_PRODUCT)
        index.qb = 0
        index.train(_multiply(rows, rotation))
        return cls(index, rotation)

    def turn(self, rows: FloatMatrix) -> FloatMatrix:
        """`(n, d)` rows in the space that is coded."""
        return _multiply(rows, self.rotation)

    def encode(self, rows: FloatMatrix) -> NDArray[np.uint8]:
        """`(n, ceil(d / 8) + 8)` codes."""
        return np.asarray(self.index.sa_encode(self.turn(rows)), dtype=np.uint8)

    def decode(self, codes: NDArray[np.uint8]) -> FloatMatrix:
        """`(n, d + 1)` float32 numbers, turned back: a product with `(query, 1)` is the estimate that faiss computes.

        The last number of each row corrects the part along the mean, which one of the two factors knows exactly.
        """
        import faiss

        turned: FloatMatrix = self.index.sa_decode(np.ascontiguousarray(codes))
        centre = np.asarray(faiss.vector_to_array(self.index.center), dtype=np.float32)
        square = centre @ centre
        factor = np.ascontiguousarray(codes[:, -RABITQ_FACTORS : -RABITQ_FACTORS // 2]).view(np.float32)[:, 0]
        along_mean = (square - factor) / 2
        bias = along_mean - turned @ centre
        return np.column_stack([_multiply(turned, self.rotation.T), bias]).astype(np.float32)

    def query_side(self, cut: FloatMatrix) -> FloatMatrix:
        """`(q, d)` unit queries with a one behind each."""
        return np.pad(cut, ((0, 0), (0, 1)), constant_values=1)


def _multiply(rows: FloatMatrix, matrix: NDArray[np.float64]) -> FloatMatrix:
    """In float64: equal rows have to become equal codes, which a float32 product of BLAS does not promise."""
    return np.ascontiguousarray(rows.astype(np.float64) @ matrix, dtype=np.float32)


def pad_to_bytes(rows: FloatMatrix) -> FloatMatrix:
    """`(n, d)` rows with zeros up to a whole number of bytes of a product code."""
    missing = -rows.shape[1] % NUMBERS_A_BYTE
    return np.ascontiguousarray(np.pad(rows, ((0, 0), (0, missing))), dtype=np.float32)
