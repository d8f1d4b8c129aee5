"""Funnels, proofs and the cheapest cascade measured on a small collection, and what bad input is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.judging.ranked import MeasuredArm, QueryDraw, load_measured
from mrl_demo.funnels.cheapest import find_cheapest
from mrl_demo.funnels.measure import measure_funnel
from mrl_demo.funnels.proof import measure_proof
from mrl_demo.lab.lab import Lab
from mrl_demo.search.cascade import parse_cascade
from tests.evaluation.word_world import word_corpus

Make = Callable[..., SpaceBuilder]


@pytest.fixture
def measured(make_builder: Make) -> MeasuredArm:
    return load_measured(make_builder(), word_corpus(300), "base", QueryDraw())


def test_a_funnel_that_drops_nothing_keeps_everything(measured: MeasuredArm) -> None:
    report = measure_funnel(measured, "words", parse_cascade("4:300,48:300", 48), "ndcg@10")
    assert report.agreement.value == 1 and report.proven == 1
    assert report.difference is not None and report.difference.value == pytest.approx(0, abs=1e-6)
    assert sum(stage.answers_lost for stage in report.stages) == 0


def test_a_narrow_funnel_says_where_it_lost_what(measured: MeasuredArm) -> None:
    report = measure_funnel(measured, "words", parse_cascade("binary@4:20,48:10", 48), "ndcg@10")
    first, last = report.stages
    assert (first.entering, first.leaving, last.leaving) == (300, 20, 10)
    assert last.answers_entering == first.answers_entering - first.answers_lost
    assert report.agreement.value < 1 and first.answers_lost > 0 and first.examples[0].query
    assert report.quality is not None and report.exact_quality is not None and report.difference is not None
    assert report.difference.value == pytest.approx(report.quality.value - report.exact_quality.value, abs=1e-6)
    assert report.proven == 0  # Of what codes drop nothing is known.
    assert report.bytes_read == 300 + 20 * 48 * 4 and report.exact_bytes_read == 300 * 48 * 4
    told = json.loads(json.dumps(report.to_dict()))
    assert told["sentence"] == report.sentence() and "agreement" in told["sentence"]


def test_the_cheapest_cascade_reads_less_the_less_it_must_keep(measured: MeasuredArm) -> None:
    much, little = (find_cheapest(measured, keep, "ndcg@10") for keep in (0.999, 0.5))
    assert little.best is not None and little.best.lower >= 0.5
    assert much.best is None or much.best.bytes_read >= little.best.bytes_read
    assert [option.bytes_read for option in much.options] == sorted(option.bytes_read for option in much.options)


def test_a_proof_is_always_right_and_few_queries_calibrate_nothing(measured: MeasuredArm) -> None:
    report = measure_proof(measured, "words", dims=(8, 16, 32))
    assert report.proof.right == 1 and report.proof.settled[-1] == 1
    assert report.scale == 1 and "too few to calibrate" in report.sentence()
    assert report.calibrated.numbers_read <= 48


def test_unjudged_queries_are_measured_by_agreement(make_builder: Make) -> None:
    corpus = replace(word_corpus(120), judgements={})
    unjudged = load_measured(make_builder(), corpus, "base", QueryDraw())
    report = measure_funnel(unjudged, "words", parse_cascade("8:40,48:10", 48), "ndcg@10")
    assert report.quality is None and 0 < report.agreement.value <= 1
    assert find_cheapest(unjudged, 0.9, "ndcg@10").measure == "agreement"


def test_an_own_collection_without_queries_and_bad_input_in_a_lab(lab: Lab, tmp_path: Path) -> None:
    rows = [f"Title of {i} things,Text of {i} and {i * 7} words" for i in range(60)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["title,text", *rows]), encoding="utf-8")
    name = lab.add_corpus(path)
    assert lab.funnel(name, "tiny", "8:30,full:10").stand_ins == "titles"
    assert lab.funnel("fruit", "tiny", "").n_queries == 2  # Five documents: all of them come out.
    for stages, says in (
        ("16:30,8:10", "Stage 2 reads 8"),
        ("8:30,64:10", "from 1 to 32"),
        ("8:5", "fewer than the 10"),
    ):
        with pytest.raises(LabError, match=says):
            lab.funnel(name, "tiny", stages)
    with pytest.raises(LabError, match="keep is 1"):
        lab.cheapest_funnel(name, "tiny", 1.2)
    with pytest.raises(LabError, match="'bm25' has no vectors"):
        lab.funnel(name, "bm25", "")
    with pytest.raises(LabError, match="no metric 'precision@5'"):
        lab.funnel_proof(name, "tiny", QueryDraw(metric="precision@5"))


def test_texts_are_cut_as_the_sweep_cuts_them(make_builder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    builder, limits = make_builder(), list[int]()
    monkeypatch.setattr(builder, "with_token_limit", lambda arm, limit: limits.append(limit) or arm)
    load_measured(builder, word_corpus(60), "base", QueryDraw(max_tokens=64))
    assert limits == [64]
    with pytest.raises(LabError, match="max_tokens is -1"):
        QueryDraw(max_tokens=-1)
