"""The section on classification, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mrl_demo.evaluation.stats import verdict_of
from mrl_demo.evaluation.sweeps.results import ClassTask, DifferenceRow, SweepArm, SweepResult, SweepRow
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves import words as curves_words
from mrl_demo.ui.curves.classes import draw_classes
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import SHARE, Choice, CurvesState, Seen, metric_label, unit_label
from mrl_demo.ui.ids import Id
from tests.ui.samples import NASTY, StubLab

DIMS = (8, 64, 128, 384)
VALUES = {"base": (0.2, 0.4, 0.5, 0.6), "tuned": (0.3, 0.592, 0.602, 0.6)}
ACCURACY = "accuracy@domain"
CHOICE = Choice("builtin", metric=ACCURACY, arms=("base", "tuned", "bm25"))


def classified(metric: str = ACCURACY) -> SweepResult:
    """Accuracies of two arms, with differences from full length as the sweep gives them."""
    rows, differences = [], []
    for arm, values in VALUES.items():
        for dim, value in zip(DIMS, values, strict=True):
            rows.append(SweepRow(arm, dim, "float32", metric, value, value - 0.03, value + 0.03, 720))
            gain = value - values[-1]
            verdict = verdict_of(gain, gain - 0.02, gain + 0.02, 0.001 if abs(gain) > 0.02 else 0.5)
            if dim != DIMS[-1]:
                bounds = (gain, gain - 0.02, gain + 0.02, 0.001, 0.001)
                differences.append(DifferenceRow(arm, dim, "float32", metric, "full", *bounds, verdict))
    return SweepResult(
        corpus="builtin",
        hardware="A machine",
        date="2026-11-21T12:00:00+00:00",
        seconds=1.0,
        n_queries=0,
        n_documents=2400,
        arms=(SweepArm("base", "Base, cut", 384), SweepArm("tuned", NASTY, 384), SweepArm("bm25", "BM25", None)),
        rows=tuple(rows),
        full=tuple(row for row in rows if row.dim == 384),
        differences=tuple(differences),
        tasks=(ClassTask(metric, 10, 1680, 720, 0.12, "topic"),) if "accuracy" in metric else (),
    )


def figures(metric: str = ACCURACY) -> Figures:
    return Figures.of(CurveSet(classified(metric)))


def test_the_sentence_says_how_few_numbers_do_as_well_as_all_and_what_was_asked() -> None:
    words = curves_words.classes_headline(figures(), CHOICE)
    assert "does as well with 64 of its 384 numbers as with all (0.592 [0.562, 0.622] against 0.600" in words
    assert "-0.008 [-0.028, +0.012]" in words
    assert "<b>Base, cut</b> needs all its 384 numbers (0.600 [0.570, 0.630]); with 128: 0.500" in words
    assert "<script>" not in words
    task = curves_words.task_words(figures(), ACCURACY)
    assert "10 classes learned from 1,680 texts and asked of 720 others, of topics the classifier never saw" in task
    assert "always naming the commonest class gives 0.120" in task
    assert "Choose a method" in curves_words.classes_headline(figures(), replace(CHOICE, arms=("bm25",)))


def test_a_small_difference_at_a_longer_length_does_not_hide_a_loss_at_a_shorter_one() -> None:
    words = str(curves_words.classes_headline(figures(), replace(CHOICE, arms=("tuned",))))
    assert "with 64 of its 384" in words and "with 8 of" not in words


def test_the_chart_has_a_line_for_guessing_and_the_table_counts_texts() -> None:
    chart = curves_view.classes_chart(figures(), CHOICE)
    assert "always the commonest class" in {trace.name for trace in chart.data}
    assert "queries" not in str([trace.customdata for trace in chart.data])
    shares = curves_view.classes_chart(figures(), replace(CHOICE, scale=SHARE))
    assert "always the commonest class" not in {trace.name for trace in shares.data}
    assert "720 held-out texts" in curves_view.quality_table(figures(), CHOICE)


def test_few_texts_are_said_to_be_few() -> None:
    few = replace(classified(), tasks=(ClassTask(ACCURACY, 3, 63, 27, 0.3),))
    assert "do not show differences under 11%" in curves_words.task_words(Figures.of(CurveSet(few)), ACCURACY)
    assert "So few" not in curves_words.task_words(figures(), ACCURACY)


def test_scored_pairs_are_told_as_correlations_without_a_verdict() -> None:
    bare = Figures.of(CurveSet(replace(classified("spearman"), differences=())))
    words = curves_words.classes_headline(bare, replace(CHOICE, metric="spearman", arms=("base",)))
    assert "has 0.400 [0.370, 0.430] with 64 of its 384 numbers and 0.600 [0.570, 0.630] with all" in words
    assert "needs all" not in words
    task = curves_words.task_words(figures("spearman"), "spearman")
    assert "Rank correlation of the cosine with the scores of 720 pairs" in task


@pytest.mark.parametrize(
    ("metric", "label", "unit"),
    [
        (ACCURACY, "Domains: accuracy of a linear classifier", "held-out texts"),
        ("knn-macro-f1@topic", "Topics: macro-F1 of 5 nearest neighbours", "held-out texts"),
        ("accuracy", "Labels: accuracy of a linear classifier", "held-out texts"),
        ("spearman", "Similarity of scored pairs (Spearman)", "scored pairs"),
        ("ndcg@10", "nDCG@10", "queries"),
    ],
)
def test_every_metric_has_a_label_and_a_unit(metric: str, label: str, unit: str) -> None:
    assert (metric_label(metric), unit_label(metric)) == (label, unit)


def test_a_collection_without_labels_says_what_would_give_them() -> None:
    results = Results(CurvesService(StubLab()))
    bare = replace(classified(), rows=(), full=(), differences=(), tasks=())
    nothing, measured = (Seen({"own": CurveSet(sweep)}) for sweep in (bare, classified()))
    says = [
        str(draw_classes(results, CurvesState(Choice("own", class_arms=CHOICE.arms), seen))[Id.CURVES_CLASSES_WORDS])
        for seen in (Seen(), nothing, measured)
    ]
    assert "Nothing is measured" in says[0]
    assert "has no labels and no scored pairs" in says[1]
    assert "does as well with 64" in says[2]
    assert results.task(CurvesState(Choice("own", task="accuracy@topic"), measured)) == ACCURACY


def test_without_queries_the_quality_section_points_to_classification() -> None:
    words = curves_words.headline(figures(), replace(CHOICE, metric="ndcg@10"))
    assert "nDCG@10 was not measured on this collection." in words and "see Classification" in words
