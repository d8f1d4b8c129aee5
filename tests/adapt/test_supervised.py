"""A head from judged pairs: kept when unseen questions gain by it, refused when labels say nothing, saved and read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.adapt import supervised
from mrl_demo.adapt.judged import JudgedPairs
from mrl_demo.adapt.kept import load_fitted
from mrl_demo.adapt.rotation import AdaptError, fit_pca
from mrl_demo.adapt.supervised import SupervisedMap, fit_supervised
from mrl_demo.core.config import find_assets
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise


def world(seed: int = 0, questions: int = 200) -> tuple[FloatMatrix, FloatMatrix]:
    """Documents, and questions about the first of them: only the quiet half of the numbers says which is meant."""
    random = np.random.default_rng(seed)
    documents = random.normal(size=(250, 24)) * np.repeat([2.0, 1.0], [12, 12])
    asked = documents[:questions] + 0.4 * random.normal(size=(questions, 24))
    asked[:, :12] = 2 * random.normal(size=(questions, 12))
    return normalise(documents.astype(np.float32)), normalise(asked.astype(np.float32))


def pairs_of(answers: np.ndarray) -> np.ndarray:
    return np.stack([np.arange(len(answers)), answers], axis=1).astype(np.int64)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "_RATE", 3e-3)


def test_a_head_that_helps_unseen_questions_is_kept_and_comes_back_from_its_file(tmp_path: Path) -> None:
    documents, asked = world()
    head = fit_supervised(JudgedPairs(asked, documents, pairs_of(np.arange(200))))
    assert not head.is_refused
    assert head.gain > head.surely > 0
    path = tmp_path / "head.safetensors"
    head.save(path, key="mine")
    loaded = load_fitted(path, "mine", 24)
    assert isinstance(loaded, SupervisedMap)
    assert np.array_equal(loaded.apply(asked), head.apply(asked))


def test_labels_that_say_nothing_are_refused_and_leave_the_principal_axes() -> None:
    documents, asked = world()
    random = np.random.default_rng(3).integers(250, size=60)
    head = fit_supervised(JudgedPairs(asked[:60], documents, pairs_of(random)))
    assert head.is_refused
    assert head.surely <= 0
    assert np.allclose(head.apply(documents), fit_pca(documents).apply(documents), atol=1e-6)


def test_nine_questions_are_too_few() -> None:
    documents, asked = world()
    with pytest.raises(AdaptError, match="9 judged questions are too few"):
        fit_supervised(JudgedPairs(asked[:9], documents, pairs_of(np.arange(9))))


def test_no_shipped_figure_of_a_head_lies_surely_below_the_frozen_arm() -> None:
    """From 20 to 2,000 judged questions: what dev/family_labels.py measured and docs/family.md shows."""
    rows = json.loads((find_assets() / "results" / "family.json").read_text(encoding="utf-8"))["judged"]
    assert {row["questions"] for row in rows} == {20, 100, 500, 2_000}
    figures = [row[dim] for row in rows for dim in row if dim.isdigit()]
    assert len(figures) == 6 * len(rows) and all(high >= 0 for _, _, high in figures)
    assert all(value == 0 for row in rows if row["is_refused"] for dim in row if dim.isdigit() for value in row[dim])
