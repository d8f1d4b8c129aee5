"""A quarter-size int8 copy that tells, with certainty, which documents can be among a query's best.

Reading memory is what one exact query costs, so a first pass over one byte a number, with a bound on its error, leaves
a few documents for the float32 vectors to decide. Scalar quantisation with a scale a vector; the bound is Hoelder's
inequality on the rounding of the documents and Cauchy-Schwarz on that of the query.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch

from mrl_demo.core.types import FloatMatrix, IntMatrix

if TYPE_CHECKING:
    from mrl_demo.search.kernels import Asked

_ROWS_AT_ONCE = 65_536
#: Threads share a pass in so many parts.
_PARTS = 16


class Sketch:
    """Int8 codes with one float32 scale a document; read at any prefix without a second copy.

    They lie in `(D / 64, n, 64)` slabs: a number of every document shares a cache line with its 63 neighbours and
    with nothing a shorter prefix would not read. Safe to share between threads.
    """

    def __init__(self, vectors: FloatMatrix) -> None:
        """Quantise `(n, D)` finite vectors, a block of rows at a time."""
        self._kernels = kernels = _kernels()
        self.n, dimension = vectors.shape
        slabs, stretches = -(-dimension // kernels.LINE), -(-self.n // kernels.STRETCH)
        self._slabs = np.zeros((slabs, stretches, kernels.STRETCH, kernels.LINE), dtype=np.int8)
        self._scales = np.zeros(stretches * kernels.STRETCH, dtype=np.float32)
        for start in range(0, self.n, _ROWS_AT_ONCE):
            self._quantise(vectors[start : start + _ROWS_AT_ONCE], start)
        self._threads = ThreadPoolExecutor(torch.get_num_threads(), "search")

    @property
    def nbytes(self) -> int:
        """Bytes of the codes and their scales."""
        return self._slabs.nbytes + self._scales.nbytes

    def bytes_read(self, dim: int) -> int:
        """Bytes of codes and steps that `contenders` goes through at a prefix of `dim` numbers, at the least."""
        return self.n * (-(-dim // self._kernels.LINE) * self._kernels.LINE + 4)

    def steps(self, inverse_norms: FloatMatrix) -> FloatMatrix:
        """Size of a quantisation step in cosines at the prefix of `(n,)` inverse norms: `(stretches, rows)` float32.

        Not all of them are finite where a prefix is too short to have a step; the sketch says nothing there.
        """
        steps = np.zeros_like(self._scales)
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(self._scales[: self.n], inverse_norms, out=steps[: self.n])
        return steps.reshape(-1, self._kernels.STRETCH)

    def asked(self, query: FloatMatrix, dim: int) -> Asked | None:
        """The first `dim` numbers of a `(D,)` query, normalised and in codes; None where it holds NaN or infinity."""
        # A copy, always of one kind: for another one, read-only say, numba would compile anew.
        asked: Asked = self._kernels.asked(np.array(query, np.float32), dim)
        return asked if math.isfinite(asked.offset) else None

    def contenders(self, asked: Asked, steps: FloatMatrix, k: int, at_most: int) -> IntMatrix | None:
        """Documents, ascending int64, among which the `k` best cosines with a query are sure to be.

        Every stretch of documents vouches for one cosine. None where more than `at_most` documents are left, or where
        `k` is more than there are stretches.
        """
        if k > len(steps):
            return None
        surely, possibly = np.empty((2, len(steps)), np.float32)

        def bound(start: int, stop: int) -> None:
            self._kernels.bound_stretches(self._slabs, steps, asked, self.n, start, stop, surely, possibly)

        self._share(len(steps), bound)
        found: IntMatrix = self._kernels.contenders(self._slabs, steps, asked, self.n, surely, possibly, k, at_most)
        return found if len(found) else None

    def best(
        self, asked: Asked, documents: IntMatrix, blocks: FloatMatrix, inverse_norms: FloatMatrix, k: int
    ) -> tuple[IntMatrix, FloatMatrix]:
        """The `k` best of some ascending documents by the float32 vectors in `(blocks, D, rows)`, best first.

        Returns their numbers, int64, and their cosines, float32; equal ones keep the order of the documents.
        """
        found: tuple[IntMatrix, FloatMatrix] = self._kernels.best(blocks, inverse_norms, asked.unit, documents, k)
        return found

    def _quantise(self, vectors: FloatMatrix, start: int) -> None:
        codes, scales = _quantised(
            torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32)), self._kernels.LEVELS
        )
        rows = slice(start, start + len(scales))
        self._scales[rows] = scales.numpy()
        line = self._kernels.LINE
        for slab, part in zip(self._slabs, codes.split(line, dim=1), strict=True):
            slab.reshape(-1, line)[rows, : part.shape[1]] = part.numpy()

    def _share(self, count: int, work: Callable[[int, int], None]) -> None:
        """`work(start, stop)` over all of `count`, in parts that this thread and others take until none is left.

        This thread starts at once and never waits for one that has not: a thread can take as long to wake up as the
        work does.
        """
        size = -(-count // _PARTS)
        parts = iter(range(0, count, size))

        def take() -> None:
            for start in parts:
                work(start, min(count, start + size))

        others = [self._threads.submit(take) for _ in range(torch.get_num_threads() - 1)]
        take()
        for other in others:
            other.cancel() or other.result()


def _kernels() -> ModuleType:
    """The compiled loops; numba takes half a second to import, and most indexes are too small to need it."""
    from mrl_demo.search import kernels

    return kernels


def _quantised(rows: torch.Tensor, levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    scales = rows.abs().amax(dim=1) / levels
    codes = torch.round(rows / torch.where(scales > 0, scales, 1)[:, None])
    return codes.clamp_(-levels, levels).to(torch.int8), scales
