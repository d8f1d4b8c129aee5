"""Uncertainty over queries: one set of bootstrap resamples for all arms, so that differences are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.judging.metrics import FloatArray

RESAMPLES = 2_000
LEVEL = 0.95
#: An interval of a difference that holds 0 and is wider than this answers nothing: "too few queries to say".
WIDEST_TELLING = 0.05
#: Up to this a difference is "about equal", however sure its sign is: nobody would notice it in use.
MARGIN = 0.01
_COLUMNS_AT_ONCE = 512
_RESAMPLES_AT_ONCE = 256
#: Smaller differences of a query are the rounding of float32 means (of a random arm's seeds), not of the ranking.
_ROUNDING = 1e-6
#: What the rounding of float64 sums leaves of a mean of 0.
_NOTHING = 1e-12

BETTER, WORSE, EQUAL = "better", "worse", "about equal"
NOT_SHOWN, TOO_FEW = "no difference shown", "too few queries to say"


@dataclass(frozen=True)
class Interval:
    """A mean over queries and the bounds of its 95% interval; with one query the bounds are the value itself."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From bound to bound."""
        return self.high - self.low


def widen_certain(interval: Interval, n: int) -> Interval:
    """Wilson's interval (1927) for a share of 0 or 1 among `n`, of which resamples show no width; others as they are.

    >>> widen_certain(Interval(1.0, 1.0, 1.0), 27)
    Interval(value=1.0, low=0.8754..., high=1.0)
    """
    from scipy.special import ndtri  # Here, as below: a third of a second that the first view does not need.

    square = float(ndtri(0.5 + LEVEL / 2)) ** 2
    if interval.value >= 1:
        return Interval(interval.value, n / (n + square), 1.0)
    if interval.value <= 0:
        return Interval(interval.value, 0.0, square / (n + square))
    return interval


@dataclass(frozen=True)
class Difference(Interval):
    """A paired mean difference, its two-sided p value, and the p value after Holm's correction within its family."""

    p: float
    p_holm: float

    @property
    def verdict(self) -> str:
        """What the difference says, as `verdict_of` puts it."""
        return verdict_of(self.value, self.low, self.high, self.p_holm)


def verdict_of(value: float, low: float, high: float, p_holm: float) -> str:
    """A paired difference in words, from its 95% interval `low`..`high` and its corrected p value.

    `BETTER` or `WORSE`: the interval leaves out 0, the corrected p is under 5%, and the difference is above `MARGIN`.
    `TOO_FEW`: the interval is too wide to tell. `EQUAL`: at most `MARGIN`. `NOT_SHOWN`: above it, but not surely.

    >>> verdict_of(0.03, 0.01, 0.05, p_holm=0.001), verdict_of(0.002, 0.0005, 0.004, p_holm=0.03)
    ('better', 'about equal')
    """
    is_sure = p_holm < 1 - LEVEL and (low > 0 or high < 0)
    if is_sure and abs(value) > MARGIN:
        return BETTER if value > 0 else WORSE
    if not is_sure and high - low > WIDEST_TELLING:
        return TOO_FEW
    return EQUAL if abs(value) <= MARGIN else NOT_SHOWN


class PairedBootstrap:
    """Resamples of `n_queries` queries, drawn once from `seed`; as counts, so that means are products.

    Intervals are percentile intervals, expanded for small samples: the tail share is that which makes the
    normal interval Student's t (Hesterberg 2015, "What teachers should know about the bootstrap", section
    5.3). Raises `LabError` below one query.
    """

    def __init__(self, n_queries: int, resamples: int = RESAMPLES, seed: int = 0) -> None:
        if n_queries < 1:
            raise LabError("No query is left to measure: give a collection with judged queries.")
        self.n_queries, self.resamples = n_queries, resamples
        shares = np.full(n_queries, 1 / n_queries)
        self._counts: FloatMatrix = (
            np.random.default_rng(seed).multinomial(n_queries, shares, size=resamples).astype(np.float32)
        )

    def means(self, values: FloatArray | FloatMatrix) -> NDArray[np.float64]:
        """Means of `(n_queries, columns)` values in every resample: `(resamples, columns)` float64."""
        values = np.asarray(values, dtype=np.float64)
        # In float64: a resample without the few queries that differ has to come out as no difference at all.
        blocks = (self._counts[i : i + _RESAMPLES_AT_ONCE] for i in range(0, self.resamples, _RESAMPLES_AT_ONCE))
        return np.concatenate([block.astype(np.float64) @ values for block in blocks]) / self.n_queries

    def intervals(self, values: FloatArray | FloatMatrix) -> list[Interval]:
        """The mean and 95% interval of each column of `(n_queries, columns)` values."""
        return [Interval(*bound) for part in _parts(values) for bound in self._bounds(part, self.means(part))]

    def differences(self, values: FloatArray | FloatMatrix, families: Sequence[object]) -> list[Difference]:
        """The interval and p value of each column of `(n_queries, columns)` paired differences.

        Columns with the same entry in `families` are corrected together (Holm 1979): give the dimensions of
        one arm one family.
        """
        bounds_of_columns, p_values = [], []
        values = np.where(np.abs(values) < _ROUNDING, 0, values)
        for part in _parts(values):
            means = self.means(part)
            bounds_of_columns += self._bounds(part, means)
            p_values += [_p_value(column, bool(np.any(part[:, i]))) for i, column in enumerate(means.T)]
        holm = np.ones(len(p_values))
        for family in set(families):
            members = [i for i, each in enumerate(families) if each == family]
            holm[members] = holm_correction(np.array(p_values)[members])
        return [
            Difference(*bounds, p=p, p_holm=float(corrected))
            for bounds, p, corrected in zip(bounds_of_columns, p_values, holm, strict=True)
        ]

    def ratios(self, values: FloatArray | FloatMatrix, wholes: FloatArray | FloatMatrix) -> list[Interval]:
        """The ratio of the means of `(n_queries, columns)` values and wholes, column by column, and its 95% interval.

        Both means come from the same resamples. A column whose whole is 0 in some resample gets the bounds 0
        and infinity.
        """
        intervals = []
        tail = _tail(self.n_queries)
        for above, below in zip(_parts(values), _parts(wholes), strict=True):
            ratio = _divided(self.means(above), self.means(below))
            low, high = np.quantile(ratio, [tail, 1 - tail], axis=0, method="nearest")
            value = _divided(above.mean(axis=0, dtype=np.float64), below.mean(axis=0, dtype=np.float64))
            intervals += [Interval(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)]
        return intervals

    def _bounds(self, values: FloatMatrix, means: NDArray[np.float64]) -> list[tuple[float, float, float]]:
        tail = _tail(self.n_queries)
        low, high = np.quantile(means, [tail, 1 - tail], axis=0)
        value = values.mean(axis=0, dtype=np.float64)
        return [(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)]


def holm_correction(p_values: FloatArray | Sequence[float]) -> FloatArray:
    """P values corrected for the number of tests, step-down (Holm 1979); never below the given ones nor above 1."""
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(1, np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)))
    return corrected


def _tail(n: int) -> float:
    if n < 2:
        return 0.5 - LEVEL / 2
    from scipy.special import ndtr, stdtrit

    t = stdtrit(n - 1, 0.5 + LEVEL / 2) * np.sqrt(n / (n - 1))
    return float(ndtr(-t))


def _p_value(means: FloatArray, differs: bool) -> float:
    """Two-sided: the level at which the percentile interval would just touch 0, at least 2 in resamples + 1."""
    if not differs:
        return 1.0
    means = np.where(np.abs(means) < _NOTHING, 0, means)
    extreme = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return float(min(1.0, 2 * (extreme + 1) / (len(means) + 1)))


def _divided(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = below > 1e-12
    return np.divide(above, below, out=np.where(positive, 0, np.inf), where=positive)


def _parts(values: FloatArray | FloatMatrix) -> list[FloatMatrix]:
    matrix = np.atleast_2d(np.asarray(values).T).T
    return [matrix[:, i : i + _COLUMNS_AT_ONCE] for i in range(0, matrix.shape[1], _COLUMNS_AT_ONCE)]
