"""The linear map over the base model's vectors of the pairs."""

from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from training.config import ObjectiveConfig
from training.fit.linear import PairVectors, fit_map

D, N = 16, 128


def drawn(seed: int, rows: int = N) -> FloatMatrix:
    return np.random.default_rng(seed).standard_normal((rows, D)).astype(np.float32)


def first_hits(queries: FloatMatrix, positives: FloatMatrix, matrix: FloatMatrix, dim: int) -> float:
    cosines = normalise((queries @ matrix)[:, :dim]) @ normalise((positives @ matrix)[:, :dim]).T
    return float((cosines.argmax(axis=1) == np.arange(len(queries))).mean())


@pytest.mark.parametrize("negatives", [0, N], ids=["batch alone", "hard negatives"])
def test_a_map_lifts_prefixes_and_the_full_length_with_hard_negatives_and_without(negatives: int) -> None:
    meaning, noise = drawn(0), np.repeat([1.0, 0.3], 8).astype(np.float32)[None]
    queries, positives = normalise(meaning + drawn(1) * noise), normalise(meaning + drawn(2) * noise)
    vectors = PairVectors(queries, positives, np.roll(positives, 1, axis=0)[:negatives], normalise(drawn(3)))
    objective = ObjectiveConfig(dims=(8, D), distillation_weight=0.1)
    start = np.eye(D, dtype=np.float32)
    trained = fit_map(start, vectors, objective, steps=150, seed=1)
    assert first_hits(queries, positives, trained, D) > first_hits(queries, positives, start, D)
    assert first_hits(queries, positives, trained, 8) > first_hits(queries, positives, start, 8)
