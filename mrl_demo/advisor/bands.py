"""Shares kept of many settings at once, with bounds that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.stats import LEVEL, PairedBootstrap

_TINY = 1e-12
#: What is said of a share and a target: the bound reaches it, only the estimate may, or not even that.
HOLDS, LIKELY, FAILS = "holds", "too few queries to say", "does not hold"


@dataclass(frozen=True)
class SharesKept:
    """Estimates `(settings,)` of mean value over mean reference, their standard errors, and simultaneous bounds.

    `lower` are one-sided 95% bounds for all settings together (max-t over paired resamples, Romano and Wolf 2005,
    "Stepwise multiple testing as formalized data snooping"): whichever setting is chosen after looking at all of them,
    its bound still holds. `low` and `high` are two-sided ones: in 95% of cases every share lies between its two.
    `width` and `both_width` are how many standard errors `lower`, and `low` and `high`, lie from the estimates; but no
    bound is nearer than `least` `(settings,)`: resamples of queries that were all kept know nothing of those that are
    not, so the chance of losing one may be what n queries without a loss leave open (1 - 0.05 ** (1 / n), about 3 / n).
    """

    estimates: NDArray[np.float64]
    errors: NDArray[np.float64]
    lower: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    width: float
    both_width: float
    least: NDArray[np.float64]

    def with_certain(self, is_reference: Sequence[bool]) -> SharesKept:
        """The same, the reference itself among the settings keeping all of itself for certain."""
        certain = np.asarray(is_reference)
        lower, low, high = (np.where(certain, self.estimates, each) for each in (self.lower, self.low, self.high))
        return replace(self, lower=lower, low=low, high=high, least=np.where(certain, 0.0, self.least))


def bound_shares(values: FloatMatrix, reference: FloatMatrix, bootstrap: PairedBootstrap) -> SharesKept:
    """Bound the shares that the columns of `(queries, settings)` values keep of the reference's mean.

    `reference` is `(queries,)`, or `(queries, settings)` if every column has one of its own.

    >>> bootstrap = PairedBootstrap(200)
    >>> reference = np.ones(200, np.float32)
    >>> bound_shares(np.stack([reference, reference / 2], axis=1), reference, bootstrap).estimates.tolist()
    [1.0, 0.5]
    """
    wholes = reference if reference.ndim == 2 else reference[:, None]
    resampled = bootstrap.means(values) / np.maximum(bootstrap.means(wholes), _TINY)
    estimates = values.mean(axis=0, dtype=np.float64) / np.maximum(wholes.mean(axis=0, dtype=np.float64), _TINY)
    errors = resampled.std(axis=0, ddof=1)
    answered = np.broadcast_to(np.count_nonzero(wholes, axis=0), estimates.shape)
    least = 1 - (1 - LEVEL) ** (1 / np.maximum(1, answered))
    moving = errors > _TINY
    width = both = 0.0
    if moving.any():
        excess = (resampled[:, moving] - estimates[moving]) / errors[moving]
        small_sample = np.sqrt(bootstrap.n_queries / max(1, bootstrap.n_queries - 1))
        width = float(np.quantile(excess.max(axis=1), LEVEL) * small_sample)
        both = float(np.quantile(np.abs(excess).max(axis=1), LEVEL) * small_sample)
    lower, reach = estimates - np.maximum(width * errors, least), np.maximum(both * errors, least)
    return SharesKept(estimates, errors, lower, estimates - reach, estimates + reach, width, both, least)
