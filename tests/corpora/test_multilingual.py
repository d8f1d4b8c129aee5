"""The multilingual collection is whole and parallel, and quality is told by language."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo import cli
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.corpora.multilingual import LANGUAGES, NAME, load_multilingual
from mrl_demo.evaluation.plan import SweepPlan
from mrl_demo.evaluation.query_groups import rows_by_group
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.state import SHARE, Choice
from mrl_demo.ui.curves.view import group_tables
from tests.conftest import HashingEncoder

CORPUS = load_multilingual(Settings().assets_dir)


def test_every_topic_is_there_in_every_language_with_a_question_of_its_own() -> None:
    assert Counter(document.domain for document in CORPUS.documents) == dict.fromkeys(LANGUAGES.values(), 40)
    assert len({document.text for document in CORPUS.documents}) == 200
    assert len({query.text for query in CORPUS.queries}) == 200
    for query, own in zip(CORPUS.queries, CORPUS.documents, strict=True):
        judged = CORPUS.judgements[query.id]
        assert sorted(judged.values()) == [1, 1, 1, 1, 2]
        assert judged[own.id] == 2
        assert dict(query.fields)["language"] == own.domain


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(replace(Settings(), cache_dir=tmp_path))
    made.encoders.add("minilm", HashingEncoder())
    return made


def test_figures_by_language_average_to_the_figure_of_all(lab: Lab) -> None:
    sweep = lab.evaluate(NAME, SweepPlan(arms=("base",), dims=(8, 32), metrics=("ndcg@10",)))
    rows = rows_by_group(sweep, CORPUS.queries, "language")
    assert {row.group for row in rows} == set(LANGUAGES.values())
    for whole in sweep.rows:
        own = [row for row in rows if row.dim == whole.dim]
        assert np.mean([row.value for row in own]) == pytest.approx(whole.value, abs=1e-5)
        assert all(row.low <= row.value <= row.high and row.n_queries == 40 for row in own)
    with pytest.raises(LabError, match="no groups by 'colour': choose one of language"):
        rows_by_group(sweep, CORPUS.queries, "colour")


def test_the_curves_keep_groups_in_their_file(lab: Lab) -> None:
    curves = CurvesService(lab).measure(NAME, arms=["base"], precisions=["float32"])
    assert {row.group for row in curves.groups} == set(LANGUAGES.values())
    assert CurveSet.from_json(curves.to_json()).groups == curves.groups
    choice = Choice(NAME, arms=("base",))
    table = group_tables(Figures.of(curves), choice)
    assert "by language, up to 40 queries each" in table
    assert all(f"{name}</bdi>: Ordinary model" in table for name in LANGUAGES.values())
    assert not group_tables(Figures.of(curves), replace(choice, scale=SHARE))


def test_the_command_line_tells_each_language(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("mrl_demo.lab.lab.Lab", lambda _settings: lab)
    command = ["evaluate", "--cache-dir", str(tmp_path), "--corpus", NAME, "--arms", "base", "--dims", "8"]
    assert cli.main([*command, "--metrics", "ndcg@10", "--by", "language", "--json"]) == 0
    assert {row["group"] for row in json.loads(capsys.readouterr().out)["groups"]} == set(LANGUAGES.values())
    assert cli.main([*command, "--by", "colour"]) == 2
    assert "choose one of language" in capsys.readouterr().err


def test_examples_are_in_several_languages(lab: Lab) -> None:
    assert {example.shows for example in lab.examples(NAME)} == set(LANGUAGES.values())
