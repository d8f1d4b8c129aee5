"""How unsure a short ranking is: by a calibrated classifier on its scores, or by its margin alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix
from mrl_demo.gating.ladder import Ladder

#: A ranking is worse than the full one if it is worth so much less.
WORSE_BY = 1e-6
_FOLDS = 3


def classifier_signals(fitting: Ladder, testing: Ladder) -> tuple[FloatMatrix, FloatMatrix]:
    """Probabilities `(queries, rungs - 1)` that the full length ranks a query better than each shorter rung.

    Logistic regression on the ranking's scores, calibrated by Platt's method (scikit-learn), one for each rung, fitted
    on the first ladder. Those of the fitting queries are cross-validated: each comes from a model that did not see it.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # The matrices are tiny: threads would only wait for each other.
        columns = [_rung_signal(fitting, testing, rung) for rung in range(len(fitting.dims) - 1)]
    own, others = zip(*columns, strict=True)
    return np.stack(own, axis=1), np.stack(others, axis=1)


def margin_signals(fitting: Ladder, testing: Ladder) -> tuple[FloatMatrix, FloatMatrix]:
    """The same by the margin between the first two scores: the share of fitting queries with a larger one."""
    own: list[NDArray[np.float64]] = []
    others: list[NDArray[np.float64]] = []
    for rung in range(len(fitting.dims) - 1):
        known = np.sort(fitting.margins[:, rung])
        for ladder, columns in ((fitting, own), (testing, others)):
            columns.append(1 - np.searchsorted(known, ladder.margins[:, rung], "right") / len(known))
    return np.stack(own, axis=1).astype(np.float32), np.stack(others, axis=1).astype(np.float32)


def _rung_signal(fitting: Ladder, testing: Ladder, rung: int) -> tuple[FloatMatrix, FloatMatrix]:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    is_better = fitting.values[:, -1] > fitting.values[:, rung] + WORSE_BY
    fewest = min(int(is_better.sum()), int((~is_better).sum()))
    if fewest < 2 * _FOLDS:  # Too few of one kind to learn anything: everybody gets the share.
        share = np.float32(is_better.mean())
        return np.full(len(is_better), share, np.float32), np.full(len(testing.values), share, np.float32)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    model = _make_model()
    own = cross_val_predict(model, fitting.features[:, rung], is_better, cv=folds, method="predict_proba")[:, 1]
    model.fit(fitting.features[:, rung], is_better)
    others = model.predict_proba(testing.features[:, rung])[:, 1]
    return own.astype(np.float32), others.astype(np.float32)


def _make_model() -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky"))
    return CalibratedClassifierCV(regression, method="sigmoid", cv=_FOLDS)
