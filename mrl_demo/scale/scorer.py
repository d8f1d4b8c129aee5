"""Scores of all queries against one block of documents at every length and precision, from one read of the block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.evaluation.sweeps.scoring import sample_positions
from mrl_demo.search.quantised import ONE_BIT, Codec, Precision, fit_codec

#: A precision and a length: what one of many rankings is made by.
ScanKey: TypeAlias = tuple[Precision, int]
FULL_PRECISION = Precision("float32")
_SIGNS = Precision("binary")


@dataclass(frozen=True)
class BlockScorer:
    """Scores as `evaluation.scoring` has them, a block of documents at a time.

    `uncut` `(q, D)` are the queries, `dims` rise. `codecs` are fitted to the same rows as they are there. Products of
    float32 and of signs at a length are those at the length before and the slice between. float32 at full length is
    always among the scores: what shares and agreement are taken to.
    """

    uncut: FloatMatrix
    dims: tuple[int, ...]
    precisions: tuple[Precision, ...]
    codecs: dict[ScanKey, Codec]

    @classmethod
    def fit(
        cls,
        queries: FloatMatrix,
        dims: Sequence[int],
        precisions: Sequence[Precision],
        documents: Callable[[IntMatrix], FloatMatrix],
        n: int,
        seed: int = 0,
    ) -> BlockScorer:
        """Fit ranges, means and codebooks to sampled rows, which `documents` reads out of `n`.

        A precision that rescores is scanned as it is stored (`scan.ShardScan` rescores its shortlists).
        """
        precisions = tuple(dict.fromkeys(Precision(precision.stored) for precision in precisions))
        fitted = [precision for precision in precisions if precision not in (FULL_PRECISION, _SIGNS)]
        rows = {each: documents(sample_positions(n, seed, each.stored)) for each in fitted}
        codecs = {(each, dim): fit_codec(truncate(rows[each], dim), each.stored) for each in fitted for dim in dims}
        return cls(queries, tuple(sorted(dims)), precisions, codecs)

    def score(self, block: FloatMatrix) -> Iterator[tuple[ScanKey, FloatMatrix]]:
        """`(q, b)` float32 scores of a `(b, D)` block by key; valid until the next is asked for."""
        yield from self._cosines(block)
        for precision in self.precisions:
            if precision == _SIGNS:
                yield from self._equal_signs(block)
            elif precision != FULL_PRECISION:
                for dim in self.dims:
                    yield (precision, dim), self._coded(block, precision, dim)

    def _cosines(self, block: FloatMatrix) -> Iterator[tuple[ScanKey, FloatMatrix]]:
        squares = np.zeros(len(block), dtype=np.float64)
        full = block.shape[1]
        dims = sorted({*self.dims, full}) if FULL_PRECISION in self.precisions else [full]
        for dim, before, products in _products(self.uncut, block, dims):
            part = block[:, before:dim]
            squares += np.einsum("bd,bd->b", part, part)
            inverse = np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
            yield (FULL_PRECISION, dim), products * inverse.astype(np.float32)

    def _equal_signs(self, block: FloatMatrix) -> Iterator[tuple[ScanKey, FloatMatrix]]:
        """Whole numbers until they are divided by the length, as Hamming distances are."""
        queries, documents = (np.where(side > 0, 1, -1).astype(np.float32) for side in (self.uncut, block))
        for dim, _, products in _products(queries, documents, self.dims):
            yield (_SIGNS, dim), products / np.float32(dim)

    def _coded(self, block: FloatMatrix, precision: Precision, dim: int) -> FloatMatrix:
        codec = self.codecs[precision, dim]
        scores: FloatMatrix = (
            codec.query_side(truncate(self.uncut, dim)) @ codec.decode(codec.encode(truncate(block, dim))).T
        )
        return scores / np.float32(dim) if precision.stored in ONE_BIT else scores


def _products(queries: FloatMatrix, block: FloatMatrix, dims: Sequence[int]) -> Iterator[tuple[int, int, FloatMatrix]]:
    """Each length, the one before, and the products of the first so many numbers."""
    products = np.zeros((len(queries), len(block)), dtype=np.float32)
    before = 0
    for dim in dims:
        products += queries[:, before:dim] @ block[:, before:dim].T
        yield dim, before, products
        before = dim
