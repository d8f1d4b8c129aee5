"""Smaller numbers for each vector: float32, float16, int8 and binary, always after the cut; exact bytes for each.

int8 has one range for each dimension, as in faiss' 8-bit scalar quantiser and sentence-transformers'
`quantize_embeddings`; its search keeps the query in float32. Binary keeps the signs and compares by Hamming
distance. A shortlist of either can be rescored by the float32 vectors of the same cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import check_dimension, truncate

PRECISIONS = ("float32", "float16", "int8", "binary")
RESCORE = "+rescore"
#: Documents that the quantised search hands to the rescoring: four times a result page of 10.
SHORTLIST = 40
_MAX_CALIBRATION = 1_000


class PrecisionError(LabError, ValueError):
    """A precision that is not known."""


@dataclass(frozen=True)
class Precision:
    """How vectors are stored and searched: one of `PRECISIONS`, and whether a shortlist is rescored by float32."""

    stored: str
    rescored: bool = False

    @property
    def name(self) -> str:
        """The name that `parse_precision` reads."""
        return self.stored + (RESCORE if self.rescored else "")


def parse_precision(name: str) -> Precision:
    """Read one of `PRECISIONS`, all but float32 also with "+rescore"; raises `PrecisionError`."""
    stored = name.strip().lower()
    rescored = stored.endswith(RESCORE)
    stored = stored.removesuffix(RESCORE)
    if stored not in PRECISIONS or (rescored and stored == "float32"):
        known = ", ".join([*PRECISIONS, *(each + RESCORE for each in PRECISIONS[1:])])
        raise PrecisionError(f"There is no precision {name!r}: choose among {known}.")
    return Precision(stored, rescored)


def bytes_per_vector(precision: str, dim: int) -> int:
    """Exact bytes that the search keeps in memory for one vector; rescoring reads `rescore_bytes_per_vector` more."""
    stored = parse_precision(precision).stored
    return {"float32": 4 * dim, "float16": 2 * dim, "int8": dim, "binary": -(-dim // 8)}[stored]


def rescore_bytes_per_vector(precision: str, dim: int) -> int:
    """Exact bytes of the float32 copy that rescoring needs for one vector (a disk will do), 0 without rescoring."""
    return 4 * dim if parse_precision(precision).rescored else 0


def calibration_rows(n: int, seed: int = 0) -> IntMatrix:
    """Rows that set the int8 ranges: a seeded tenth of `n`, from 2 to 1,000.

    All others are held out: they are coded with ranges they had no part in.
    """
    size = min(n, max(2, min(n // 10, _MAX_CALIBRATION)))
    return np.sort(np.random.default_rng(seed).permutation(n)[:size]).astype(np.int64)


@dataclass(frozen=True)
class Quantised:
    """Vectors cut to `dim` and stored at a precision: `codes` `(n, bytes_per_vector)` uint8, and what decodes them."""

    precision: str
    dim: int
    codes: NDArray[np.uint8]
    _decode: Callable[[NDArray[np.uint8]], FloatMatrix]

    @property
    def nbytes(self) -> int:
        """Bytes of all codes; int8 needs 8 more for each dimension, once."""
        return self.codes.nbytes

    def decode(self) -> FloatMatrix:
        """`(n, dim)` float32 numbers that the search compares; binary gives -1 and 1."""
        return self._decode(self.codes)


def quantise(vectors: FloatMatrix, dim: object, precision: str, calibration: IntMatrix | None = None) -> Quantised:
    """Cut `(n, D)` vectors to `dim`, re-normalise them, then store them at `precision`.

    `calibration` names the rows whose least and largest number in each dimension set the int8 range (numbers
    outside are clipped); `calibration_rows` by default. Raises `PrecisionError` and `InvalidDimensionError`.
    """
    stored = parse_precision(precision).stored
    cut = truncate(vectors, dim)
    length = cut.shape[1]
    if stored == "binary":
        return Quantised(stored, length, np.packbits(cut > 0, axis=1), lambda codes: _signs(codes, length))
    if stored == "int8":
        rows = calibration_rows(len(cut)) if calibration is None else calibration
        low, high = cut[rows].min(axis=0), cut[rows].max(axis=0)
        step = np.where(high > low, (high - low) / 255, 1).astype(np.float32)
        coded = np.clip(np.floor((cut - low) / step), 0, 255).astype(np.uint8)
        return Quantised(stored, length, coded, lambda found: low + (found.astype(np.float32) + 0.5) * step)
    kind = np.dtype(stored)
    codes = np.ascontiguousarray(cut, dtype=kind).view(np.uint8)
    return Quantised(stored, length, codes, lambda found: found.view(kind).astype(np.float32))


def query_side(queries: FloatMatrix, dim: object, precision: str) -> FloatMatrix:
    """`(q, D)` queries as the search at `precision` compares them, `(q, dim)` float32.

    Cut unit rows, whose product with `Quantised.decode()` is a cosine; for binary signs, whose product is
    dim - 2 * Hamming: an exact whole number, so that ties stay ties.
    """
    cut = truncate(queries, dim)
    return cut if parse_precision(precision).stored != "binary" else np.where(cut > 0, 1, -1).astype(np.float32)


class QuantisedIndex:
    """faiss' exact search over vectors stored at one precision and cut, with or without rescoring."""

    def __init__(self, vectors: FloatMatrix, dim: object, precision: str) -> None:
        """Cut, quantise and index `(n, D)` vectors; float32 rows are kept too where `precision` ends in "+rescore"."""
        self.precision = parse_precision(precision)
        self.dim = check_dimension(dim, vectors.shape[1])
        self.n = len(vectors)
        cut = truncate(vectors, self.dim)
        self._rescore_with = cut if self.precision.rescored else None
        self._index = _faiss_index(cut, self.precision.stored)

    @property
    def nbytes(self) -> int:
        """Bytes of the codes that a search reads."""
        return self.n * bytes_per_vector(self.precision.name, self.dim)

    def search(self, queries: FloatMatrix, k: int, shortlist: int = SHORTLIST) -> tuple[IntMatrix, FloatMatrix]:
        """Indices `(q, k)` int64 and scores `(q, k)` float32 of the nearest (all, if fewer), best first."""
        cut = truncate(np.atleast_2d(queries), self.dim)
        k = min(k, self.n)
        wanted = k if self._rescore_with is None else min(self.n, max(k, shortlist))
        if self.precision.stored == "binary":
            distances, found = self._index.search(np.packbits(cut > 0, axis=1), wanted)
            scores = 1 - 2 * distances.astype(np.float32) / self.dim
        else:
            scores, found = self._index.search(cut, wanted)
        if self._rescore_with is not None:
            scores = np.einsum("qd,qsd->qs", cut, self._rescore_with[found])
            order = np.lexsort((found, -scores), axis=1)[:, :k]
            found, scores = np.take_along_axis(found, order, 1), np.take_along_axis(scores, order, 1)
        return found.astype(np.int64), scores.astype(np.float32)


def _faiss_index(cut: FloatMatrix, stored: str) -> Any:  # noqa: ANN401 - faiss has no common type for these
    import faiss

    index: Any
    if stored == "binary":
        codes = np.packbits(cut > 0, axis=1)
        index = faiss.IndexBinaryFlat(8 * codes.shape[1])
        index.add(codes)
        return index
    if stored == "float32":
        index = faiss.IndexFlatIP(cut.shape[1])
    else:
        kind = faiss.ScalarQuantizer.QT_8bit if stored == "int8" else faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexScalarQuantizer(cut.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        index.train(cut[calibration_rows(len(cut))])
    index.add(cut)
    return index


def _signs(codes: NDArray[np.uint8], dim: int) -> FloatMatrix:
    bits = np.unpackbits(codes, axis=1, count=dim)
    return bits.astype(np.float32) * 2 - 1
