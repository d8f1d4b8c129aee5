"""Shares kept of many settings at once, with lower bounds that hold for all of them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.stats import LEVEL, PairedBootstrap


@dataclass(frozen=True)
class SharesKept:
    """Estimates `(settings,)` of mean value over mean reference, their standard errors, and simultaneous lower bounds.

    The bounds are one-sided 95% bounds for all settings together (max-t over paired resamples, Romano and Wolf 2005,
    "Stepwise multiple testing as formalized data snooping"): whichever setting is chosen after looking at all of them,
    its bound still holds. `width` is how many standard errors the bounds lie below the estimates.
    """

    estimates: NDArray[np.float64]
    errors: NDArray[np.float64]
    lower: NDArray[np.float64]
    width: float


def bound_shares(values: FloatMatrix, reference: FloatMatrix, bootstrap: PairedBootstrap) -> SharesKept:
    """Bound the shares that the columns of `(queries, settings)` values keep of the `(queries,)` reference's mean.

    >>> bootstrap = PairedBootstrap(200)
    >>> reference = np.ones(200, np.float32)
    >>> bound_shares(np.stack([reference, reference / 2], axis=1), reference, bootstrap).estimates.tolist()
    [1.0, 0.5]
    """
    whole = bootstrap.means(reference[:, None])
    resampled = bootstrap.means(values) / np.maximum(whole, 1e-12)
    estimates = values.mean(axis=0, dtype=np.float64) / max(float(reference.mean(dtype=np.float64)), 1e-12)
    errors = resampled.std(axis=0, ddof=1)
    moving = errors > 1e-12
    if not moving.any():
        return SharesKept(estimates, errors, estimates, 0.0)
    excess = (resampled[:, moving] - estimates[moving]) / errors[moving]
    small_sample = np.sqrt(bootstrap.n_queries / max(1, bootstrap.n_queries - 1))
    width = float(np.quantile(excess.max(axis=1), LEVEL) * small_sample)
    return SharesKept(estimates, errors, estimates - width * errors, width)
