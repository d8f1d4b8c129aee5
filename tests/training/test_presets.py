from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sentence_transformers import SentenceTransformer

from mrl_demo.adapt import Rotation
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from tests.training.hub_stand_in import Repository, serving
from tests.training.tiny import rows
from training.bases import settle
from training.columns import Columns
from training.config import TrainConfig, load_config
from training.context import RunContext, RunOptions
from training.data.pairs import builtin_data
from training.errors import ConfigError
from training.presets import preset_config
from training.report import Report
from training.run import check, fit_training_pca, train


@pytest.fixture
def msmarco(tmp_path: Path) -> Path:
    """A data set of a hundred rows with the columns, the subset and the file type of the MS MARCO triplets."""
    folder = tmp_path / "msmarco"
    (folder / "triplet-hard").mkdir(parents=True)
    items = [{**row, "negative": f"{row['positive']} loom"} for row in rows(200)]
    pd.DataFrame(items).to_parquet(folder / "triplet-hard" / "train-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: triplet-hard\n  data_files:\n  - split: train\n"
        "    path: triplet-hard/train-*\n---\n",
        encoding="utf-8",
    )
    return folder


def test_the_msmarco_preset_runs_end_to_end_against_a_hub(msmarco: Path, tiny_base: Path, tmp_path: Path) -> None:
    """As a person runs it, in a process of its own; only sizes are changed. Model and rows come over HTTP."""
    config, asked = preset_config("msmarco"), list[str]()
    _, data, subset, _ = config.pairs.data.split(":")
    assert subset == "triplet-hard"
    model = Repository(config.base, tiny_base, commit=config.revision)
    out = tmp_path / "out"
    smaller = ["--dims=8,16,32", "--steps=3", "--batch-size=8", "--evaluations=1", "--max-tokens=32", "--max-rows=100"]
    with serving(model, Repository(data, msmarco, "datasets"), asked=asked) as address:
        home = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "training", f"--cache-dir={tmp_path / 'cache'}", "train", "--preset=msmarco",
             f"--out={out}", f"--model-out={tmp_path / 'model'}", *smaller],
            env={**os.environ, **home}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert any(path.endswith("train-00000-of-00001.parquet") for path in asked)
    assert any(f"resolve/{config.revision}/" in path and path.endswith(".safetensors") for path in asked)
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert {(row["metric"], row["dim"]) for row in metrics["test"]} >= {("mrr@10", 8), ("recall@10", 32)}
    assert "Represent this sentence for searching relevant passages" in (out / "README.md").read_text(encoding="utf-8")
    trained = SentenceTransformer(str(tmp_path / "model"), device="cpu", truncate_dim=16)
    assert trained.encode(["the moon"]).shape == (1, 16)


def test_a_data_set_that_cannot_be_read_is_named(tiny_base: Path, settings: Settings, tmp_path: Path) -> None:
    config = preset_config("gooaq").changed(base=str(tiny_base), dims=(8, 16), data=f"hub:{tmp_path}/absent:pair:train")
    with pytest.raises(ModelError, match=r"absent.*could not be read"):
        train(config, RunOptions(tmp_path / "out"), RunContext(settings, Report(quiet=True)))
    assert not (tmp_path / "out").exists()


def test_the_builtin_data_trains_on_no_query_of_another_split(settings: Settings) -> None:
    data = builtin_data(settings.assets_dir, settings.cache_dir, 50)
    other = {query.text for query in data.judge.queries if query.split != "train"}
    assert other and not other & set(data.pairs.queries)
    assert not {query.text for query in data.judge.queries} & set(data.broad)
    assert len(data.broad) == len(data.judge) + 50
    assert {query.split for query in data.judge.queries} == {"train", "validation", "test"}


def test_the_training_pca_is_saved_as_a_rotation(tiny_config: TrainConfig, settings: Settings, tmp_path: Path) -> None:
    fit_training_pca(tiny_config, Columns(), RunContext(settings, Report(quiet=True))).save(
        tmp_path / "pca.safetensors"
    )
    found = Rotation.load(tmp_path / "pca.safetensors")
    assert (found.kind, found.dimension) == ("pca", 32)
    assert np.allclose(found.matrix.T @ found.matrix, np.eye(32), atol=1e-4)


@pytest.fixture
def prompted(tiny_base: Path, tmp_path: Path) -> Path:
    """The tiny model with prompts of its own, as E5, mxbai and nomic have them."""
    folder = shutil.copytree(tiny_base, tmp_path / "prompted")
    file = folder / "config_sentence_transformers.json"
    raw = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(raw | {"prompts": {"query": "how ", "document": "the "}}), encoding="utf-8")
    return folder


def test_a_base_is_trained_with_its_own_prompts_unless_others_are_given(
    prompted: Path, tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    config = tiny_config.changed(base=str(prompted), steps=2)
    found, base = settle(config)
    assert (found.prompts.query_prompt, found.prompts.document_prompt) == ("how ", "the ")
    assert (base.spec.query_prompt, base.spec.document_prompt) == ("how ", "the ")
    assert settle(config.changed(query_prompt="what "))[0].prompts.document_prompt == ""
    assert train(config, RunOptions(tmp_path / "out"), RunContext(settings, Report(quiet=True)))
    assert load_config(tmp_path / "out" / "training_config.json").prompts.query_prompt == "how "
    assert "Queries start with the prompt `how `" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert not train(config, RunOptions(tmp_path / "out"), RunContext(settings, Report(quiet=True)))


def test_a_dim_above_a_folders_model_is_named_by_the_check(tiny_config: TrainConfig, settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"dims \[48, 64\] are above the model's 32"):
        check(tiny_config.changed(dims=(8, 48, 64)), Columns(), RunContext(settings, Report(quiet=True)))
