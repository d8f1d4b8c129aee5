"""Specialist or generalist: shares of the training measured, one chosen, another kept later without training again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

from mrl_demo.core.config import Settings
from mrl_demo.core.storage import sha256_file
from mrl_demo.jobs.events import RunProgress, ShareMeasured, read_events
from mrl_demo.models.registry import EncoderRegistry
from training.cli import main
from training.config import TrainConfig, load_config
from training.context import RunContext, RunOptions
from training.errors import RunError
from training.report import Report
from training.rescale import rescale
from training.result.shares import ShareCurve, decide_share, share_between
from training.run import train

SHARES = (0.0, 0.5, 1.0)
TEXTS = ["how bread and oven", "the moon and star", "liver heart"]


@pytest.fixture(scope="module")
def shared(tiny_config: TrainConfig, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that measured its shares and keeps half of its training."""
    out = tmp_path_factory.mktemp("shared") / "tiny"
    config = tiny_config.changed(shares=SHARES, adapter_scale=0.5, map_steps=5, anchor_weight=1.0)
    options = RunOptions(out, events=out.parent / "events.jsonl")
    assert train(config, options, RunContext(settings, Report(quiet=True)))
    return out


def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / run.name))


def vectors(run: Path) -> np.ndarray:
    return np.asarray(SentenceTransformer(str(run / "model"), device="cpu").encode(TEXTS))


def test_every_share_is_measured_on_own_queries_and_on_text_of_others(shared: Path) -> None:
    metrics = json.loads((shared / "metrics.json").read_text(encoding="utf-8"))
    curve = ShareCurve.from_dict(metrics["share"])
    assert [row.share for row in curve.rows] == list(SHARES)
    assert curve.kept == curve.tested == 0.5
    assert {len(row.tax) for row in curve.rows} == {2}
    assert RunProgress.of(read_events(shared.parent / "events.jsonl")).shares == curve.rows
    assert curve.rows[0].tax != curve.rows[-1].tax
    card = (shared / "README.md").read_text(encoding="utf-8")
    assert "## Specialist or generalist" in card and "| 0.5 |" in card


def test_another_share_is_kept_without_training_and_everything_follows(shared: Path, tmp_path: Path) -> None:
    run = copied(shared, tmp_path)
    rescale(run, 1.0)
    whole = vectors(run)
    rescale(run, 0.0)
    nothing = vectors(run)
    rescale(run, 0.5)
    assert np.abs(whole - nothing).max() > 1e-3
    assert np.abs(vectors(run) - vectors(shared)).max() < 1e-5
    matrices = load_file(run / "rotation.safetensors")
    assert np.abs(matrices["trained"] - matrices["start"]).max() > 1e-3
    assert np.abs(matrices["matrix"] - (matrices["trained"] + matrices["start"]) / 2).max() < 1e-6
    assert load_config(run / "training_config.json").adapter.adapter_scale == 0.5
    seal = json.loads((run / "training.json").read_text(encoding="utf-8"))
    assert all(sha256_file(run / name) == value for name, value in seal["files"].items())


def test_the_card_says_which_share_its_test_figures_belong_to(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(shared, tmp_path)
    (run / "evaluation.json").write_text('{"sweeps": []}', encoding="utf-8")
    assert main(["rescale", str(run), "--share", "0.25"]) == 0
    assert "keeps 0.25 of its training. Its test figures are those of 0.5" in capsys.readouterr().out
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "Measured with 0.5 of the training kept; 0.25 is kept now" in card
    assert not (run / "evaluation.json").exists()


def test_a_model_in_use_follows_its_rescaled_run(shared: Path, tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path)
    run = Path(shutil.copytree(shared, tmp_path / "trained" / "tiny"))
    registry = EncoderRegistry(settings)
    before = registry.encoder("tiny")
    half = before.encode_documents(TEXTS)
    assert registry.encoder("tiny") is before
    rescale(run, 1.0)
    after = registry.encoder("tiny")
    assert after.fingerprint != before.fingerprint
    assert np.abs(after.encode_documents(TEXTS) - half).max() > 1e-4


def test_all_weights_are_scaled_too(tiny_config: TrainConfig, settings: Settings, tmp_path: Path) -> None:
    run = tmp_path / "whole"
    config = tiny_config.changed(lora_rank=0, steps=2, evaluations=0, map_steps=3, shares=(0.0, 1.0))
    assert train(config, RunOptions(run), RunContext(settings, Report(quiet=True)))
    before = vectors(run)
    rescale(run, 0.5)
    assert np.abs(vectors(run) - before).max() > 1e-5
    rescale(run, 1.0)
    assert np.abs(vectors(run) - before).max() < 1e-4


def test_what_cannot_be_rescaled_is_named(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"share is 1\.5.*from 0"):
        rescale(shared, 1.5)
    with pytest.raises(RunError, match="is no finished run"):
        rescale(tmp_path, 0.5)
    run = copied(shared, tmp_path)
    (run / "adapter_model.safetensors").write_bytes(b"half")
    with pytest.raises(RunError, match="has changed since"):
        rescale(run, 0.5)


def row(share: float, gain: float, tax: float) -> ShareMeasured:
    return ShareMeasured(share, {8: 0.5 + gain}, {"topics": tax / 2, "reference": tax})


def test_the_best_share_that_others_can_afford_is_kept() -> None:
    rows = [row(0, 0.0, 0.0), row(0.5, 0.1, 0.01), row(1, 0.2, 0.03)]
    config = TrainConfig("mine").changed(shares=SHARES, most_tax=0.015)
    assert decide_share(rows, config).kept == 0.5
    assert share_between(rows, 0.015) == 0.75
    assert decide_share(rows, config.changed(most_tax=0.04)).kept == 1
    assert share_between(rows, 0.04) is None
    dear = decide_share([row(0.25, 0.1, 0.02), row(1, 0.2, 0.03)], config)
    assert dear.kept == 0.25 and "cheapest" in dear.reason
    assert decide_share(rows, config.changed(most_tax=0.0, adapter_scale=1.0)).kept == 1
