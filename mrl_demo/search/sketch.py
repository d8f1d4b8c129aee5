"""A quarter-size int8 copy that tells, with certainty, which documents can be among a query's best.

Reading memory is what one exact query costs, so a first pass over one byte a number, with a bound on its error, leaves
a few documents for the float32 vectors to decide. Scalar quantisation with a scale a vector; the bound is Hoelder's
inequality on the rounding of the documents and Cauchy-Schwarz on that of the query.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension
from mrl_demo.search.engine import check_k
from mrl_demo.search.norms import LENGTHS_KEPT
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.topk import TopK

if TYPE_CHECKING:
    from mrl_demo.search.kernels import QueryCodes

#: Threads share a pass in so many parts.
_PARTS = 16
#: Shorter prefixes leave too many documents.
_SHORTEST = 8
#: With more than this share of the documents left after the sketch, reading all float32 prefixes is faster.
_FEW = 1 / 256


class Sketch:
    """Int8 codes with one float32 scale a document; read at any prefix without a second copy.

    They lie in `(D / 64, n, 64)` slabs: a number of every document shares a cache line with its 63 neighbours and
    with nothing a shorter prefix would not read. Safe to share between threads.

    >>> vectors = np.random.default_rng(0).standard_normal((1_000, 64), dtype=np.float32)
    >>> sketch = Sketch(1_000, 64, [vectors])
    >>> steps = sketch.steps(1 / np.linalg.norm(vectors, axis=1))
    >>> sketch.find_candidates(sketch.quantise_query(vectors[7], 64), steps, k=1, at_most=10).tolist()
    [7]
    """

    def __init__(self, n: int, dimension: int, parts: Iterable[FloatMatrix]) -> None:
        """Quantise `n` finite vectors, given as `(rows, D)` parts one after the other."""
        self._kernels = kernels = _import_kernels()
        self.n = n
        slabs, groups = -(-dimension // kernels.LINE), -(-n // kernels.GROUP)
        self._slabs = np.zeros((slabs, groups, kernels.GROUP, kernels.LINE), dtype=np.int8)
        self._scales = np.zeros(groups * kernels.GROUP, dtype=np.float32)
        start = 0
        for part in parts:
            self._add(part, start)
            start += len(part)
        # Started as they are needed: how many a search may use is known when it comes.
        self._threads = ThreadPoolExecutor(os.cpu_count(), "search")

    @property
    def nbytes(self) -> int:
        """Bytes of the codes and their scales."""
        return self._slabs.nbytes + self._scales.nbytes

    def bytes_read(self, dim: int) -> int:
        """Bytes of codes and steps that `find_candidates` goes through at a prefix of `dim` numbers, at the least."""
        return self.n * (-(-dim // self._kernels.LINE) * self._kernels.LINE + 4)

    def steps(self, inverse_norms: FloatMatrix) -> FloatMatrix:
        """Size of a quantisation step in cosines at the prefix of `(n,)` inverse norms: `(groups, rows)` float32.

        Not all of them are finite if a prefix is too short to have a step; the sketch says nothing there.
        """
        steps = np.zeros_like(self._scales)
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(self._scales[: self.n], inverse_norms, out=steps[: self.n])
        return steps.reshape(-1, self._kernels.GROUP)

    def quantise_query(self, query: FloatMatrix, dim: int) -> QueryCodes | None:
        """The first `dim` numbers of a `(D,)` query, normalised and in codes; None if it holds NaN or infinity."""
        # A copy, always of one kind: for another one, read-only say, numba would compile anew.
        codes: QueryCodes = self._kernels.quantise_query(np.array(query, np.float32), dim)
        return codes if math.isfinite(codes.offset) else None

    def find_candidates(self, query: QueryCodes, steps: FloatMatrix, k: int, at_most: int) -> IntMatrix | None:
        """Documents, ascending int64, among which the `k` best cosines with a query are sure to be.

        Every group of documents vouches for one cosine. None if more than `at_most` documents are left, or if `k` is
        more than there are groups.
        """
        if k > len(steps):
            return None
        surely, possibly = np.empty((2, len(steps)), np.float32)

        def bound(start: int, stop: int) -> None:
            """Bound the scores of the groups from `start` to `stop`."""
            self._kernels.bound_groups(self._slabs, steps, query, self.n, start, stop, surely, possibly)

        self._share(len(steps), bound)
        candidates: IntMatrix = self._kernels.find_candidates(
            self._slabs, steps, query, self.n, surely, possibly, k, at_most
        )
        return candidates if len(candidates) else None

    def _add(self, vectors: FloatMatrix, start: int) -> None:
        codes, scales = _quantise_rows(torch.from_numpy(vectors), self._kernels.LEVELS)
        rows, line = slice(start, start + len(scales)), self._kernels.LINE
        self._scales[rows] = scales.numpy()
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
            """Do parts until none is left."""
            for start in parts:
                work(start, min(count, start + size))

        others = [self._threads.submit(take) for _ in range(torch.get_num_threads() - 1)]
        take()
        for other in others:
            other.cancel() or other.result()


class SketchIndex:
    """Exact search in two passes: a sketch of all documents, then the float32 vectors of the few that it leaves.

    It shares the vectors of a prefix index, and hands over to that one what it would not answer faster: several
    queries at once, prefixes of fewer than 8 numbers, and queries for which more than a share of `few` documents are
    left. The result is that of the full pass. Making the first one compiles the loops (3 s), which holds for the
    process. Safe to share between threads.

    >>> vectors = np.random.default_rng(0).standard_normal((1_000, 64), dtype=np.float32)
    >>> SketchIndex(PrefixIndex(vectors)).search(vectors[7], dim=32, k=1).indices.tolist()
    [[7]]
    """

    is_exact = True

    def __init__(self, scan: PrefixIndex, few: float = _FEW) -> None:
        """Quantise the vectors of `scan` and compile: a quarter more memory."""
        self.scan, self.n, self.dimension = scan, scan.n, scan.dimension
        self._at_most = int(self.n * few)
        self._sketch = Sketch(self.n, self.dimension, scan.parts())
        self._steps: BoundedCache[FloatMatrix | None] = BoundedCache(LENGTHS_KEPT)
        self._search_one(scan.blocks[0, :, 0], self.dimension, 1, self.n)

    @property
    def nbytes(self) -> int:
        """Bytes of the prefix index and of the sketch."""
        return self.scan.nbytes + self._sketch.nbytes

    def bytes_read(self, dim: object) -> int:
        """Bytes that a search for one query goes through at prefix `dim`.

        The few float32 numbers that decide between the documents the sketch leaves are not counted.
        """
        length = check_dimension(dim, self.dimension)
        return self.scan.bytes_read(dim) if self._steps_at(length) is None else self._sketch.bytes_read(length)

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it."""
        length, k = check_dimension(dim, self.dimension), check_k(k)
        if np.shape(queries) in ((self.dimension,), (1, self.dimension)):
            best = self._search_one(np.ravel(queries), length, k, self._at_most)
            if best is not None:
                return best
        return self.scan.search(queries, length, k)

    def _search_one(self, query: FloatMatrix, dim: int, k: int, at_most: int) -> TopK | None:
        """The `k` nearest of one `(D,)` query; None if the sketch leaves too many, or the query is none."""
        steps = self._steps_at(dim)
        if steps is None or k > at_most:
            return None
        codes = self._sketch.quantise_query(query, dim)
        documents = self._sketch.find_candidates(codes, steps, k, at_most) if codes else None
        if codes is None or documents is None:
            return None
        rescore = _import_kernels().rescore_candidates
        indices, scores = rescore(self.scan.blocks, self.scan.inverse_norms(dim), codes.unit, documents, k)
        return TopK(indices[None], scores[None])

    def _steps_at(self, dim: int) -> FloatMatrix | None:
        """The sketch's steps at a length, None if it says nothing there."""

        def compute() -> FloatMatrix | None:
            """Steps of the sketch at this length, None if it is too short for one."""
            if dim < _SHORTEST:
                return None
            steps = self._sketch.steps(self.scan.inverse_norms(dim).ravel()[: self.n])
            return steps if np.isfinite(steps).all() else None

        return self._steps.get(dim, compute)


def _import_kernels() -> ModuleType:
    """The compiled loops; numba takes half a second to import, and most indexes are too small to need it."""
    from mrl_demo.search import kernels

    return kernels


def _quantise_rows(rows: torch.Tensor, levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    scales = rows.abs().amax(dim=1) / levels
    codes = torch.round(rows / torch.where(scales > 0, scales, 1)[:, None])
    return codes.clamp_(-levels, levels).to(torch.int8), scales
