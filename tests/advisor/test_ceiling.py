"""The ceiling: three fits over the same queries, the last on labels it is not scored by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mrl_demo.adapt import AdaptError, Rotation
from mrl_demo.adapt.judged import JudgedPairs, fit_judged
from mrl_demo.advisor.ceiling import CORPUS, ELSEWHERE, JUDGED, measure_ceiling
from mrl_demo.advisor.consult import consult
from mrl_demo.advisor.recommend import Advice, advice_plan
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.core.vectors import normalise
from tests.evaluation.word_world import WordEncoder, word_corpus

Make = Callable[..., SpaceBuilder]


def test_labels_find_the_directions_that_matter() -> None:
    generator = np.random.default_rng(0)
    meaning = generator.normal(size=(300, 8))
    noise = generator.normal(size=(2, 300, 24)) * 2  # Larger than what a query and its answer share.
    queries, documents = (normalise(np.hstack([part, meaning]).astype(np.float32)) for part in noise)
    pairs = np.stack([np.arange(200), np.arange(200)], axis=1)
    start = Rotation(np.eye(32, dtype=np.float32), "pca")
    fitted = fit_judged(JudgedPairs(queries, documents, pairs), start)

    def found(rotation: Rotation) -> float:
        short = [normalise(rotation.apply(rows)[:, :8]) for rows in (queries[200:], documents)]
        return float(np.mean((short[0] @ short[1].T).argmax(axis=1) == np.arange(200, 300)))

    assert found(fitted) > found(start) + 0.3  # On queries that no pair named.
    assert fitted.kind == "judged" and fitted.orthogonality_error < 1e-3
    with pytest.raises(AdaptError, match="3 judged pairs are too few"):
        fit_judged(JudgedPairs(queries, documents, pairs[:3]), start)


def test_three_curves_share_queries_and_end_at_the_whole(make_builder: Make) -> None:
    corpus, advice = word_corpus(n_documents=150, n_queries=100), Advice(reference="words")
    builder = make_builder(words=WordEncoder())
    consultation = consult(builder, corpus, advice, advice_plan(advice, ["words"], dims=(8, 16, 48)))
    ceiling = measure_ceiling(builder, consultation)
    assert [curve.kind for curve in ceiling.curves] == [ELSEWHERE, CORPUS, JUDGED]
    for curve in ceiling.curves:
        assert [point.dim for point in curve.points] == [8, 16, 48]
        assert curve.points[-1].share == pytest.approx(1, abs=1e-3)  # A rotation changes no full cosine.
        assert all(point.low <= point.share <= point.high for point in curve.points)
    assert "cross-validated" in ceiling.sentence() and ceiling.n_queries == 100
    unjudged = replace(consultation, recommendation=replace(consultation.recommendation, kind="agreement"))
    with pytest.raises(LabError, match="no ceiling"):
        measure_ceiling(builder, unjudged)
