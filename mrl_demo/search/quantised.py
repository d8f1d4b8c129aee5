"""Smaller numbers for each vector, always after the cut, with the exact bytes of each.

float32, float16, int8 and int4; one bit a number with its threshold at zero or at the mean; product codes and RaBitQ.
int8 and int4 have one range for each dimension, as in faiss' scalar quantisers and sentence-transformers'
`quantize_embeddings`; their search keeps the query in float32. Binary codes are compared by Hamming distance. A
shortlist of any can be rescored by the float32 or int8 vectors of the same cut. `search.flat` has the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.search.codebooks import MOST_CODEBOOK_ROWS, RABITQ_FACTORS, ProductCodes, RabitqCodes

PRECISIONS = ("float32", "float16", "int8", "int4", "binary", "binary-mean", "pq", "rabitq")
RESCORE = "+rescore"
RESCORE_INT8 = "+rescore-int8"
#: What a coarse code may be rescored by int8: whatever is coarser than int8 itself.
_COARSER_THAN_INT8 = ("int4", "binary", "binary-mean", "pq", "rabitq")
#: Every way to store and search vectors that is known, by name.
ALL_PRECISIONS = (
    *PRECISIONS,
    *(precision + RESCORE for precision in PRECISIONS[1:]),
    *(precision + RESCORE_INT8 for precision in _COARSER_THAN_INT8),
)
#: Those a bit of which stands for a number: compared by Hamming distance.
ONE_BIT = ("binary", "binary-mean")
#: Whatever is fitted by averages takes more rows than a range does.
_FITTED_ON_MANY = ("binary-mean", "pq", "rabitq")
#: Documents that the quantised search hands to the rescoring unless a precision's name says otherwise ("@100"), besides
#: those that tie with the last of them: four times a result page of 10.
SHORTLIST = 40
#: A search gives ten results everywhere: a shorter list would leave some of them as the coarse codes have them.
SHORTEST_SHORTLIST = 10
_LONGEST_SHORTLIST = 100_000
_MAX_CALIBRATION = 1_000
_ROWS_AT_ONCE = 4_096


class PrecisionError(LabError, ValueError):
    """A precision that is not known."""


@dataclass(frozen=True)
class Precision:
    """How vectors are stored, one of `PRECISIONS`, and whether, by what and how long a shortlist is rescored.

    >>> Precision("binary", rescored=True).name, Precision("pq", True, "int8", 100).name
    ('binary+rescore', 'pq+rescore-int8@100')
    """

    stored: str
    rescored: bool = False
    rescorer: str = "float32"
    shortlist: int = SHORTLIST

    @property
    def name(self) -> str:
        """The name that `parse_precision` reads."""
        suffix = RESCORE if self.rescorer == "float32" else RESCORE_INT8
        length = "" if self.shortlist == SHORTLIST else f"@{self.shortlist}"
        return self.stored + (suffix + length if self.rescored else "")


def parse_precision(name: str) -> Precision:
    """Read one of `ALL_PRECISIONS`, the length of its shortlist behind it if it is not 40; raises `PrecisionError`.

    >>> parse_precision("binary+rescore@100")
    Precision(stored='binary', rescored=True, rescorer='float32', shortlist=100)
    """
    given, at, length = name.strip().lower().partition("@")
    if given not in ALL_PRECISIONS:
        raise PrecisionError(f"There is no precision {name!r}: choose among {', '.join(ALL_PRECISIONS)}.")
    stored, _, rescorer = given.partition(RESCORE)
    precision = Precision(stored, stored != given, "int8" if rescorer else "float32")
    return _with_length(precision, length, name) if at else precision


def with_shortlist(name: str, length: int) -> str:
    """The precision's name with a shortlist of so many documents; one without rescoring stays as it is.

    Raises `PrecisionError` for a shortlist of less than 10, the results of a search, or more than 100,000.

    >>> with_shortlist("int8+rescore", 100), with_shortlist("int8", 100)
    ('int8+rescore@100', 'int8')
    """
    precision = parse_precision(name)
    return _with_length(precision, str(length), name).name if precision.rescored else precision.name


def _with_length(precision: Precision, length: str, name: str) -> Precision:
    if not precision.rescored:
        raise PrecisionError(f"{name!r} rescores nothing, so it has no shortlist: write {precision.name}+rescore@40.")
    is_whole = length.isascii() and length.isdecimal()
    if not is_whole or not SHORTEST_SHORTLIST <= int(length[:9]) <= _LONGEST_SHORTLIST:
        says = f"The shortlist of {name!r} is {length or 'empty'}: give {SHORTEST_SHORTLIST} (the results of a search) "
        says += f"to {_LONGEST_SHORTLIST:,} documents"
        raise PrecisionError(f"{says}, as in {precision.stored}{RESCORE}@100.")
    return replace(precision, shortlist=int(length))


def bytes_per_vector(precision: str, dim: int) -> int:
    """Exact bytes that the search keeps in memory for one vector; rescoring reads `rescore_bytes_per_vector` more.

    >>> [bytes_per_vector(name, 64) for name in PRECISIONS]
    [256, 128, 64, 32, 8, 8, 8, 16]
    """
    stored = parse_precision(precision).stored
    bits = {"float32": 32, "float16": 16, "int8": 8, "int4": 4}.get(stored, 1)
    return -(-bits * dim // 8) + (RABITQ_FACTORS if stored == "rabitq" else 0)


def rescore_bytes_per_vector(precision: str, dim: int) -> int:
    """Exact bytes of the copy that rescoring needs for one vector (a disk will do), 0 without rescoring."""
    parsed = parse_precision(precision)
    return bytes_per_vector(parsed.rescorer, dim) if parsed.rescored else 0


def rescore_bytes_read(precision: str, dim: int) -> int:
    """Bytes of that copy that one query reads: those of its shortlist."""
    return parse_precision(precision).shortlist * rescore_bytes_per_vector(precision, dim)


def calibration_size(n: int, precision: str = "int8") -> int:
    """How many of `n` vectors a precision is fitted on: a tenth, from 2 to 1,000; means and codebooks, up to 4,096."""
    if parse_precision(precision).stored in _FITTED_ON_MANY:
        return min(n, MOST_CODEBOOK_ROWS)
    return min(n, max(2, min(n // 10, _MAX_CALIBRATION)))


def calibration_rows(vectors: FloatMatrix, seed: int = 0, precision: str = "int8") -> IntMatrix:
    """Rows of an `(n, D)` matrix that ranges, means and codebooks are fitted on: seeded, ascending int64.

    They are documents, never the queries that are searched; all other documents are held out as well. Rows are drawn by
    a hash of their numbers (multilinear, Dietzfelbinger 1996), so that the same vectors in another order set the same.
    """
    n = len(vectors)
    size = calibration_size(n, precision)
    factors = np.random.default_rng(seed).integers(0, 2**64, np.shape(vectors)[1], dtype=np.uint64) | np.uint64(1)
    hashes = np.empty(n, np.uint64)
    for start in range(0, n, _ROWS_AT_ONCE):
        part = np.ascontiguousarray(vectors[start : start + _ROWS_AT_ONCE], dtype=np.float32)
        hashes[start : start + len(part)] = (part.view(np.uint32) * factors).sum(axis=1, dtype=np.uint64)
    return np.sort(np.argsort(hashes, kind="stable")[:size]).astype(np.int64)


@dataclass(frozen=True)
class Codec:
    """One precision fitted to calibration rows: cut unit rows to codes and back, and the query's side of a comparison.

    `query_side` makes of `(q, dim)` cut unit queries what is multiplied with decoded numbers: the same, or for one-bit
    codes signs, whose product is dim - 2 * Hamming: an exact whole number, so that ties stay ties.
    """

    encode: Callable[[FloatMatrix], NDArray[np.uint8]]
    decode: Callable[[NDArray[np.uint8]], FloatMatrix]
    query_side: Callable[[FloatMatrix], FloatMatrix] = lambda cut: cut
    fitted: ProductCodes | RabitqCodes | None = None


def fit_codec(rows: FloatMatrix, precision: str) -> Codec:
    """Fit a precision to `(m, dim)` cut unit rows; raises `PrecisionError`."""
    stored, dim = parse_precision(precision).stored, rows.shape[1]
    if stored in ONE_BIT:
        return _one_bit_codec(rows.mean(axis=0) if stored == "binary-mean" else np.zeros(dim, np.float32))
    if stored == "int8":
        return _range_codec(rows, 256, lambda codes: codes, lambda codes: codes)
    if stored == "int4":
        return _range_codec(rows, 16, _pack_halves, lambda codes: _unpack_halves(codes, dim))
    if stored == "pq":
        product = ProductCodes.fit(rows)
        return Codec(product.encode, product.decode, fitted=product)
    if stored == "rabitq":
        rabitq = RabitqCodes.fit(rows)
        return Codec(rabitq.encode, rabitq.decode, rabitq.query_side, rabitq)
    kind = np.dtype(stored)
    return Codec(
        lambda cut: np.ascontiguousarray(cut, dtype=kind).view(np.uint8),
        lambda codes: codes.view(kind).astype(np.float32),
    )


@dataclass(frozen=True)
class Quantised:
    """Vectors cut to `dim` and stored at a precision: `codes` `(n, bytes_per_vector)` uint8, and what decodes them.

    >>> quantise(np.array([[0.3, -0.4, 0.8]], np.float32), dim=2, precision="binary").decode().tolist()
    [[1.0, -1.0]]
    """

    precision: str
    dim: int
    codes: NDArray[np.uint8]
    codec: Codec

    @property
    def nbytes(self) -> int:
        """Bytes of all codes; ranges, means and codebooks are needed once and not counted."""
        return self.codes.nbytes

    def decode(self) -> FloatMatrix:
        """`(n, dim)` float32 numbers that the search compares; binary gives -1 and 1, RaBitQ one number more."""
        return self.codec.decode(self.codes)

    def query_side(self, queries: FloatMatrix) -> FloatMatrix:
        """Uncut `(q, D)` queries as the search compares them with `decode()`: float32 rows as long as those."""
        return self.codec.query_side(truncate(queries, self.dim))


def quantise(vectors: FloatMatrix, dim: object, precision: str, calibration: IntMatrix | None = None) -> Quantised:
    """Cut `(n, D)` vectors to `dim`, re-normalise them, then store them at `precision`.

    `calibration` names the rows that ranges, means or codebooks are fitted on (numbers outside a range are clipped);
    `calibration_rows` by default. Raises `PrecisionError` and `InvalidDimensionError`.
    """
    stored = parse_precision(precision).stored
    cut = truncate(vectors, dim)
    rows = calibration_rows(vectors, precision=stored) if calibration is None else calibration
    codec = fit_codec(cut[rows], stored)
    return Quantised(stored, cut.shape[1], codec.encode(cut), codec)


def _one_bit_codec(threshold: FloatMatrix) -> Codec:
    def signs(cut: FloatMatrix) -> FloatMatrix:
        """1 above the threshold, -1 elsewhere."""
        return np.where(cut > threshold, 1, -1).astype(np.float32)

    return Codec(
        lambda cut: np.packbits(cut > threshold, axis=1),
        lambda codes: np.unpackbits(codes, axis=1, count=len(threshold)).astype(np.float32) * 2 - 1,
        signs,
    )


def _range_codec(
    rows: FloatMatrix,
    levels: int,
    pack: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    unpack: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> Codec:
    low, high = rows.min(axis=0), rows.max(axis=0)
    step = np.where(high > low, (high - low) / (levels - 1), 1).astype(np.float32)

    def encode(cut: FloatMatrix) -> NDArray[np.uint8]:
        """Each number's step between low and high, packed."""
        return pack(np.clip(np.floor((cut - low) / step), 0, levels - 1).astype(np.uint8))

    def decode(codes: NDArray[np.uint8]) -> FloatMatrix:
        """The middle of each number's step."""
        numbers: FloatMatrix = low + (unpack(codes).astype(np.float32) + 0.5) * step
        return numbers

    return Codec(encode, decode)


def _pack_halves(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two codes below 16 a byte, the first in its lower half, as faiss has it."""
    even = np.pad(codes, ((0, 0), (0, codes.shape[1] % 2)))
    return (even[:, ::2] | (even[:, 1::2] << 4)).astype(np.uint8)


def _unpack_halves(packed: NDArray[np.uint8], dim: int) -> NDArray[np.uint8]:
    return np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1)[:, :dim]
