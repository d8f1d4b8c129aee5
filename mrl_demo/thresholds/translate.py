"""A cut-off for full vectors becomes one for shorter ones, at equal precision and at equal false-positive rate.

Both rules only need the rates at which related and unrelated pairs pass: two cut-offs have equal precision, whatever
the mix of pairs, if and only if the ratio of those rates is equal. Intervals come from resamples of whole questions,
the same ones for both lengths. The precision of a cut-off chosen on one resample is taken on another, drawn on its own:
its interval is a prediction interval, for as many new questions as there are here. That other resample has half as many
questions: pairs above a cut-off cluster in few questions, and with full-size resamples too few held-out halves of real
questions were inside (91%).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.stats import Interval
from mrl_demo.thresholds.counts import BINS, ScoreCounts, bin_of, edge_of

EQUAL_PRECISION, EQUAL_RATE, UNCHANGED = "equal precision", "equal false positives", "unchanged"
_RESAMPLES = 600
_LEVEL = 0.95
_NOTHING = -1
_FRESH = 0.5
#: What float32 sums leave of two equal rates.
_ROUNDING = 1e-6
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PassRates:
    """What passes a cut-off: `precision` is the share of related among all pairs that pass, None if none passes.

    `related` and `unrelated` are the shares of related and of unrelated pairs that pass (recall, false-positive rate).
    """

    precision: float | None
    related: float
    unrelated: float


@dataclass(frozen=True)
class TranslatedCutoff:
    """One answer: `cutoff` for the short vectors by `rule`, None if no cut-off does it, and what passes it.

    `interval` holds the cut-off in 95% of resamples; `precision` its precision on as many new queries as were counted,
    in 95% of cases. None if it cannot be told.
    """

    rule: str
    cutoff: float | None
    interval: Interval | None
    rates: PassRates | None
    precision: Interval | None


def check_cutoff(given: float) -> float:
    """The cut-off as a float; raises `LabError` unless it is a cosine.

    >>> check_cutoff(70)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: The cut-off is 70: it must be a cosine between -1 and 1, as in 0.7.
    """
    if not (isinstance(given, (int, float)) and math.isfinite(given) and -1 < given < 1):
        raise LabError(f"The cut-off is {given}: it must be a cosine between -1 and 1, as in 0.7.").about("cutoff")
    return float(given)


@dataclass(frozen=True)
class Translations:
    """The three answers for one pair of settings, and what passes at full length.

    `unchanged` says what passes if nobody touches the number.
    """

    at_full: PassRates
    unchanged: TranslatedCutoff
    equal_precision: TranslatedCutoff
    equal_rate: TranslatedCutoff

    def rules(self) -> tuple[TranslatedCutoff, ...]:
        """The three answers in the order of a table."""
        return (self.unchanged, self.equal_precision, self.equal_rate)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def translate(given: float, full: ScoreCounts, short: ScoreCounts, seed: int = 0) -> Translations:
    """Translate a cut-off between two counts of the same queries' pairs; raises `LabError` if nothing is related."""
    place = bin_of(check_cutoff(given))
    at_full, cut = _Passing.of(full), _Passing.of(short)
    everyone = np.ones((1, full.n_queries))
    whole = at_full.at(place, everyone)
    if not at_full.related[:, 0].any():
        raise LabError("No related pair is known: give judged queries, or documents with titles or several sentences.")
    random, shares = np.random.default_rng(seed), np.full(full.n_queries, 1 / full.n_queries)
    chosen, fresh = (
        random.multinomial(size, shares, size=_RESAMPLES).astype(np.float64)
        for size in (full.n_queries, max(1, round(_FRESH * full.n_queries)))
    )
    wanted, curves = at_full.at(place, chosen), cut.everywhere(chosen)

    def answer(rule: str) -> TranslatedCutoff:
        """The cut-off that keeps the same by one rule, with its interval."""
        best = int(_places(rule, place, whole, cut.everywhere(everyone))[0])
        if best == _NOTHING:
            return TranslatedCutoff(rule, None, None, None, None)
        places = _places(rule, place, wanted, curves)
        samples = np.flatnonzero(places != _NOTHING)
        precisions = cut.at(places[samples], fresh[samples]).precision
        return _answer(rule, best, cut.at(best, everyone), places[samples], precisions)

    return Translations(_rates(whole), answer(UNCHANGED), answer(EQUAL_PRECISION), answer(EQUAL_RATE))


@dataclass(frozen=True)
class _Passed:
    """What passes a cut-off in every sample: pairs that pass and all pairs, related and unrelated, float64."""

    related: _Floats
    unrelated: _Floats
    all_related: _Floats
    all_unrelated: _Floats

    @property
    def precision(self) -> _Floats:
        """Share of related pairs among those that pass, NaN where none passes."""
        passing = self.related + self.unrelated
        return np.divide(self.related, passing, out=np.full(passing.shape, np.nan), where=passing > 0)

    @property
    def rate(self) -> _Floats:
        """Share of the unrelated pairs that pass."""
        return np.asarray(self.unrelated / np.maximum(self.all_unrelated, 1), dtype=np.float64)


@dataclass(frozen=True)
class _Passing:
    """Pairs of each query at or above the lower edge of every bin, `(queries, BINS)` float32."""

    related: FloatMatrix
    unrelated: FloatMatrix

    @classmethod
    def of(cls, counts: ScoreCounts) -> _Passing:
        """Counts from each edge upwards."""
        return cls(_from_above(counts.related), _from_above(counts.unrelated))

    def at(self, places: int | NDArray[np.int64], weights: _Floats) -> _Passed:
        """What passes one edge, or an edge of each sample's own, under `(samples, queries)` weights: `(samples,)`."""

        def weighed(counts: FloatMatrix, edges: int | NDArray[np.int64]) -> _Floats:
            """Weighted sums of the counts at the edges."""
            if isinstance(edges, int):
                return np.asarray(weights @ counts[:, edges], dtype=np.float64)
            return np.einsum("sq,qs->s", weights, counts[:, edges], dtype=np.float64)

        sides = self.related, self.unrelated
        return _Passed(*(weighed(side, places) for side in sides), *(weighed(side, 0) for side in sides))

    def everywhere(self, weights: _Floats) -> _Passed:
        """What passes every edge: `(samples, BINS)`."""
        related, unrelated = (
            (weights.astype(np.float32) @ side).astype(np.float64) for side in (self.related, self.unrelated)
        )
        return _Passed(related, unrelated, related[:, :1], unrelated[:, :1])


def _from_above(counts: FloatMatrix) -> FloatMatrix:
    return np.ascontiguousarray(np.cumsum(counts[:, ::-1], axis=1, dtype=np.float32)[:, ::-1])


def _places(rule: str, place: int, wanted: _Passed, curves: _Passed) -> NDArray[np.int64]:
    """The bin of the translated cut-off in every sample, -1 if there is none."""
    if rule == UNCHANGED:
        return np.full(len(curves.related), place, dtype=np.int64)
    if rule == EQUAL_RATE:
        fits = curves.rate <= wanted.rate[:, None] * (1 + _ROUNDING)
    else:
        with np.errstate(invalid="ignore"):
            fits = curves.precision >= wanted.precision[:, None] * (1 - _ROUNDING)
    return np.where(fits.any(axis=1), fits.argmax(axis=1), _NOTHING)


def _answer(rule: str, place: int, passed: _Passed, places: NDArray[np.int64], precisions: _Floats) -> TranslatedCutoff:
    cutoff, rates = edge_of(place), _rates(passed)
    known = precisions[np.isfinite(precisions)]
    return TranslatedCutoff(
        rule,
        cutoff,
        Interval(cutoff, *_bounds(np.asarray(-1 + 2 * places / BINS))) if len(places) else None,
        rates,
        Interval(rates.precision, *_bounds(known)) if rates.precision is not None and len(known) else None,
    )


def _bounds(values: _Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def _rates(passed: _Passed) -> PassRates:
    precision = float(passed.precision[0])
    related = float(passed.related[0] / max(1.0, passed.all_related[0]))
    return PassRates(precision if math.isfinite(precision) else None, related, float(passed.rate[0]))
