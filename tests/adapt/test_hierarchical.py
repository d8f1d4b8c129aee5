"""A rotation by labels: domains in the first numbers, topics in the next, every cosine kept at full length."""

from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.adapt.hierarchical import fit_hierarchical
from mrl_demo.adapt.rotation import AdaptError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import normalise, truncate


def world(seed: int = 0) -> tuple[FloatMatrix, IntMatrix, IntMatrix]:
    """400 vectors of 48 numbers: four domains of four topics, both fainter than noise that says nothing."""
    random = np.random.default_rng(seed)
    topics = random.integers(16, size=400)
    rows = random.normal(size=(400, 48)) * np.repeat([3.0, 1.0], [16, 32])
    rows[:, 16:] += 1.5 * random.normal(size=(4, 32))[topics // 4] + 1.5 * random.normal(size=(16, 32))[topics]
    return normalise(rows.astype(np.float32)), topics // 4, topics


def nearest_mean(rows: FloatMatrix, classes: IntMatrix, taught: slice, asked: slice) -> float:
    means = normalise(np.stack([rows[taught][classes[taught] == name].mean(0) for name in range(classes.max() + 1)]))
    return float(((rows[asked] @ means.T).argmax(1) == classes[asked]).mean())


def test_documents_it_never_saw_are_told_apart_coarse_first_and_full_cosines_stay() -> None:
    vectors, domains, topics = world()
    half, rest = slice(0, 200), slice(200, 400)
    levels = [np.where(np.arange(400) < 200, classes, -1) for classes in (domains, topics)]
    rotation = fit_hierarchical(vectors, levels)
    turned = rotation.apply(vectors)
    assert np.allclose(turned @ turned.T, vectors @ vectors.T, atol=1e-4)
    for classes, dim in ((domains, 6), (topics, 24)):
        cut = [truncate(rows, dim) for rows in (turned, vectors)]
        ordered, plain = (nearest_mean(rows, classes, half, rest) for rows in cut)
        assert ordered > plain + 0.2


def test_one_level_will_do_and_what_teaches_nothing_is_refused() -> None:
    vectors, _, topics = world()
    assert fit_hierarchical(vectors, [topics]).dimension == 48
    with pytest.raises(AdaptError, match="0 levels"):
        fit_hierarchical(vectors, [])
    with pytest.raises(AdaptError, match="1 class among 400"):
        fit_hierarchical(vectors, [np.zeros(400, np.int64)])
    with pytest.raises(AdaptError, match="vectors are zero"):
        fit_hierarchical(np.vstack([vectors, np.zeros((1, 48), np.float32)]), [np.append(topics, 0)])
