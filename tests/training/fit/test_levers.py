from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch.nn import functional
from transformers import TrainerCallback

from mrl_demo.core.types import FloatMatrix
from mrl_demo.jobs.events import Event, StepDone
from tests.training.tiny import TOPICS, rows
from training.config import ObjectiveConfig, TrainConfig
from training.data.pairs import Pairs
from training.errors import ConfigError
from training.fit.averaging import WeightMean
from training.fit.events import tell_events
from training.fit.losses import build_losses
from training.fit.model import prepare_model
from training.fit.pairs_loss import hinge_over_batch, softmax_over_batch
from training.fit.prefixes import PrefixLoss
from training.fit.trainer import build_trainer
from training.fit.training_set import TrainingSet

_LEVERS: dict[str, dict[str, Any]] = {
    "gradient cache": {"loss": "cached-mnrl", "batch_size": 24, "cached_batch": 5},
    "hinge": {"loss": "hinge", "margin": 0.3},
    "spread-out": {"spread_weight": 0.5},
    "spread-out in a gradient cache": {"loss": "cached-mnrl", "cached_batch": 3, "spread_weight": 0.5},
    "coarse labels first": {"hierarchy_weight": 1.0},
    "coarse labels in a gradient cache": {"loss": "cached-mnrl", "cached_batch": 3, "hierarchy_weight": 1.0},
    "falling weights": {"weighting": "falling"},
    "learnt weights": {"weighting": "learned"},
    "drawn lengths": {"drawn_lengths": 3},
    "drawn lengths in a gradient cache": {"loss": "cached-mnrl", "cached_batch": 3, "drawn_lengths": 3},
    "averaged": {"averaged": 0.5},
    "likely answers spared": {"spare_likely": True},
    "all weights": {"lora_rank": 0, "learning_rate": 1e-3},
}


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    return TrainConfig("tiny").changed(
        dims=(4, 8, 32), weights=(1.0, 1.0, 2.0), batch_size=8, lora_rank=4, steps=4, evaluations=0, warmup=0,
        learning_rate=5e-3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def training(tiny_base: Path) -> TrainingSet:
    items = rows(64)
    positives = tuple(f"{row['positive']} {i}" for i, row in enumerate(items))
    wrong, labels = positives[1:] + positives[:1], tuple(f"d{i % 2}/t{i % 8}" for i in range(64))
    questions = tuple(f"{row['query']} {i}" for i, row in enumerate(items))
    pairs = Pairs(questions, positives, wrong, labels=labels)
    broad = tuple(" ".join((*TOPICS[i % 8], *TOPICS[i // 8][:2])) for i in range(64))
    model = SentenceTransformer(str(tiny_base), device="cpu")
    teacher, queries, answers = (
        model.encode(list(texts), normalize_embeddings=True) for texts in (broad, pairs.queries, positives)
    )
    validation: Any = None
    return TrainingSet(pairs, broad, teacher, validation, guides=(queries, answers))


def _trained(
    base: Path, config: TrainConfig, training: TrainingSet, work: Path, callbacks: Sequence[TrainerCallback] = (),
    checkpoint: Path | None = None,
) -> tuple[dict[str, FloatMatrix], list[Event]]:  # fmt: skip
    """Weights and events after all steps of a configuration over the tiny base."""
    model = prepare_model(SentenceTransformer(str(base), device="cpu"), config, None)
    training = training if config.objective.spare_likely else replace(training, guides=None)
    trainer, events = build_trainer(model, config, training, work), list[Event]()
    tell_events(trainer, [events.append])
    for callback in callbacks:
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    weights = {name: w.detach().numpy().copy() for name, w in trainer.model.named_parameters() if w.requires_grad}
    return weights, events


@pytest.mark.parametrize("lever", _LEVERS)
def test_every_lever_trains_and_tells_its_loss_at_every_length(
    lever: str, config: TrainConfig, training: TrainingSet, tiny_base: Path, tmp_path: Path
) -> None:
    changed = config.changed(**_LEVERS[lever])
    assert changed.fingerprint != config.fingerprint
    weights, events = _trained(tiny_base, changed, training, tmp_path)
    steps = [event for event in events if isinstance(event, StepDone)]
    assert len(steps) == 4 and {step.task for step in steps} == {"pairs", "broad"}
    for step in steps:
        assert set(step.loss_by_dim) <= {4, 8, 32} and 32 in step.loss_by_dim
        assert "drawn" in lever or len(step.loss_by_dim) == 3
        assert np.isfinite(list(step.loss_by_dim.values())).all()
    assert max(np.abs(weight).max() for name, weight in weights.items() if "lora_A" not in name) > 1e-4


def test_levers_left_alone_leave_the_keys_of_finished_runs_as_they_were(config: TrainConfig) -> None:
    usual: dict[str, Any] = {"spare_likely": False}
    usual |= {
        "margin": 0.1,
        "spread_weight": 0.0,
        "hierarchy_weight": 0.0,
        "weighting": "given",
        "drawn_lengths": 0,
        "averaged": 0.0,
        "axes": "",
    }
    assert config.changed(**usual).fingerprint == config.fingerprint


def _gradients(base: Path, objective: ObjectiveConfig, texts: Sequence[list[str]]) -> list[FloatMatrix]:
    model = SentenceTransformer(str(base), device="cpu").eval()
    loss = build_losses(model, objective, None)["pairs"]
    loss([dict(model.preprocess(column)) for column in texts], torch.arange(len(texts[0]))).backward()
    return [weight.grad.numpy() for weight in model.parameters() if weight.grad is not None]


def test_a_gradient_cache_has_the_gradients_of_the_whole_batch(tiny_base: Path) -> None:
    items = rows(12)
    texts = [[row["query"] for row in items], [row["positive"] for row in items]]
    plain = ObjectiveConfig(dims=(8, 32), weights=(2.0, 1.0), spread_weight=0.3)
    cached = replace(plain, loss="cached-mnrl", cached_batch=5)
    for whole, chunked in zip(_gradients(tiny_base, plain, texts), _gradients(tiny_base, cached, texts), strict=True):
        assert np.allclose(whole, chunked, atol=1e-5)


def test_the_hinge_is_that_of_a_plain_loop_and_bounded() -> None:
    draw = torch.Generator().manual_seed(0)
    queries, answers, wrong = (functional.normalize(torch.randn(4, 6, generator=draw), dim=1) for _ in range(3))
    others, expected = torch.cat([answers, wrong]), 0.0
    for i in range(4):
        own = float(queries[i] @ answers[i])
        lacks = [max(0.0, 0.1 + float(queries[i] @ other) - own) for j, other in enumerate(others) if j != i]
        expected += (max(lacks) + sum(lacks) / len(lacks)) / 2 / 4
    assert float(hinge_over_batch([queries, answers, wrong], 0.1)) == pytest.approx(expected, rel=1e-5)
    assert float(hinge_over_batch([queries, -queries, queries], 0.1)) <= 2.1 + 1e-6


@pytest.mark.parametrize("loss", ["mnrl", "cached-mnrl", "hinge"])
def test_an_answer_that_is_as_good_for_another_row_is_no_negative_of_it(loss: str, tiny_base: Path) -> None:
    """Four rows with one answer: spared, each is right whatever the others say; else no row can tell them apart."""
    model = SentenceTransformer(str(tiny_base), device="cpu").eval()
    columns = [["moon", "star", "orbit", "comet"], ["the planet"] * 4]
    guides = tuple(model.encode(column, normalize_embeddings=True) for column in columns)
    objective = ObjectiveConfig(dims=(8, 32), loss=loss, cached_batch=2, spare_likely=True)
    values = []
    for given in (guides, None):
        batch = [dict(model.preprocess(column)) for column in columns]
        with torch.no_grad():
            values.append(float(build_losses(model, objective, None, given)["pairs"](batch, torch.arange(4))))
    assert values[0] == pytest.approx(0, abs=1e-5) and values[1] > 0.05


def test_wrong_answers_that_a_row_brings_along_stay_negatives() -> None:
    draw = torch.Generator().manual_seed(1)
    columns = [functional.normalize(torch.randn(3, 6, generator=draw), dim=1) for _ in range(3)]
    spared = ~torch.eye(3, dtype=torch.bool)
    cosines = columns[0] @ torch.cat(columns[1:]).T
    expected = 0.0
    for i in range(3):
        scores = 20 * torch.cat([cosines[i, i : i + 1], cosines[i, 3:]])
        expected -= float(scores.log_softmax(0)[0]) / 3
    assert float(softmax_over_batch(columns, 20.0, spared)) == pytest.approx(expected, rel=1e-5)


def test_spread_out_texts_cost_less_than_crowded_ones(tiny_base: Path) -> None:
    model = SentenceTransformer(str(tiny_base), device="cpu")
    loss: Any = build_losses(model, ObjectiveConfig(dims=(32,), spread_weight=1.0), None)["pairs"]
    crowded, spread = torch.ones(8, 32) + 0.01 * torch.eye(8, 32), torch.eye(8, 32)
    by_rows = [float(sum(loss.loss.spread.compute_loss_from_embeddings([x]).values())) for x in (crowded, spread)]
    assert by_rows[0] > 1.5 and by_rows[1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [("equal", (1, 1, 1)), ("rising", (1, 2, 4)), ("falling", (4, 2, 1)), ("given", (3, 1, 1)), ("learned", (3, 1, 1))],
)
def test_weights_follow_the_length_as_configured(weighting: str, expected: tuple[float, ...]) -> None:
    assert ObjectiveConfig(dims=(8, 32, 128), weights=(3, 1, 1), weighting=weighting).dim_weights == expected


def test_drawn_lengths_always_have_the_full_one_and_reach_all_between(tiny_base: Path) -> None:
    model = SentenceTransformer(str(tiny_base), device="cpu")
    loss = build_losses(model, ObjectiveConfig(dims=(4, 8, 32), drawn_lengths=3), None)["pairs"]
    assert isinstance(loss, PrefixLoss)
    torch.manual_seed(0)
    seen = set[int]()
    for _ in range(200):
        lengths = loss._drawn_lengths()
        assert 32 in lengths and len(lengths) <= 3 and min(lengths) >= 4
        assert sum(lengths.values()) == pytest.approx(1) and lengths[32] == pytest.approx(1 / 3)
        seen |= set(lengths)
    assert seen == set(range(4, 33))


def test_averaged_weights_are_the_mean_of_the_last_steps(
    config: TrainConfig, training: TrainingSet, tiny_base: Path, tmp_path: Path
) -> None:
    class Recorder(TrainerCallback):
        def __init__(self) -> None:
            self.seen: list[dict[str, FloatMatrix]] = []

        def on_step_end(self, *_: Any, model: Any, **__: Any) -> None:
            self.seen.append({n: w.detach().numpy().copy() for n, w in model.named_parameters() if w.requires_grad})

    recorder = Recorder()
    weights, _ = _trained(tiny_base, config.changed(averaged=0.5), training, tmp_path, [recorder])
    for name, weight in weights.items():
        assert np.allclose(weight, (recorder.seen[2][name] + recorder.seen[3][name]) / 2, atol=1e-6)


def test_a_run_that_goes_on_carries_means_and_learnt_weights_on(
    config: TrainConfig, training: TrainingSet, tiny_base: Path, tmp_path: Path
) -> None:
    """Validation is off, so a checkpoint is written at the end alone: the stop writes one in the middle."""

    class Stop(TrainerCallback):
        def on_step_end(self, _: Any, state: Any, control: Any, **__: Any) -> None:
            control.should_save = control.should_training_stop = state.global_step == 3

    changed = config.changed(averaged=0.75, weighting="learned", drawn_lengths=2)
    whole, _ = _trained(tiny_base, changed, training, tmp_path / "whole")
    _trained(tiny_base, changed, training, tmp_path / "cut", [Stop()])
    resumed, _ = _trained(tiny_base, changed, training, tmp_path / "cut", checkpoint=tmp_path / "cut" / "checkpoint-3")
    assert all(np.allclose(whole[name], resumed[name], atol=1e-5) for name in whole)


def test_no_step_among_the_last_leaves_the_weights_alone() -> None:
    layer = torch.nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    WeightMean().put_into(layer)
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weighting": "random"}, "weighting is 'random'.*equal, rising"),
        ({"drawn_lengths": 1}, "drawn_lengths is 1.*0, or from 2"),
        ({"drawn_lengths": 3, "matryoshka": False}, "matryoshka is False.*to draw"),
        ({"spread_weight": -1.0}, "0 or more"),
        ({"hierarchy_weight": 1.0, "matryoshka": False}, "hierarchy_weight is 1.0.*0 without prefixes"),
        ({"margin": 0.0}, "above 0"),
        ({"averaged": 1.0}, "averaged is 1.0"),
        ({"axes": "tuned", "lora_rank": 0}, "with a rotation and LoRA"),
    ],
)
def test_levers_that_cannot_be_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.compile(message)):
        TrainConfig("x").changed(**changes)
