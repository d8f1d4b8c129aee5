"""Smaller numbers for each vector: float32, float16, int8 and binary, always after the cut; exact bytes for each.

int8 has one range for each dimension, as in faiss' 8-bit scalar quantiser and sentence-transformers'
`quantize_embeddings`; its search keeps the query in float32. Binary keeps the signs and compares by Hamming
distance. A shortlist of either can be rescored by the float32 vectors of the same cut. `search.flat` has the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import truncate

PRECISIONS = ("float32", "float16", "int8", "binary")
RESCORE = "+rescore"
#: Documents that the quantised search hands to the rescoring, besides those that tie with the last of them: four times
#: a result page of 10.
SHORTLIST = 40
_MAX_CALIBRATION = 1_000
_ROWS_AT_ONCE = 4_096


class PrecisionError(LabError, ValueError):
    """A precision that is not known."""


@dataclass(frozen=True)
class Precision:
    """How vectors are stored and searched: one of `PRECISIONS`, and whether a shortlist is rescored by float32.

    >>> Precision("binary", rescored=True).name
    'binary+rescore'
    """

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
        known = ", ".join([*PRECISIONS, *(precision + RESCORE for precision in PRECISIONS[1:])])
        raise PrecisionError(f"There is no precision {name!r}: choose among {known}.")
    return Precision(stored, rescored)


def bytes_per_vector(precision: str, dim: int) -> int:
    """Exact bytes that the search keeps in memory for one vector; rescoring reads `rescore_bytes_per_vector` more."""
    stored = parse_precision(precision).stored
    return {"float32": 4 * dim, "float16": 2 * dim, "int8": dim, "binary": -(-dim // 8)}[stored]


def rescore_bytes_per_vector(precision: str, dim: int) -> int:
    """Exact bytes of the float32 copy that rescoring needs for one vector (a disk will do), 0 without rescoring."""
    return 4 * dim if parse_precision(precision).rescored else 0


def calibration_size(n: int) -> int:
    """How many of `n` vectors set the int8 ranges: a tenth, from 2 to 1,000."""
    return min(n, max(2, min(n // 10, _MAX_CALIBRATION)))


def calibration_rows(vectors: FloatMatrix, seed: int = 0) -> IntMatrix:
    """Rows of an `(n, D)` matrix that set the int8 ranges: a seeded tenth of them, from 2 to 1,000, ascending int64.

    All others are held out: they are coded with ranges they had no part in. Rows are drawn by a hash of their numbers
    (multilinear, Dietzfelbinger 1996), so that the same vectors in another order set the same ranges.
    """
    n = len(vectors)
    size = calibration_size(n)
    factors = np.random.default_rng(seed).integers(0, 2**64, np.shape(vectors)[1], dtype=np.uint64) | np.uint64(1)
    hashes = np.empty(n, np.uint64)
    for start in range(0, n, _ROWS_AT_ONCE):
        part = np.ascontiguousarray(vectors[start : start + _ROWS_AT_ONCE], dtype=np.float32)
        hashes[start : start + len(part)] = (part.view(np.uint32) * factors).sum(axis=1, dtype=np.uint64)
    return np.sort(np.argsort(hashes, kind="stable")[:size]).astype(np.int64)


@dataclass(frozen=True)
class Quantised:
    """Vectors cut to `dim` and stored at a precision: `codes` `(n, bytes_per_vector)` uint8, and what decodes them.

    >>> quantise(np.array([[0.3, -0.4, 0.8]], np.float32), dim=2, precision="binary").decode().tolist()
    [[1.0, -1.0]]
    """

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
        rows = calibration_rows(vectors) if calibration is None else calibration
        low, high = cut[rows].min(axis=0), cut[rows].max(axis=0)
        step = np.where(high > low, (high - low) / 255, 1).astype(np.float32)
        coded = np.clip(np.floor((cut - low) / step), 0, 255).astype(np.uint8)
        return Quantised(stored, length, coded, lambda given: low + (given.astype(np.float32) + 0.5) * step)
    kind = np.dtype(stored)
    codes = np.ascontiguousarray(cut, dtype=kind).view(np.uint8)
    return Quantised(stored, length, codes, lambda given: given.view(kind).astype(np.float32))


def query_side(queries: FloatMatrix, dim: object, precision: str) -> FloatMatrix:
    """`(q, D)` queries as the search at `precision` compares them, `(q, dim)` float32.

    Cut unit rows, whose product with `Quantised.decode()` is a cosine; for binary signs, whose product is
    dim - 2 * Hamming: an exact whole number, so that ties stay ties.
    """
    cut = truncate(queries, dim)
    return cut if parse_precision(precision).stored != "binary" else np.where(cut > 0, 1, -1).astype(np.float32)


def _signs(codes: NDArray[np.uint8], dim: int) -> FloatMatrix:
    bits = np.unpackbits(codes, axis=1, count=dim)
    return bits.astype(np.float32) * 2 - 1
