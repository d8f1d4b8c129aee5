from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.jobs.events import RunProgress, read_events
from tests.training.tiny import rows, write_jsonl
from training.config import TrainConfig, load_config
from training.context import RunContext, RunOptions
from training.report import Report
from training.result.folder import RunFolder
from training.run import train

_LOAD = """
import sys, json, numpy as np
from sentence_transformers import SentenceTransformer
texts = ["how bread and oven", "the moon and star"]
full = SentenceTransformer(sys.argv[1], device="cpu").encode(texts)
cut = SentenceTransformer(sys.argv[1], device="cpu", truncate_dim=8).encode(texts)
assert "mrl_demo" not in sys.modules and "training" not in sys.modules
print(json.dumps([list(full.shape), list(cut.shape), bool(np.allclose(full[:, :8], cut, atol=1e-5))]))
"""


def test_a_finished_run_is_whole(finished: Path, tiny_config: TrainConfig) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"adapter.json", "adapter_model.safetensors", "rotation.safetensors", "metrics.json", "README.md"} <= names
    assert [path.name for path in finished.parent.iterdir()] == [finished.name]
    metrics = json.loads((finished / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["steps"] == tiny_config.schedule.steps
    assert {row["dim"] for row in metrics["test"]} == {4, 8, 16, 32}
    assert {row["metric"] for row in metrics["test"]} == {"ndcg@10", "mrr@10", "recall@10"}
    assert all(0 <= row["after"] <= 1 and row["low"] <= row["difference"] <= row["high"] for row in metrics["test"])
    assert load_config(finished / "training_config.json").objective.dims == (
        4,
        8,
        16,
        32,
    )


def test_the_model_loads_with_sentence_transformers_alone(finished: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _LOAD, str(finished / "model")], capture_output=True, text=True, cwd=tmp_path,
        check=True, timeout=200,
    )  # fmt: skip
    assert json.loads(found.stdout.splitlines()[-1]) == [[2, 32], [2, 8], True]


def test_no_truncate_dim_is_saved_and_the_prefixes_are(finished: Path) -> None:
    config = json.loads((finished / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["matryoshka_dimensions"] == [4, 8, 16, 32]
    saved = json.loads((finished / "model" / "config_sentence_transformers.json").read_text(encoding="utf-8"))
    assert saved.get("truncate_dim") is None


def test_the_adapter_names_no_folder_of_this_machine(finished: Path) -> None:
    text = (finished / "adapter_config.json").read_text(encoding="utf-8")
    assert json.loads(text)["base_model_name_or_path"] is None
    assert str(Path.home()) not in text and "/tmp" not in text


def test_training_changed_the_weights(finished: Path) -> None:
    weights = load_file(finished / "adapter_model.safetensors")
    assert max(float(np.abs(value).max()) for name, value in weights.items() if "lora_B" in name) > 1e-3


def test_a_second_run_returns_at_once(finished: Path, run_tiny: Callable[..., bool]) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    started = time.perf_counter()
    assert run_tiny(finished) is False
    assert time.perf_counter() - started < 30
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_a_damaged_result_is_no_finished_run(finished: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    key = json.loads((copy / "training.json").read_text(encoding="utf-8"))["key"]
    assert RunFolder(copy).is_finished(key)
    assert not RunFolder(copy).is_finished("another key")
    (copy / "adapter_model.safetensors").write_bytes(b"half")
    assert not RunFolder(copy).is_finished(key)


def test_the_same_run_again_gives_the_same_weights(
    finished: Path, run_tiny: Callable[..., bool], tmp_path: Path
) -> None:
    assert run_tiny(tmp_path / "again")
    first, second = (load_file(folder / "adapter_model.safetensors") for folder in (finished, tmp_path / "again"))
    assert all(np.abs(first[name] - second[name]).max() < 1e-5 for name in first)


def test_a_killed_run_resumes_to_the_same_metrics(
    finished: Path, tiny_config: TrainConfig, settings: Settings, tmp_path: Path, run_tiny: Callable[..., bool]
) -> None:
    out = tmp_path / "killed"
    _kill_after_first_checkpoint(out, tiny_config, settings, tmp_path)
    assert not out.exists()
    assert list(out.parent.glob(".killed.training/checkpoint-*"))
    assert run_tiny(out, resume=True)
    whole, resumed = (json.loads((p / "metrics.json").read_text(encoding="utf-8")) for p in (finished, out))
    assert resumed["test"] == whole["test"]
    first, second = (load_file(folder / "adapter_model.safetensors") for folder in (finished, out))
    assert all(np.abs(first[name] - second[name]).max() < 1e-5 for name in first)


def test_a_killed_run_that_nothing_validates_goes_on_too(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    config, out = tiny_config.changed(steps=8, evaluations=0, averaged=0.25), tmp_path / "killed"
    _kill_after_first_checkpoint(out, config, settings, tmp_path)
    context = RunContext(settings, Report(quiet=True))
    assert train(config, RunOptions(tmp_path / "whole"), context)
    assert train(config, RunOptions(out, resume=True), context)
    first, second = (load_file(folder / "adapter_model.safetensors") for folder in (tmp_path / "whole", out))
    assert all(np.abs(first[name] - second[name]).max() < 1e-5 for name in first)


def _kill_after_first_checkpoint(out: Path, config: TrainConfig, settings: Settings, tmp_path: Path) -> None:
    """Start the run in a process of its own that stops dead once its first checkpoint is whole."""
    (tmp_path / "config.json").write_text(config.to_json(), encoding="utf-8")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from transformers import TrainerCallback\n"
        "import training.fit.trainer as trainer\n"
        "class Kill(TrainerCallback):\n"
        "    def on_save(self, *a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        "stopping = trainer._stopping\n"
        "trainer._stopping = lambda config: [*stopping(config), Kill()]\n"
        "from training.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "--cache-dir", str(settings.cache_dir), "train", "--quiet"]
    command += ["--config", str(tmp_path / "config.json"), "--out", str(out)]
    killed = subprocess.run(
        command,
        cwd=CODE_ROOT,
        env={**os.environ, "PYTHONPATH": str(CODE_ROOT)},
        capture_output=True,
        timeout=200,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]


def test_a_broken_checkpoint_is_left_aside(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    work = folder.open("key", resume=False)
    assert not work.is_resumed
    broken = work.path / "checkpoint-4"
    broken.mkdir()
    (broken / "trainer_state.json").write_text("{", encoding="utf-8")
    assert work.last_checkpoint() is None
    assert not broken.exists()


def test_only_a_run_of_the_same_key_goes_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    left_over = folder.open("first", resume=False).path / "left-over"
    left_over.touch()
    assert folder.open("first", resume=True).is_resumed and left_over.exists()
    assert not folder.open("second", resume=True).is_resumed and not left_over.exists()


def test_a_run_that_goes_on_knows_how_long_it_was_at_it_before(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    work = folder.open("key", resume=False)
    assert work.spent == 0
    _age(work.path, begun=1_000, last_written=1_060)
    assert folder.open("key", resume=True).spent == 60
    _age(work.path, begun=5_000, last_written=5_005)
    assert folder.open("key", resume=True).spent == 65
    (work.path / "seconds.txt").write_text("", encoding="utf-8")  # Killed while it was written.
    assert folder.open("key", resume=True).is_resumed


def _age(path: Path, begun: int, last_written: int) -> None:
    """Let the run in that work folder have begun and written its last checkpoint at those seconds of the epoch."""
    (path / "checkpoint").touch()
    for file in path.iterdir():
        os.utime(file, (begun, begun))
    os.utime(path / "checkpoint", (last_written, last_written))


def test_too_little_space_and_read_only_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.errors import RunError

    usage = type("Usage", (), {"free": 1_000_000})()
    monkeypatch.setattr("training.result.folder.shutil.disk_usage", lambda _: usage)
    with pytest.raises(RunError, match=r"1 MB free.*another --out"):
        RunFolder(tmp_path / "out").open("key", resume=False)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Cannot write"):
        RunFolder(tmp_path / "file" / "out").open("key", resume=False)


def test_the_control_has_no_rotation_and_no_prefixes(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    config = tiny_config.changed(name="plain", matryoshka=False, rotation=False, steps=2, evaluations=0)
    assert train(config, RunOptions(tmp_path / "plain"), RunContext(settings, Report(quiet=True)))
    manifest = json.loads((tmp_path / "plain" / "adapter.json").read_text(encoding="utf-8"))
    assert manifest["trained_dims"] == []
    assert not (tmp_path / "plain" / "rotation.safetensors").exists()


def test_all_weights_can_be_trained(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config.changed(name="full", lora_rank=0, rotation=False, steps=2, evaluations=0)
    assert train(config, RunOptions(tmp_path / "full"), RunContext(settings, Report()))
    assert "the result is a whole model of 0 MB, where a LoRA adapter" in capsys.readouterr().out
    assert (tmp_path / "full" / "model" / "modules.json").is_file()
    assert not (tmp_path / "full" / "adapter.json").exists()


def test_learning_nothing_shows_nothing_and_the_base_s_own_length_stays(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    long = [row | {"positive": " ".join([row["positive"]] * 3)} for row in rows()]  # Past training's own limit.
    data = write_jsonl(tmp_path / "long.jsonl", long)
    config = tiny_config.changed(
        data=str(data), lora_rank=0, learning_rate=1e-12, rotation=False, distillation=False, max_tokens=8,
        steps=1, evaluations=0,
    )  # fmt: skip
    train(config, RunOptions(tmp_path / "out"), RunContext(settings, Report(quiet=True)))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert {row["difference"] for row in metrics["test"]} == {0.0}
    saved = SentenceTransformer(str(tmp_path / "out" / "model"), device="cpu", local_files_only=True)
    assert saved.max_seq_length == 32


def test_every_step_and_validation_is_told_to_a_page_that_watches(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    options = RunOptions(tmp_path / "told", events=tmp_path / "events.jsonl")
    train(tiny_config, options, RunContext(settings, Report(quiet=True)))
    told = RunProgress.of(read_events(tmp_path / "events.jsonl"))
    assert {step.step for step in told.steps} == set(range(1, 9))
    assert told.base is not None and len(told.validations) == 2
