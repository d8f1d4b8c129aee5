"""Quality over layers and lengths of anybody's model, and the time of each number of layers."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from mrl_demo.cli import main
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, ModelError
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab
from mrl_demo.layers.grid import LayerGrid, LayerQuestion
from mrl_demo.layers.report import layers_sentence
from tests.training.tiny import WORDS, make_tiny_model


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT of two layers."""
    return make_tiny_model(tmp_path_factory.mktemp("grid") / "deep")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents without a question: their titles stand in for some."""
    path = tmp_path_factory.mktemp("shelf") / "shelf.jsonl"
    rows = ({"id": word, "title": f"{word} and", "text": f"about {word} {other}"} for word, other in pairwise(WORDS))
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lab(deep: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(replace(Settings(), cache_dir=tmp_path_factory.mktemp("cache")))
    lab.add_arm(str(deep))
    return lab


@pytest.fixture(scope="module")
def grid(lab: Lab, shelf: Path) -> LayerGrid:
    return lab.layers(lab.add_corpus(shelf), "deep", LayerQuestion(dims=(8, 32)))


def test_every_cell_is_what_an_evaluation_of_that_depth_and_length_says(lab: Lab, shelf: Path, grid: LayerGrid) -> None:
    plan = SweepPlan(("deep@1", "deep"), (8, 32), metrics=("ndcg@10",))
    measured = lab.evaluate(lab.add_corpus(shelf), plan)
    for layers, name in ((1, "deep@1"), (2, "deep")):
        for dim in (8, 32):
            row = measured.row(name, dim, "ndcg@10")
            assert row is not None
            assert grid.cell(layers, dim).value == pytest.approx(row.value, abs=1e-4)
    assert (grid.depths, grid.dims, grid.stand_ins != "") == ((1, 2), (8, 32), True)
    assert grid.kept(2, 8) == 1.0 and grid.cell(2, 8).difference == 0.0


def test_fewer_layers_are_timed_beside_all(grid: LayerGrid) -> None:
    assert [timed.layers for timed in grid.times] == [1, 2]
    assert all(timed.query_ms > 0 and timed.documents_a_second > 0 for timed in grid.times)
    assert grid.speed_up(2) == 1.0
    assert layers_sentence(grid).startswith("1 layer of 2 keeps ")


def test_figures_are_read_again_as_they_were_written_and_make_a_table(grid: LayerGrid) -> None:
    assert LayerGrid.from_dict(json.loads(json.dumps(grid.to_dict()))) == grid
    head, *lines = grid.to_csv().splitlines()
    assert head.startswith("arm,metric,layers,dim,bytes,value") and len(lines) == 4
    with pytest.raises(CorpusError, match="no figures by layer"):
        LayerGrid.from_dict({"cells": []})


def test_what_has_no_such_layers_is_refused_by_name(lab: Lab, shelf: Path) -> None:
    corpus = lab.add_corpus(shelf)
    with pytest.raises(ModelError, match="deep has 2 layers, not 7"):
        lab.layers(corpus, "deep", LayerQuestion(layers=(7,)))
    with pytest.raises(ModelError, match="names its layers already: give deep alone"):
        lab.layers(corpus, "deep@1")
    with pytest.raises(ModelError, match="no layers that can be left out"):
        lab.layers(corpus, "bm25")


def test_the_command_measures_a_model_of_one_s_own_on_documents_of_one_s_own(
    deep: Path, shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--cache-dir", str(tmp_path / "cache"), "layers", "--arms", f"{deep}+pca", "--corpus", str(shelf)]
    assert main([*where, "--dims", "8,32", "--out", str(tmp_path / "layers.csv")]) == 0
    told = capsys.readouterr().out
    assert "layers" in told and "The figures are in" in told
    lines = (tmp_path / "layers.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5 and lines[1].startswith("deep+pca,ndcg@10,1,8,32,")
    assert main([*where, "--out", "layers.pdf"]) == 2
    assert "'layers.pdf' is neither" in capsys.readouterr().err
