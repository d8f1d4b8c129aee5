"""A tiny model, rows and settings for every test of the training package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from tests.training.tiny import make_tiny_model, rows, write_jsonl
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.report import Report
from training.run import train


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("data") / "rows.jsonl", rows())


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tiny_config(tiny_base: Path, data_file: Path) -> TrainConfig:
    return TrainConfig("tiny").changed(
        base=str(tiny_base), data=str(data_file), dims=(4, 8, 16), batch_size=8, lora_rank=4, steps=8,
        evaluations=2, learning_rate=5e-3,
    )  # fmt: skip


@pytest.fixture(scope="session")
def finished(tiny_config: TrainConfig, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished tiny run."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    assert train(tiny_config, RunOptions(out), RunContext(settings, Report(quiet=True)))
    return out


@pytest.fixture
def run_tiny(tiny_config: TrainConfig, settings: Settings) -> Callable[..., bool]:
    def run(out: Path, **options: bool) -> bool:
        return train(tiny_config, RunOptions(out, **options), RunContext(settings, Report(quiet=True)))

    return run
