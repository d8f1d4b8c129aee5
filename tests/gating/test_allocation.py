"""Lengths per query: the gate against its rivals on data whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.judging.ranked import QueryDraw, load_measured
from mrl_demo.gating.allocation import GateQuestion, choose_rungs, measure_gate
from mrl_demo.gating.ladder import Ladder
from mrl_demo.gating.signals import classifier_signals, margin_signals
from mrl_demo.lab.lab import Lab
from tests.evaluation.word_world import word_corpus

Make = Callable[..., SpaceBuilder]


def ladder(n: int = 400, seed: int = 0) -> Ladder:
    """Half of the queries need the full length, and one feature says which."""
    random = np.random.default_rng(seed)
    needs = random.random(n) < 0.5
    values = np.stack([np.where(needs, 0.2, 1.0), np.ones(n)], axis=1).astype(np.float32)
    features = random.standard_normal((n, 2, 3)).astype(np.float32)
    features[:, :, 1] += 3 * needs[:, None]
    return Ladder((16, 64), values, features, random.random((n, 2)).astype(np.float32), (0.1, 0.2))


def test_the_classifier_finds_what_the_margin_cannot() -> None:
    fitting, testing = ladder(), ladder(seed=1)
    needs = testing.values[:, 0] < 1
    (_, by_class), (_, by_margin) = classifier_signals(fitting, testing), margin_signals(fitting, testing)
    assert ((by_class[:, 0] > 0.5) == needs).mean() > 0.85
    assert abs(((by_margin[:, 0] > 0.5) == needs).mean() - 0.5) < 0.1
    assert abs(by_class.mean() - needs.mean()) < 0.07  # Calibrated.


def test_too_few_of_a_kind_give_everybody_the_share() -> None:
    fitting = ladder()
    same = Ladder(fitting.dims, np.ones_like(fitting.values), fitting.features, fitting.margins, fitting.ms)
    own, others = classifier_signals(same, same)
    assert not own.any() and not others.any()


def test_a_query_stops_at_the_first_rung_that_is_sure() -> None:
    signals = np.array([[0.1, 0.0], [0.9, 0.2], [0.9, 0.8]], np.float32)
    assert choose_rungs(signals, 0.5).tolist() == [0, 1, 2]
    assert choose_rungs(signals, -1).tolist() == [2, 2, 2]


def test_all_ways_to_choose_on_the_same_queries(make_builder: Make) -> None:
    measured = load_measured(make_builder(), word_corpus(300), "base", QueryDraw(queries=0))
    report = measure_gate(measured, "words", GateQuestion((4, 8, 16), 0.9, 40, load=0.0, budget_ms=1e9), "ndcg@10")
    assert report.n_fit + report.n_test == len(measured.judged.queries)
    assert [point.mean_length for point in report.fixed] == [4, 8, 16, 48]
    assert [choice.name for choice in report.choices] == ["gate", "margin", "static", "dynamic", "performance"]
    static, dynamic = report.choice("static"), report.choice("dynamic")
    assert static.point.mean_length == 8 and static.against_fixed.value == pytest.approx(0, abs=1e-6)
    assert dynamic.point == report.fixed[-1] and dynamic.stopped_wrongly == 0
    assert dynamic.went_needlessly > static.went_needlessly  # Much longer, and hardly better for most.
    assert report.gate[0].mean_length <= report.gate[-1].mean_length == 48
    assert report.to_dict()["sentence"] == report.sentence()


def test_bad_questions_are_refused(lab: Lab, make_builder: Make) -> None:
    for wrong, says in (
        ({"target": 0.0}, "target is 0.0"),
        ({"load": 1.0}, "load is 1.0"),
        ({"budget_ms": 0.0}, "budget is 0.0 ms"),
    ):
        with pytest.raises(LabError, match=says):
            GateQuestion(**wrong)  # type: ignore[arg-type]
    with pytest.raises(LabError, match="fruit has 2 queries: a gate needs 20"):
        lab.gate("fruit", "tiny", GateQuestion((8,)))
    measured = load_measured(make_builder(), word_corpus(300), "base", QueryDraw(queries=0))
    with pytest.raises(LabError, match="below the full 48"):
        measure_gate(measured, "words", GateQuestion((48,)), "ndcg@10")
    with pytest.raises(LabError, match="budget of 8 bytes"):
        measure_gate(measured, "words", GateQuestion((4, 8), bytes_a_vector=8), "ndcg@10")
