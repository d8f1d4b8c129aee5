"""2D Matryoshka on a tiny base: every layer nears the last one, and what is saved is what was taught."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import Reading
from mrl_demo.jobs.events import Event, StepDone, read_events
from mrl_demo.lab.lab import Lab
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.run_folder import CARD, HEADS_FILE, METRICS_FILE, MODEL, ROTATION_FILE
from mrl_demo.models.specs import ModelSpec
from tests.training.tiny import make_tiny_model, rows, write_jsonl
from training.bases import encode
from training.cli import main
from training.data.pairs import Pairs
from training.elastic.data import sampled
from training.elastic.fit import ElasticStep, TaughtPairs
from training.elastic.model import ElasticModel
from training.elastic.settings import ElasticSettings
from training.elastic.teach import teach_layers, turn_teacher

TINY = ModelSpec("tiny", "folder", "tiny", 32)
AXES = np.eye(32, dtype=np.float32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("elastic") / "tiny")


def _taught(base: SentenceTransformer, pairs: Pairs) -> TaughtPairs:
    plain = Reading("document", "")
    queries, answers = (encode(base, texts, plain) for texts in (pairs.queries, pairs.positives))
    return turn_teacher(pairs, (plain, plain), (queries, answers), AXES)


def test_a_run_on_another_base_leaves_an_arm_whose_every_layer_is_near_the_teacher(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_jsonl(tmp_path / "pairs.jsonl", rows(240))
    out, events = tmp_path / "cache" / "trained" / "stop-early", tmp_path / "events.jsonl"
    command = ["--cache-dir", str(tmp_path / "cache"), "elastic", "--base", str(tiny), "--data", str(data)]
    command += ["--out", str(out), "--steps", "30", "--head-steps", "10", "--batch-size", "16", "--lora-rank", "4"]
    command += ["--dims", "8", "--learning-rate", "0.002"]
    assert main([*command, "--check"]) == 0
    assert "pairs to learn from" in capsys.readouterr().out and not out.exists()
    assert main([*command, "--events", str(events)]) == 0
    told = capsys.readouterr().out
    assert "layers      8     32" in told
    steps = [event for event in read_events(events) if isinstance(event, StepDone)]
    assert "a head behind every layer" in told
    assert {step.task for step in steps} == {"all-layers", "half-layers"}
    assert set(steps[0].loss_by_dim) == {8, 32}
    metrics = json.loads((out / METRICS_FILE).read_text(encoding="utf-8"))
    assert max(metrics["elastic"]["loss_by_layer"]) < 0.1 and [row["layers"] for row in metrics["layers"]] == [1, 2]
    card = (out / CARD).read_text(encoding="utf-8")
    assert (
        "`stop-early@1` to `stop-early@2`" in card and "## By layer" in card and "30 steps of a LoRA of rank 4" in card
    )
    assert main(command) == 0
    assert "Nothing has changed" in capsys.readouterr().out
    assert main(["rescale", str(out), "--share", "0.5"]) == 2
    assert "no other share of that can be kept" in capsys.readouterr().err
    lab = Lab(replace(Settings(), cache_dir=tmp_path / "cache"))
    assert "stop-early" in {arm.name for arm in lab.arms()}
    texts = [row["query"] for row in rows(12)]
    early, last = (lab.encoders.encoder(name).encode_queries(texts) for name in ("stop-early@1", "stop-early"))
    bare = Lab(replace(Settings(), cache_dir=tmp_path / "other"))
    bare.add_arm(str(out / MODEL))
    untaught = bare.encoders.encoder("model@1").encode_queries(texts)
    assert np.abs(early - last).max() < 0.05
    assert np.abs(early - untaught).max() > 1e-3  # The exit's own head, not the last layer's.
    named = Lab(replace(Settings(), cache_dir=tmp_path / "third"))
    name = named.add_arm(str(out))
    assert np.abs(named.encoders.encoder(f"{name}@1").encode_queries(texts) - early).max() < 1e-4


def test_an_interrupted_run_goes_on_from_its_last_checkpoint_to_the_same_bits(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, events = write_jsonl(tmp_path / "pairs.jsonl", rows(240)), tmp_path / "events.jsonl"
    command = ["--cache-dir", str(tmp_path / "cache"), "elastic", "--base", str(tiny), "--data", str(data)]
    command += ["--steps", "16", "--head-steps", "5", "--batch-size", "16", "--lora-rank", "4", "--dims", "8"]
    command += ["--name", "one-name", "--events", str(events)]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert main([*command, "--out", str(whole)]) == 0
    with monkeypatch.context() as patch:
        patch.setattr("training.elastic.run.LineWriter.event", _interrupt_at_step_11)
        assert main([*command, "--out", str(broken)]) == 130
    assert "the same command with --resume" in capsys.readouterr().err
    assert not broken.exists()
    assert {path.name for path in tmp_path.glob(".broken.training/checkpoint-*")} == {"checkpoint-8", "checkpoint-10"}
    events.unlink()
    assert main([*command, "--out", str(broken), "--resume"]) == 0
    told = capsys.readouterr().out
    assert "Going on from the last checkpoint." in told and "a head behind every layer. begins" not in told
    assert [event.step for event in read_events(events) if isinstance(event, StepDone)] == [*range(11, 17)]
    for name in ("adapter_model.safetensors", HEADS_FILE, ROTATION_FILE):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    first, second = (json.loads((out / METRICS_FILE).read_text(encoding="utf-8")) for out in (whole, broken))
    assert first["elastic"] == second["elastic"] and first["steps"] == second["steps"]
    assert main([*command, "--out", str(tmp_path / "other"), "--resume"]) == 0
    assert "There is no interrupted run" in capsys.readouterr().out


def _interrupt_at_step_11(_writer: object, event: Event) -> None:
    if isinstance(event, StepDone) and event.step == 11:
        raise KeyboardInterrupt


def test_shallow_steps_read_half_of_the_layers_and_the_minutes_end_a_run(tiny: Path) -> None:
    base = load_sentence_transformer(tiny, TINY)
    pairs = Pairs(*[tuple(row[side] for row in rows(80)) for side in ("query", "positive")])
    settings = ElasticSettings(steps=10_000, head_steps=1, batch_size=16, lora_rank=4, prefixes=(8, 32), minutes=0.02)
    taught = _taught(base, pairs)
    steps: list[ElasticStep] = []
    layers = teach_layers(base, taught, AXES, settings, watch=steps.append)
    assert 1 < layers.steps < 10_000
    assert {len(step.losses) for step in steps} == {1, 2}
    assert steps[-1].of < 10_000
    assert steps[-1].seconds_left < steps[0].seconds_left
    assert len(layers.losses) == 2


def test_a_base_without_a_stack_of_layers_is_refused() -> None:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models

    static = SentenceTransformer(modules=[StaticEmbedding(Tokenizer(models.WordLevel({"a": 0})), embedding_dim=4)])
    with pytest.raises(ModelError, match="no BERT-like stack"):
        ElasticModel(static, 0, 0)


def test_sources_have_equal_shares_and_small_ones_leave_theirs_to_others() -> None:
    first, *others = (
        Pairs(*[tuple(f"{name}{i}" for i in range(size))] * 2) for name, size in (("a", 5), ("b", 2), ("c", 50))
    )
    kept, counts = sampled(first, dict(zip("bc", others, strict=True)), 17)
    assert [sum(text.startswith(name) for text in kept.queries) for name in "abc"] == [5, 2, 10]
    assert counts == {"b": 2, "c": 10}


def test_the_command_names_the_option_that_mends_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["elastic", "--out", str(tmp_path / "run"), "--leave-out", "php"]) == 2
    assert "--leave-out: sources can be left out of --pairs alone" in capsys.readouterr().err
    assert main(["elastic", "--out", str(tmp_path / "run"), "--lora-rank", "0"]) == 2
    assert "--lora-rank: lora_rank is 0" in capsys.readouterr().err
    few = write_jsonl(tmp_path / "few.jsonl", rows(40))
    assert main(["elastic", "--out", str(tmp_path / "run"), "--data", str(few), "--batch-size", "64"]) == 2
    assert "--batch-size: " in capsys.readouterr().err


def test_without_steps_only_heads_are_learnt(tiny: Path) -> None:
    base = load_sentence_transformer(tiny, TINY)
    pairs = Pairs(*[tuple(row[side] for row in rows(80)) for side in ("query", "positive")])
    taught = _taught(base, pairs)
    layers = teach_layers(base, taught, AXES, ElasticSettings(head_steps=40, prefixes=(8, 32)))
    assert (layers.steps, layers.losses[1] < 0.05) == (0, True)
    assert not any(weight.requires_grad for weight in layers.model.base.parameters())
