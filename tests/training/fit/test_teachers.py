"""Another model as the teacher, and translations taught the neighbours of what they translate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.jobs.events import StepDone, read_events
from mrl_demo.models.run_folder import CARD, METRICS_FILE
from tests.training.tiny import make_tiny_model, rows, write_jsonl
from training.bases import BaseVectors
from training.columns import Columns
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.errors import ConfigError
from training.fit.training_set import TrainingSet, TrainingSetBuilder
from training.report import Report
from training.run import train
from training.task import read_task


@pytest.fixture(scope="module")
def taught(tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A configuration with a wider teacher and two dozen texts with their translations."""
    folder = tmp_path_factory.mktemp("teacher")
    pairs = [{"query": row["query"], "positive": f"et {row['positive']}"} for row in rows(24)]
    parallel = write_jsonl(folder / "parallel.jsonl", pairs)
    return tiny_config.changed(teacher=str(make_tiny_model(folder / "wide", 48)), parallel=str(parallel))


def build(config: TrainConfig, settings: Settings, work: Path) -> TrainingSet:
    context = RunContext(settings, Report(quiet=True))
    task = read_task(config, Columns(), context)
    vectors = BaseVectors(task.base, task.base.load(), context.cache)
    return TrainingSetBuilder(task, vectors, work, context.report).build()


def test_a_translation_has_the_rows_of_the_text_that_it_translates(
    taught: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    made = build(taught, settings, tmp_path)
    assert made.teacher is not None and made.places is not None
    assert (made.teacher.shape, made.places.shape) == ((len(made.broad), 48), (len(made.broad), 32))
    assert [text.split()[0] for text in made.broad[-48:]] == ["how"] * 24 + ["et"] * 24
    for rows_of in (made.teacher, made.places):
        assert np.array_equal(rows_of[-24:], rows_of[-48:-24])
    plain = build(taught.changed(teacher="", parallel=""), settings, tmp_path)
    assert plain.places is None and plain.teacher is not None and plain.base_rows is plain.teacher
    assert np.allclose(made.places[: len(plain.broad)], plain.teacher, atol=1e-5)


def test_a_run_with_both_tells_its_loss_by_length_and_its_card_names_them(
    taught: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    out, events = tmp_path / "run", tmp_path / "events.jsonl"
    config = taught.changed(anchor_weight=0.5, steps=4, evaluations=0)
    assert train(config, RunOptions(out, events=events), RunContext(settings, Report(quiet=True)))
    steps = [event for event in read_events(events) if isinstance(event, StepDone) and event.task == "broad"]
    assert steps and all(set(step.loss_by_dim) == {4, 8, 16, 32} for step in steps)
    card = (out / CARD).read_text(encoding="utf-8")
    assert "neighbours taught by wide" in card and "translations taught the neighbours" in card
    assert json.loads((out / METRICS_FILE).read_text(encoding="utf-8"))["steps"] == 4


def test_keys_change_with_the_teacher_and_the_translations_and_stay_without(
    taught: TrainConfig, settings: Settings
) -> None:
    context = RunContext(settings, Report(quiet=True))
    keys = [
        read_task(config, Columns(), context).key()
        for config in (taught, taught.changed(teacher=""), taught.changed(parallel=""))
    ]
    assert len(set(keys)) == 3
    plain = taught.changed(teacher="", parallel="")
    assert plain.fingerprint == replace(plain, pairs=replace(plain.pairs, parallel="")).fingerprint
    for wrong in ({"teacher": "x/y"}, {"parallel": "some.jsonl"}):
        with pytest.raises(ConfigError, match="without --no-distillation"):
            plain.changed(distillation=False, **wrong)
