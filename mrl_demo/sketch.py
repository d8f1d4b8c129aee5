"""A quarter-size int8 copy that tells, with certainty, which documents can be among a query's best.

Reading memory is what one exact query costs, so a first pass over one byte a number, with a bound on its error, leaves
a few documents for the float32 vectors to decide. Scalar quantisation with a scale a vector; the bound is Hoelder's
inequality on the rounding of the documents and Cauchy-Schwarz on that of the query.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch

from mrl_demo.types import FloatMatrix, IntMatrix

#: Documents whose greatest score and widest bound are looked at together.
STRETCH = 256
_LEVELS = 127
_ROWS_AT_ONCE = 65_536
_LINE = 64
#: Rows kept for as many searches at once; more of them make their own and give them back to the system.
_ROWS_KEPT = 4
#: A float32 product of `d` numbers is off by at most `d` roundings of this size (Higham, 2002, section 3.1).
_ROUNDING = 2.0**-23


@dataclass(frozen=True)
class Steps:
    """Size of one quantisation step in cosines at one prefix: `each` `(n,)` float32, `widest` of every stretch."""

    each: torch.Tensor
    widest: torch.Tensor

    @property
    def are_finite(self) -> bool:
        """False where a prefix is so short that a step has no size: the sketch says nothing there."""
        return bool(torch.isfinite(self.widest).all())


class Sketch:
    """Int8 codes with one float32 scale a document; read at any prefix without a second copy.

    They lie in `(D / 64, n, 64)` slabs: a number of every document shares a cache line with its 63 neighbours and
    with nothing a shorter prefix would not read.
    """

    def __init__(self, vectors: FloatMatrix) -> None:
        """Quantise `(n, D)` finite vectors, a block of rows at a time."""
        n, dimension = vectors.shape
        self._slabs = torch.zeros((-(-dimension // _LINE), n, _LINE), dtype=torch.int8)
        self._scales = torch.empty(n, dtype=torch.float32)
        for start in range(0, n, _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            part = torch.from_numpy(np.ascontiguousarray(vectors[rows], dtype=np.float32))
            codes, self._scales[rows] = _quantised(part)
            for slab, some in zip(self._slabs, codes.split(_LINE, dim=1), strict=True):
                slab[rows, : some.shape[1]] = some
        self._spare_rows: deque[torch.Tensor] = deque(maxlen=_ROWS_KEPT)

    @property
    def nbytes(self) -> int:
        """Bytes of the codes, their scales, and the three rows of a search."""
        return self._slabs.numel() + self._scales.numel() * 16

    def bytes_read(self, dim: int) -> int:
        """Bytes of codes and steps that `contenders` goes through at a prefix of `dim` numbers."""
        return len(self._scales) * (-(-dim // _LINE) * _LINE + 4)

    def steps(self, inverse_norms: torch.Tensor) -> Steps:
        """Steps at the prefix whose `(n,)` inverse norms are given."""
        each = self._scales * inverse_norms
        return Steps(each, per_stretch(each))

    def contenders(self, query: FloatMatrix, steps: Steps, k: int) -> IntMatrix:
        """Documents, ascending int64, among which the `k` best cosines with a unit `(d,)` query are sure to be."""
        scale = float(np.abs(query).max()) / _LEVELS
        code = np.rint(query / (scale or 1)).astype(np.int8)
        slope, offset = _error(query, code * np.float32(scale))
        rows = self._rows()
        scores = rows[0].view(torch.float32)  # In units of the query's scale.
        scores.copy_(self._products(torch.from_numpy(code), rows[1:])).mul_(steps.each)
        found = contenders(scores, k, (steps.widest * slope + offset) / scale).numpy()
        self._spare_rows.append(rows)
        return found

    def _rows(self) -> torch.Tensor:
        """Three int32 rows, those of an earlier search if none uses them: fresh memory costs a fault every page."""
        try:
            return self._spare_rows.popleft()
        except IndexError:
            return torch.empty((3, len(self._scales)), dtype=torch.int32)

    def _products(self, code: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Products of a `(d,)` int8 query with every document: `(n,)` int32, exact; the two rows of `out` are used."""
        parts = torch.nn.functional.pad(code, (0, -len(code) % _LINE)).split(_LINE)
        total, one = out[:, :, None]
        torch._int_mm(self._slabs[0], parts[0][:, None], out=total)
        for slab, part in zip(self._slabs[1:], parts[1:], strict=False):
            total += torch._int_mm(slab, part[:, None], out=one)
        return out[0]


def per_stretch(row: torch.Tensor) -> torch.Tensor:
    """Maximum of every stretch of an `(n,)` row, the last one as long as it is."""
    whole = len(row) - len(row) % STRETCH
    maxima = row[:whole].view(-1, STRETCH).amax(dim=1)
    return torch.cat([maxima, row[whole:].amax()[None]]) if whole < len(row) else maxima


def contenders(row: torch.Tensor, k: int, errors: torch.Tensor) -> torch.Tensor:
    """Columns, ascending, that can be among the `k` best of `(n,)` scores off by at most `errors` in each stretch.

    Every stretch vouches for one score. With `k` scores that surely reach a threshold, nothing that surely stays below
    it is wanted: neither whole stretches nor columns of the stretches that are left.
    """
    if k > len(errors):
        return torch.arange(len(row))
    maxima = per_stretch(row)
    threshold = torch.topk(maxima - errors, k).values[-1]
    chosen = torch.nonzero(maxima + errors >= threshold)
    columns = (chosen * STRETCH + torch.arange(STRETCH)).flatten()
    slack = errors[chosen].expand(-1, STRETCH).flatten()
    if overhang := max(0, int(columns[-1]) + 1 - len(row)):
        columns, slack = columns[:-overhang], slack[:-overhang]
    return columns[row[columns] + slack >= threshold]


def _quantised(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scales = rows.abs().amax(dim=1) / _LEVELS
    codes = torch.round(rows / torch.where(scales > 0, scales, 1)[:, None])
    return codes.clamp_(-_LEVELS, _LEVELS).to(torch.int8), scales


def _error(query: FloatMatrix, rounded: FloatMatrix) -> tuple[float, float]:
    """Bound on the error of a cosine, as `slope * step + offset`.

    A number of a document is off by at most half a step, so the score by half a step times the query's sum of
    magnitudes. The query's own rounding acts on the rounded document, whose length is at most 1 plus half a step in
    every number. A zero prefix has step 0 and score 0, and both are exact.
    """
    lost = float(np.linalg.norm(query - rounded))
    slope = 0.5 * (float(np.abs(query).sum()) + lost * len(query) ** 0.5)
    return slope * (1 + 1e-4), lost * (1 + 1e-4) + (2 * len(query) + 8) * _ROUNDING
