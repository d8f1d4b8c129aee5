"""Loops over int8 codes, compiled by numba on their first call: one pass over memory where array operations take five.

Codes lie in `(slabs, groups, GROUP, LINE)` int8, with a float32 step a document: the size of one level in cosines
at a prefix, `(groups, GROUP)`. Each loop releases the interpreter's lock, so that threads can share the work.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix, IntMatrix

ByteMatrix: TypeAlias = NDArray[np.int8]
ShortMatrix: TypeAlias = NDArray[np.int16]
SumMatrix: TypeAlias = NDArray[np.int32]

#: Numbers of a document that share a cache line.
LINE = 64
#: Documents of which one vouches for a score, and which are left out together.
GROUP = 128
#: A number of a document is one of so many levels up and down.
LEVELS = 127
#: A query is rounded to int16, less finely if that keeps the sum of its products within int32.
_QUERY_LEVELS, _SUM = 2**15 - 1, 2**31 - 1
#: Groups whose sums stay in the first-level cache while the slabs are read one after the other.
_TILE = 16
#: Bytes to read ahead: the processor by itself stops at the end of a page, and while other work is done.
_AHEAD = 4096
_TO_READ, _TO_KEEP, _DATA = 0, 3, 1
#: Cosines as whole numbers: compilers use vector instructions for the maximum of these, not for that of floats.
_WHOLE = np.float32(2**28)
#: A float32 product of `d` numbers is off by at most `d` roundings of this size (Higham, 2002, section 3.1).
_ROUNDING = 2.0**-23
#: For what is lost while the bound itself is computed.
_SLACK = 1 + 1e-4


class QueryCodes(NamedTuple):
    """A `(d,)` float32 query of unit length and its codes, `(slabs, LINE)` int16 times `scale`.

    A cosine computed from codes is off by at most `slope * step + offset`.
    """

    unit: FloatMatrix
    code: ShortMatrix
    scale: np.float32
    slope: np.float32
    offset: np.float32


def _define_fetch(_: Any, array: Any, offset: Any) -> Any:  # noqa: ANN401, ARG001 - numba's own types, by position
    """Have the processor read the line at `offset` bytes into `array` into its caches; it may lie outside."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        """Emit LLVM's prefetch for reading, into all levels of the data cache."""
        start = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.gep(builder.bitcast(start, byte), [arguments[1]])
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        builder.call(prefetch, [address, number(_TO_READ), number(_TO_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


_fetch: Any = intrinsic(_define_fetch)


@njit(nogil=True)
def quantise_query(query: FloatMatrix, d: int) -> QueryCodes:
    """The first `d` numbers of a `(D,)` float32 query, normalised and in codes, with the bound on what rounding does.

    A number of a document is off by at most half a step, so the score by half a step times the query's sum of
    magnitudes (Hoelder). The query's own rounding acts on the rounded document (Cauchy-Schwarz), whose length is at
    most 1 plus half a step in every number. A zero prefix has step 0 and score 0, and both are exact. The bound is not
    finite if a number of the query is not.
    """
    squares, largest, beyond = 0.0, np.float32(0), 0.0
    for number in query[:d]:
        squares += number * number  # In float32, as `truncate` has it: what vanishes there must vanish here.
        largest = max(largest, abs(number))
    for number in query[d:]:
        beyond += 0 * number
    norm = np.sqrt(squares) if squares > 0 else 1.0
    scale = np.float32(largest / norm / min(_QUERY_LEVELS, _SUM // (LEVELS * d)))
    unit, code = np.empty(d, np.float32), np.zeros((-(-d // LINE), LINE), np.int16)
    total, lost = 0.0, 0.0
    for j in range(d):
        unit[j] = query[j] / norm
        level = np.rint(unit[j] / scale) if scale > 0 else np.float32(0)
        code[j // LINE, j % LINE] = np.int16(level)
        total += abs(unit[j])
        lost += (unit[j] - level * np.float64(scale)) ** 2
    slope = 0.5 * (total + np.sqrt(lost * d))
    offset = np.sqrt(lost) * _SLACK + (2 * d + 8) * _ROUNDING + beyond
    return QueryCodes(unit, code, scale, np.float32(slope * _SLACK), np.float32(offset))


@njit(nogil=True)
def bound_groups(
    slabs: ByteMatrix,
    steps: FloatMatrix,
    query: QueryCodes,
    n: int,
    first: int,
    last: int,
    surely: FloatMatrix,
    possibly: FloatMatrix,
) -> None:
    """Write what one document of each group `first` to `last` surely scores, and what none of it can exceed.

    The first `n` codes belong to documents; `offset` is left to the caller.
    """
    sums = np.empty((_TILE, GROUP), np.int32)
    for start in range(first, last, _TILE):
        stop = min(last, start + _TILE)
        sums[:] = 0
        for p in range(len(query.code)):
            for group in range(start, stop):
                _add_products(slabs[p, group], query.code[p], sums[group - start])
        for group in range(start, stop):
            least = most = np.int32(-_WHOLE)
            for i in range(min(GROUP, n - group * GROUP)):
                score, step = np.float32(sums[group - start, i]) * query.scale, steps[group, i]
                # Wide bounds are cut to what a cosine can be, so that they fit.
                low = max(step * (score - query.slope), np.float32(-1))
                high = min(step * (score + query.slope), np.float32(2))
                least, most = max(least, np.int32(low * _WHOLE)), max(most, np.int32(high * _WHOLE))
            surely[group], possibly[group] = least / _WHOLE, most / _WHOLE


@njit(nogil=True)
def find_candidates(
    slabs: ByteMatrix,
    steps: FloatMatrix,
    query: QueryCodes,
    n: int,
    surely: FloatMatrix,
    possibly: FloatMatrix,
    k: int,
    at_most: int,
) -> IntMatrix:
    """Documents, ascending int64, that can be among the `k` best, given the bounds of the groups.

    With `k` cosines that surely reach a threshold, nothing that surely stays below it is wanted: neither whole
    groups nor documents of the groups that are left. None at all if more than `at_most` are left.
    """
    threshold = _kth_largest(surely, k) - 2 * query.offset
    candidates, count, sums = np.empty(at_most + GROUP, np.int64), 0, np.empty(GROUP, np.int32)
    for group in range(len(steps)):
        if possibly[group] < threshold:
            continue
        sums[:] = 0
        for p in range(len(query.code)):
            _add_products(slabs[p, group], query.code[p], sums)
        for i in range(min(GROUP, n - group * GROUP)):
            if steps[group, i] * (np.float32(sums[i]) * query.scale + query.slope) >= threshold:
                candidates[count] = group * GROUP + i
                count += 1
        if count > at_most:
            return candidates[:0]
    return candidates[:count]


@njit(nogil=True)
def rescore_candidates(
    blocks: FloatMatrix, inverse_norms: FloatMatrix, unit: FloatMatrix, documents: IntMatrix, k: int
) -> tuple[IntMatrix, FloatMatrix]:
    """The `k` best of some ascending documents of `(blocks, D, rows)` float32, and their cosines, best first.

    Equal cosines keep the order of the documents. Equal documents get equal ones: numbers are added in their order,
    in float64.
    """
    rows = blocks.shape[2]
    order, scores = np.empty(k, np.int64), np.full(k, -np.inf, np.float32)
    for document in documents:
        block, row = divmod(document, rows)
        total = 0.0
        for j in range(len(unit)):
            total += np.float64(unit[j]) * blocks[block, j, row]
        score, place = np.float32(total * inverse_norms[block, row]), k
        while place > 0 and scores[place - 1] < score:
            place -= 1
            if place + 1 < k:
                order[place + 1], scores[place + 1] = order[place], scores[place]
        if place < k:
            order[place], scores[place] = document, score
    return order, scores


@njit(nogil=True)
def _kth_largest(values: FloatMatrix, k: int) -> float:
    """By insertion: numba takes seconds to compile a selection of numpy's."""
    best = np.full(k, -np.inf, np.float32)
    for value in values:
        if value > best[0]:
            place = 0
            while place + 1 < k and best[place + 1] < value:
                best[place] = best[place + 1]
                place += 1
            best[place] = value
    return best[0]


@njit(nogil=True, inline="always")
def _add_products(lines: ByteMatrix, code: ShortMatrix, sums: SumMatrix) -> None:
    """Add the products of `(GROUP, LINE)` codes with a query's to `(GROUP,)` int32 sums."""
    for i in range(GROUP):
        _fetch(lines, i * LINE + _AHEAD)
        total = np.int32(0)
        for j in range(LINE):
            total += np.int32(lines[i, j]) * np.int32(code[j])
        sums[i] += total
