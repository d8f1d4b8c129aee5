from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora.labels.split import labelled_rows, labels_of
from mrl_demo.evaluation.probes import (
    ProbeMetric,
    _counts,
    _f1,
    classification_by_dimension,
    parse_probe_metric,
    spearman_by_dimension,
)
from tests.evaluation.word_world import word_corpus


def test_spearman_falls_with_the_dimension_and_ends_at_the_whole() -> None:
    generator = np.random.default_rng(0)
    first = normalise(generator.normal(size=(300, 32)).astype(np.float32))
    mixed = generator.random((300, 1)).astype(np.float32)
    second = normalise(mixed * first + (1 - mixed) * normalise(generator.normal(size=(300, 32)).astype(np.float32)))
    scores = np.einsum("nd,nd->n", first, second) ** 3  # any rising function of the full cosine
    short, whole = spearman_by_dimension(first, second, scores, (4, 32))
    assert whole.value == pytest.approx(1) and whole.low == pytest.approx(1)
    assert 0 < short.low < short.value < short.high < 1
    assert (short.probe, short.metric, short.n) == ("pairs", "spearman", 300)


@pytest.mark.parametrize("scores", [[1.0] * 10, [1.0] * 9, [1.0, np.nan] * 5])
def test_pairs_that_cannot_be_scored(scores: list[float]) -> None:
    vectors = np.eye(10, dtype=np.float32)
    with pytest.raises(LabError, match="pairs"):
        spearman_by_dimension(vectors, vectors, scores, (4,))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 6))
def test_macro_f1_equals_scikit_learn(seed: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    truth, predicted = generator.integers(classes, size=(2, 40))
    ours = _f1(_counts(truth, predicted).mean(axis=0)[None])[0]
    assert ours == pytest.approx(f1_score(truth, predicted, average="macro", zero_division=0))


def test_classes_are_found_again_where_the_prefix_holds_them() -> None:
    """Two numbers tell three classes apart; the third and fourth are noise, the first of all alone is not enough."""
    generator = np.random.default_rng(1)
    labels = generator.integers(3, size=400)
    angles = labels * 2 * np.pi / 3 + 0.1 * generator.normal(size=400)
    vectors = np.stack([np.cos(angles), np.sin(angles), *(0.2 * generator.normal(size=(2, 400)))], axis=1)
    rows = labelled_rows([f"class {label}" for label in labels])
    found = {(r.probe, r.metric, r.dim): r for r in classification_by_dimension(normalise(vectors), rows, (1, 2, 4))}
    for probe in ("logistic", "knn"):
        for metric in ("accuracy", "macro-f1"):
            assert found[probe, metric, 2].value > 0.98
            assert found[probe, metric, 1].value < 0.9
            for row in found.values():
                assert row.low <= row.value + 1e-9 and row.value <= row.high + 1e-9 and row.n == 120


def test_groups_stay_together_and_unlabelled_texts_out() -> None:
    labels = ["a", "b", ""] * 40
    groups = [f"topic {i // 6}" for i in range(120)]
    rows = labelled_rows(labels, groups)
    assert not {groups[i] for i in rows.train} & {groups[i] for i in rows.test}
    assert all(labels[i] for i in np.concatenate([rows.train, rows.test]))
    assert rows.names == ("a", "b") and rows.classes[2] == -1
    assert rows.notes == ("40 of 120 documents have no label: they are not classified.",)


def test_a_label_of_one_text_alone_stops_nobody() -> None:
    rows = labelled_rows(["a"] * 30 + ["b"] * 30 + ["odd"])
    assert rows.names == ("a", "b") and 60 not in {*rows.train, *rows.test}
    assert rows.notes == ("1 documents have a label to themselves ('odd'): they are not classified.",)


def test_labels_that_cannot_be_split() -> None:
    with pytest.raises(CorpusError, match="no labels"):
        labels_of(word_corpus())
    with pytest.raises(CorpusError, match=r"two of 1 classes|cannot be split"):
        labelled_rows(["a"] * 20)
    with pytest.raises(CorpusError, match="cannot be split"):
        labelled_rows(["a", "b"])


def test_few_examples_make_a_classifier_that_more_examples_better() -> None:
    """Ten classes around directions of their own: one noisy example each says less than the mean of ten."""
    generator = np.random.default_rng(2)
    centres, labels = generator.normal(size=(10, 16)), generator.integers(10, size=600)
    vectors = normalise(centres[labels] + 1.2 * generator.normal(size=(600, 16)))
    rows = labelled_rows([f"class {label}" for label in labels])
    probes = ("1-shot", "10-shot", "99-shot")
    found = {row.probe: row for row in classification_by_dimension(vectors, rows, (16,), probes)}
    one, ten, most = (found[probe].value for probe in probes)
    assert 0.2 < one < ten - 0.1 < most
    assert all(row.low < row.value < row.high and row.correct is not None for row in found.values())
    assert {row.metric for row in found.values()} == {"accuracy"}


def test_shots_are_read_from_a_metric_s_name() -> None:
    name = "5-shot-accuracy@topic"
    assert parse_probe_metric(name) == ProbeMetric(name, "accuracy", "5-shot", "topic")
    assert parse_probe_metric("0-shot-accuracy") is None
    assert parse_probe_metric("5-shot-macro-f1") is None
