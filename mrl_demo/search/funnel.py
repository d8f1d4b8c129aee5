"""Funnel search: a shortlist by a short prefix, re-ranked by longer ones, over the one copy of the vectors.

Section 4.3 of the MRL paper (arXiv 2205.13147). With the norms of the tails (one number a document and length) the
cosine at full length is the prefix's part plus a rest that Cauchy-Schwarz bounds: what a search dropped can be proven
to be out, and a search can stop as soon as its answer is proven.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension, normalise, truncate
from mrl_demo.search.cascade import Cascade, FunnelStage
from mrl_demo.search.engine import check_k, check_queries
from mrl_demo.search.flat import CodedLength
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.quantised import Precision
from mrl_demo.search.topk import TopK, select_top_k

#: What rounding of float32 sums may add to a cosine: a proof leaves as much room.
SLACK = 2e-6
#: Of more than one document in so many, numbers are read for all: one pass is faster than picking.
_FEW = 8


@dataclass(frozen=True)
class Passed:
    """What one stage let through: `documents` and `scores` `(m,)`, best first, and the `ms` it took."""

    documents: IntMatrix
    scores: FloatMatrix
    ms: float


@dataclass(frozen=True)
class FunnelRun:
    """One query's way through a funnel.

    No document that was dropped has a full-length cosine above `ceiling` (infinity if nothing is known of them).

    >>> last = Passed(np.array([4, 7]), np.array([0.9, 0.8], np.float32), ms=0.1)
    >>> run = FunnelRun((last,), ceiling=0.7)
    >>> run.top(1).documents.tolist(), run.is_proven(2)
    ([4], True)
    """

    passed: tuple[Passed, ...]
    ceiling: float

    def top(self, k: int) -> Passed:
        """The first `k` of the last stage."""
        last = self.passed[-1]
        return Passed(last.documents[:k], last.scores[:k], last.ms)

    def is_proven(self, k: int) -> bool:
        """Whether the first `k` are surely the first `k` of an exact search; the last stage must be the full length."""
        return len(self.passed[-1].scores) >= k and float(self.passed[-1].scores[k - 1]) > self.ceiling + SLACK


@dataclass(frozen=True)
class ProvenTop:
    """The `k` nearest documents by full-length cosine, best first, and how the proof went.

    `left` is how many documents could still be among them after each of `dims`; `proven_at` is the length after which
    no other could, the full length if none before.
    """

    documents: IntMatrix
    scores: FloatMatrix
    dims: tuple[int, ...]
    left: tuple[int, ...]
    proven_at: int


class FunnelIndex:
    """Searches in stages over a `PrefixIndex`; codes of a coarse first stage are made once and kept beside it.

    >>> vectors = normalise(np.random.default_rng(0).standard_normal((500, 32), dtype=np.float32))
    >>> index = FunnelIndex(PrefixIndex(vectors))
    >>> index.search(vectors[7], Cascade((FunnelStage(8, 50), FunnelStage(32, 3))), k=1).indices.tolist()
    [[7]]
    """

    def __init__(self, scan: PrefixIndex) -> None:
        self.scan = scan
        self.n, self.dimension = scan.n, scan.dimension
        self._coarse: BoundedCache[CodedLength] = BoundedCache(4)

    def search(self, queries: FloatMatrix, cascade: Cascade, k: int = 10) -> TopK:
        """The `k` best of uncut `(q, D)` queries, or one `(D,)`, by the last stage's cosine, after all stages.

        Raises as `Cascade.check` and `Engine.search` do.
        """
        k = min(check_k(k), self.n)
        runs = [self.run(query, cascade, k).top(k) for query in check_queries(queries, self.dimension)]
        tops = [TopK(run.documents[None], run.scores[None]) for run in runs]
        return TopK.join(tops, k)

    def run(
        self, query: FloatMatrix, cascade: Cascade, k: int = 10, *, is_bounded: bool = False, excluded: int = -1
    ) -> FunnelRun:
        """One `(D,)` query through all stages; with `is_bounded` what is dropped is bounded, which reads n norms more.

        The document `excluded` is not let in.
        """
        cascade.check(self.dimension, min(k, self.n))
        unit = normalise(check_queries(query, self.dimension))[0]
        started = time.perf_counter()
        first = cascade.stages[0]
        if cascade.is_float32:
            documents, scores, ceiling = self._scan(unit, first, is_bounded, excluded)
            products = scores * np.linalg.norm(unit[: first.dim]) * self._norms(first.dim)[documents]
            before = first.dim
        else:
            documents, scores = self._scan_codes(unit, first, excluded)
            ceiling, products, before = np.inf, np.zeros(len(documents), np.float32), 0
        passed = [Passed(documents, scores, _ms_since(started))]
        for stage in cascade.stages[1:]:
            started = time.perf_counter()
            products = products + self._add(documents, unit, before, stage.dim)
            scores = self._cosines(documents, products, unit, stage.dim)
            order = np.lexsort((documents, -scores))
            kept, dropped = order[: stage.keep], order[stage.keep :]
            if is_bounded and len(dropped):
                reach, tails = self._bounds(documents[dropped], products[dropped], unit, stage.dim)
                ceiling = max(ceiling, float((reach + tails).max()))
            documents, products, scores, before = documents[kept], products[kept], scores[kept], stage.dim
            passed.append(Passed(documents, scores, _ms_since(started)))
        return FunnelRun(tuple(passed), ceiling if is_bounded else np.inf)

    def search_proven(
        self, query: FloatMatrix, dims: Sequence[int], k: int = 10, scale: float = 1.0, excluded: int = -1
    ) -> ProvenTop:
        """The exact first `k` of one `(D,)` query, reading longer prefixes only of what can still be among them.

        `dims` rise; the full length is added. A `scale` below 1 shrinks the bounds: the answer is then exact as often
        as that scale was found to be, no longer surely.
        """
        lengths = tuple(sorted({*(check_dimension(dim, self.dimension) for dim in dims), self.dimension}))
        unit, k = normalise(check_queries(query, self.dimension))[0], min(check_k(k), self.n - (excluded >= 0))
        documents = np.arange(self.n, dtype=np.int64)
        cosines = self.scan.scores(unit, lengths[0])[0]
        products = cosines * np.linalg.norm(unit[: lengths[0]]) * self._norms(lengths[0])
        if excluded >= 0:
            documents, products = np.delete(documents, excluded), np.delete(products, excluded)
        left, proven_at = [], self.dimension
        for place, dim in enumerate(lengths):
            if place:
                before = lengths[place - 1]
                products = products + self._add(documents, unit, before, dim)
            reach, tails = self._bounds(documents, products, unit, dim)
            tails = tails * scale
            kth = np.partition(reach - tails, len(reach) - k)[len(reach) - k]
            open_ = reach + tails >= kth - SLACK
            documents, products = documents[open_], products[open_]
            left.append(len(documents))
            if len(documents) == k and dim < self.dimension:
                proven_at = min(proven_at, dim)
        scores = self._cosines(documents, products, unit, self.dimension)
        order = np.lexsort((documents, -scores))[:k]
        return ProvenTop(documents[order], scores[order], lengths, tuple(left), proven_at)

    def _scan(
        self, unit: FloatMatrix, stage: FunnelStage, is_bounded: bool, excluded: int
    ) -> tuple[IntMatrix, FloatMatrix, float]:
        """Documents and cosines that the first stage lets through, and what any other may reach at full length."""
        cosines = self.scan.scores(unit, stage.dim)[0]
        if excluded >= 0:
            cosines[excluded] = -np.inf
        top = select_top_k(torch.from_numpy(cosines)[None], min(stage.keep, self.n - (excluded >= 0)))
        documents, scores = top.indices[0], top.scores[0]
        if not is_bounded or len(documents) == self.n:
            return documents, scores, -np.inf
        inverse = self._inverse(stage.dim)
        ratio = np.divide(self._inverse(self.dimension), inverse, out=np.zeros_like(inverse), where=inverse > 0)
        head, tail = _head_and_tail(unit, stage.dim)
        reach = cosines * head * ratio + tail * np.sqrt(np.maximum(0, 1 - ratio * ratio))
        reach[documents] = -np.inf
        return documents, scores, float(reach.max())

    def _scan_codes(self, unit: FloatMatrix, stage: FunnelStage, excluded: int) -> tuple[IntMatrix, FloatMatrix]:
        coded = self._coarse.get(stage.name.split(":")[0], lambda: self._code(stage))
        keep = min(self.n, stage.keep + (excluded >= 0))
        ((scores, documents),) = coded.shortlists(truncate(unit[None], stage.dim), keep)
        is_other = documents != excluded
        documents, scores = documents[is_other], scores[is_other]
        order = np.lexsort((documents, -scores))[: stage.keep]
        return documents[order], scores[order]

    def _code(self, stage: FunnelStage) -> CodedLength:
        cut = np.concatenate([part[:, : stage.dim] for part in self.scan.parts()])
        return CodedLength(cut, stage.dim, Precision(stage.precision))

    def _add(self, documents: IntMatrix, unit: FloatMatrix, before: int, dim: int) -> FloatMatrix:
        """What numbers `before` to `dim` add to the products of some documents, `(m,)` float32."""
        if len(documents) * _FEW > self.n:
            part = torch.from_numpy(unit[before:dim])[None]
            every: FloatMatrix = torch.matmul(part, torch.from_numpy(self.scan.blocks[:, before:dim])).numpy()
            return every.reshape(-1)[: self.n][documents]
        blocks, rows = np.divmod(documents, self.scan.blocks.shape[2])
        products: FloatMatrix = self.scan.blocks[blocks, before:dim, rows] @ unit[before:dim]
        return products

    def _inverse(self, dim: int) -> FloatMatrix:
        """`1 / norm` of every document's prefix, `(n,)`; infinity becomes 0."""
        return self.scan.inverse_norms(dim).reshape(-1)[: self.n]

    def _norms(self, dim: int) -> FloatMatrix:
        """Norms of every document's prefix, `(n,)`."""
        inverse = self._inverse(dim)
        return np.divide(1, inverse, out=np.zeros_like(inverse), where=inverse > 0)

    def _cosines(self, documents: IntMatrix, products: FloatMatrix, unit: FloatMatrix, dim: int) -> FloatMatrix:
        norm = float(np.linalg.norm(unit[:dim]))
        scaled = products * self._inverse(dim)[documents]
        return np.asarray(scaled / norm if norm > 0 else scaled * 0, dtype=np.float32)

    def _bounds(
        self, documents: IntMatrix, products: FloatMatrix, unit: FloatMatrix, dim: int
    ) -> tuple[FloatMatrix, FloatMatrix]:
        """The prefix's part of each full-length cosine, and the most that the tail can add to it or take from it."""
        whole, inverse = self._inverse(self.dimension)[documents], self._inverse(dim)[documents]
        ratio = np.divide(whole, inverse, out=np.zeros_like(inverse), where=inverse > 0)
        _, tail = _head_and_tail(unit, dim)
        return products * whole, tail * np.sqrt(np.maximum(0, 1 - ratio * ratio))


def _head_and_tail(unit: FloatMatrix, dim: int) -> tuple[float, float]:
    """Norms of a unit query's first `dim` numbers and of the rest."""
    return float(np.linalg.norm(unit[:dim])), float(np.linalg.norm(unit[dim:]))


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
