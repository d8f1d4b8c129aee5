"""Norms of every prefix of many vectors: any length from sums that stop at a few."""

from __future__ import annotations

import threading

import numpy as np

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.types import FloatMatrix

#: Lengths for which an index keeps what it computed of every document.
LENGTHS_KEPT = 48
#: Sums of squares are kept at every so many numbers: a thirtieth of the vectors' memory at most.
_STRIDE = 32


class PrefixNorms:
    """`1 / norm` of the first `dim` numbers of vectors in `(n_blocks, D, rows)` float32 blocks, for any `dim`.

    A new length reads at most 31 numbers of a vector that no shorter one has read, whatever was asked for before: the
    results do not depend on it. The last 48 lengths are kept. Safe to share between threads.

    >>> norms = PrefixNorms(np.array([[[3, 0], [4, 0]]], np.float32))  # (3, 4) and (0, 0)
    >>> [round(value, 3) for value in norms.inverse(2)[0].tolist()]
    [0.2, 0.0]
    """

    def __init__(self, blocks: FloatMatrix) -> None:
        self._blocks = blocks
        self._sums = [np.zeros((blocks.shape[0], blocks.shape[2]), np.float32)]
        self._adding = threading.Lock()
        self._kept: BoundedCache[FloatMatrix] = BoundedCache(LENGTHS_KEPT)

    def inverse(self, dim: int) -> FloatMatrix:
        """`1 / norm` of every prefix, 0 for a norm of 0: `(n_blocks, rows)` float32."""

        def compute() -> FloatMatrix:
            """Inverse norms of the prefixes, 0 for a prefix of zeros."""
            whole, rest = divmod(dim, _STRIDE)
            squares = self._sum_to(whole)
            if rest:
                squares = squares + self._sum_between(whole * _STRIDE, dim)
            inverse = np.zeros_like(squares)
            np.divide(1, np.sqrt(squares), out=inverse, where=squares > 0)
            return inverse

        return self._kept.get(dim, compute)

    def _sum_to(self, stride: int) -> FloatMatrix:
        with self._adding:
            while len(self._sums) <= stride:
                start = (len(self._sums) - 1) * _STRIDE
                self._sums.append(self._sums[-1] + self._sum_between(start, start + _STRIDE))
        return self._sums[stride]

    def _sum_between(self, start: int, stop: int) -> FloatMatrix:
        """Squares of the numbers from `start` to `stop`, summed up: `(n_blocks, rows)`."""
        part = self._blocks[:, start:stop]
        # On one thread: beside other work, waiting for a second one to wake takes longer than the sum.
        sums: FloatMatrix = np.einsum("bdr,bdr->br", part, part)
        return sums
