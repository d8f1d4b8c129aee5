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
from mrl_demo.corpora.own.beir import write_beir
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.shipped.multilingual import LANGUAGES, NAME, load_multilingual
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.query_groups import rows_by_group
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.groups import GroupsView
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
    view = GroupsView(Figures.of(curves), "base", "ndcg@10", "language")
    table = view.table()
    assert "by language, up to 40 queries each" in table
    assert all(f"{name}</bdi>: Ordinary model" in table for name in LANGUAGES.values())
    named = {trace.name for trace in view.chart().data}
    assert named >= set(LANGUAGES.values())
    worst = min((row for row in view.rows("base") if row.dim == 32), key=lambda row: row.value)
    assert f"lowest for {worst.group} with {worst.value:.3f}" in view.words()
    assert "have no groups" in GroupsView(Figures.of(curves), "base", "ndcg@10", "colour").words()


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


def test_what_ships_is_measured_on_the_collection_as_it_is_and_tells_each_language(tmp_path: Path) -> None:
    shipped = CurvesService(Lab(replace(Settings(), cache_dir=tmp_path))).shipped(NAME)
    assert shipped is not None
    assert not shipped.is_stale
    assert {arm.name for arm in shipped.sweep.arms} >= {"base", "wordllama", "use-multilingual"}
    assert {row.group for row in shipped.groups if row.arm == "use-multilingual"} == set(LANGUAGES.values())


OWN = [
    ("en", "How bees talk", "Bees dance to tell each other where the flowers are. The angle matters."),
    ("de", "Wie Bienen reden", "Bienen tanzen, um einander die Blumen zu zeigen. Der Winkel zählt."),
] * 15


def test_a_column_of_languages_makes_groups_in_an_own_collection(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    rows = [f"d{i},{lang},{title} {i},{text} {i}." for i, (lang, title, text) in enumerate(OWN)]
    path.write_text("\n".join(["id,lang,title,text", *(row.replace(", um", " um") for row in rows)]), encoding="utf-8")
    monkeypatch.setattr("mrl_demo.lab.lab.Lab", lambda _settings: lab)
    command = ["evaluate", "--cache-dir", str(tmp_path), "--corpus", str(path), "--arms", "base", "--dims", "8"]
    assert cli.main([*command, "--metrics", "ndcg@10", "--by", "language", "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert {(row["group"], row["n_queries"]) for row in groups} == {("de", 15), ("en", 15)}
    questions = tmp_path / "questions.csv"
    questions.write_text("query,document_id,language\nwie reden sie,d1,\nhow do they talk,d0,en-GB\n", encoding="utf-8")
    judged = load_path(path, columns=ColumnChoice(questions=str(questions)))
    assert [dict(query.fields)["language"] for query in judged.queries] == ["de", "en-GB"]
    write_beir(judged, tmp_path / "written")
    again = load_path(tmp_path / "written")
    assert again.documents == judged.documents
    assert again.queries[0].fields == (("language", "de"),)
