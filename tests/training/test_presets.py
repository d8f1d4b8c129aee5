from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import rows, write_jsonl

from mrl_demo.adapt import Rotation
from mrl_demo.config import Settings
from mrl_demo.types import ModelError
from training.config import TrainConfig
from training.data import builtin_data
from training.presets import preset
from training.report import Report
from training.run import RunOptions, fit_training_pca, train


@pytest.fixture
def msmarco_stand_in(tmp_path: Path) -> Path:
    """A data set folder with the columns and the subset name of the MS MARCO triplets."""
    folder = tmp_path / "msmarco"
    (folder / "triplet-hard").mkdir(parents=True)
    items = [{**row, "negative": f"{row['positive']} loom"} for row in rows(200)]
    write_jsonl(folder / "triplet-hard" / "train.jsonl", items)
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: triplet-hard\n  data_files: triplet-hard/*.jsonl\n---\n", encoding="utf-8"
    )
    return folder


def test_the_msmarco_preset_runs_end_to_end(
    msmarco_stand_in: Path, tiny_base: Path, settings: Settings, tmp_path: Path
) -> None:
    config = replace(
        preset("msmarco"), base=str(tiny_base), revision="", data=f"hub:{msmarco_stand_in}:triplet-hard:train",
        dims=(8, 16, 32), steps=3, batch_size=8, cached_batch=4, evaluations=1, max_tokens=32, max_rows=100,
    )  # fmt: skip
    assert train(config, RunOptions(tmp_path / "out"), settings, Report(quiet=True))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert {(row["metric"], row["dim"]) for row in metrics["test"]} >= {("mrr@10", 8), ("recall@10", 32)}
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "Represent this sentence for searching relevant passages" in card


def test_a_data_set_that_cannot_be_read_is_named(tiny_base: Path, settings: Settings, tmp_path: Path) -> None:
    config = replace(preset("gooaq"), base=str(tiny_base), data=f"hub:{tmp_path}/absent:pair:train")
    with pytest.raises(ModelError, match=r"absent.*could not be read"):
        train(config, RunOptions(tmp_path / "out"), settings, Report(quiet=True))
    assert not (tmp_path / "out").exists()


def test_the_builtin_data_trains_on_no_query_of_another_split(settings: Settings) -> None:
    data = builtin_data(settings.assets_dir, settings.cache_dir, 50)
    other = {query.text for query in data.judge.queries if query.split != "train"}
    assert other and not other & set(data.pairs.queries)
    assert not {query.text for query in data.judge.queries} & set(data.broad)
    assert len(data.broad) == len(data.judge) + 50
    assert {query.split for query in data.judge.queries} == {"train", "validation", "test"}


def test_the_training_pca_is_saved_as_a_rotation(tiny_config: TrainConfig, settings: Settings, tmp_path: Path) -> None:
    fit_training_pca(tiny_config, settings, Report(quiet=True)).save(tmp_path / "pca.safetensors")
    found = Rotation.load(tmp_path / "pca.safetensors")
    assert (found.kind, found.dimension) == ("pca", 32)
    assert np.allclose(found.matrix.T @ found.matrix, np.eye(32), atol=1e-4)
