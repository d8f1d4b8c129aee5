"""Runs in several processes: two on the CPU give what one gives that takes two batches before each step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from safetensors.numpy import load_file
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import ConcatDataset, SequentialSampler

from mrl_demo.core.config import CODE_ROOT, Settings
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.errors import ConfigError
from training.fit import trainer
from training.fit.sampling import TurnsBatchSampler
from training.processes import Processes
from training.report import Report
from training.result.card import card_text
from training.run import train


def torchrun(config: TrainConfig, settings: Settings, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """`torchrun --nproc-per-node 2 -m training train`, its output as text."""
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--log-dir", str(folder / "torchrun"), "-m", "training"]  # Else it leaves a folder in /tmp.
    command += ["--cache-dir", str(settings.cache_dir), "train", "--config", str(folder / "config.json")]
    command += ["--out", str(folder / "out"), *arguments]
    surroundings = {**os.environ, "PYTHONPATH": str(CODE_ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        command, cwd=CODE_ROOT, env=surroundings, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.fixture
def cached_config(tiny_config: TrainConfig) -> TrainConfig:
    """The losses that are hardest to share out: one goes backwards in pieces, the other at once."""
    return tiny_config.changed(loss="cached-mnrl", cached_batch=2, batch_size=4, steps=4)


@pytest.mark.slow
def test_two_processes_train_as_one_that_takes_two_batches_a_step(
    cached_config: TrainConfig, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = tmp_path / "events.jsonl"
    done = torchrun(cached_config, settings, tmp_path, "--events", str(events))
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("Done: ") == 1
    found = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    assert [event["step"] for event in found if event["kind"] == "step"] == [1, 2, 3, 4]
    assert [event["task"] for event in found if event["kind"] == "step"] == ["pairs", "broad"] * 2
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["processes"], metrics["steps"]) == (2, 4)
    assert "batches of 4 in each of 2 processes" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")

    monkeypatch.setattr(trainer, "_arguments", _two_batches_a_step(trainer._arguments))
    assert train(cached_config, RunOptions(tmp_path / "one"), RunContext(settings, Report(quiet=True)))
    several, one = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("out", "one"))
    assert max(float(np.abs(value).max()) for name, value in one.items() if "lora_B" in name) > 1e-3
    assert all(np.abs(several[name] - one[name]).max() < 2e-4 for name in one)


def _two_batches_a_step(make: Callable[..., Any]) -> Callable[..., Any]:
    def arguments(config: TrainConfig, steps: int, work: Path, report_to: str, _processes: int) -> Any:
        found = make(config, steps, work, report_to, 2)
        found.gradient_accumulation_steps = 2
        return found

    return arguments


def test_what_the_first_process_refuses_ends_the_others_too(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    done = torchrun(tiny_config.changed(batch_size=64), settings, tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("do not fill one step of 2 processes with a batch_size of 64 each") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"WORLD_SIZE": "4", "RANK": "0", "LOCAL_WORLD_SIZE": "2"}, r"--nnodes 1"),
        ({"WORLD_SIZE": "2", "RANK": "1", "ACCELERATE_USE_DEEPSPEED": "true"}, r"reduced twice.*torchrun"),
        ({"WORLD_SIZE": "two"}, r"WORLD_SIZE is 'two'"),
    ],
)
def test_surroundings_that_cannot_be_trained_in_are_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Processes.from_environment(environ)


def test_one_process_changes_no_key_and_several_do() -> None:
    assert Processes.from_environment({}).key_parts == ()
    assert Processes.from_environment({"WORLD_SIZE": "2", "RANK": "1"}).key_parts == ("2 processes",)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch, tiny_config: TrainConfig) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(ConfigError, match=r"2 processes share 1 GPU.*--nproc-per-node 1"):
        Processes(0, 2).check(tiny_config, 1000, 1000)
    Processes(0, 1).check(tiny_config, 1, 1)


def test_only_train_takes_several_processes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from training.cli import main

    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["card", str(tmp_path)]) == 2
    assert "this command works in one" in capsys.readouterr().err
    assert main(["train", "--check", "--out", str(tmp_path / "out")]) == 2
    assert "train --check works in one" in capsys.readouterr().err


def test_each_turn_gives_every_process_a_batch_of_the_same_data() -> None:
    datasets = [Dataset.from_dict({"row": list(range(count))}) for count in (7, 10)]
    samplers = [DefaultBatchSampler(SequentialSampler(each), batch_size=1, drop_last=True) for each in datasets]
    found = TurnsBatchSampler(dataset=ConcatDataset(datasets), batch_samplers=samplers, turn=2)
    assert [row for (row,) in found] == [0, 1, 7, 8, 2, 3, 9, 10, 4, 5, 11, 12]
    assert len(found) == 12


def test_the_card_of_one_process_says_nothing_of_processes(finished: Path, tiny_config: TrainConfig) -> None:
    metrics = json.loads((finished / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["processes"] == 1
    assert "processes" not in card_text(tiny_config, metrics, [])
