"""Weights are what their hash says, or a message names the file and the next step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.errors import ModelError
from mrl_demo.models.run_folder import MANIFEST
from mrl_demo.models.shipped.adapters import merged_model_dir, read_manifest
from mrl_demo.models.shipped.packaged import packaged_model_dir, verified_base_dir

ADAPTER = CODE_ROOT / "assets" / "adapters" / "tuned"


def test_base_weights_with_another_hash_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file it should be.*install it again"):
        verified_base_dir(tmp_path)
    with pytest.raises(ModelError, match="is missing"):
        verified_base_dir(tmp_path / "absent")


def test_the_packaged_weights_pass_their_hash() -> None:
    assert verified_base_dir() == packaged_model_dir()


def test_an_adapter_with_one_changed_byte_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    shutil.copytree(ADAPTER, folder)
    file = folder / "adapter_model.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors is not the file it should be"):
        merged_model_dir(folder, tmp_path / "cache")
    assert list((tmp_path / "cache").rglob("*.safetensors")) == []


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"name": "x"})])
def test_a_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"adapter\.json is missing or malformed"):
        read_manifest(tmp_path)


@pytest.mark.real_model
def test_the_merged_folder_loads_with_sentence_transformers_alone(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = merged_model_dir(ADAPTER, tmp_path)
    assert merged_model_dir(ADAPTER, tmp_path) == folder
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["matryoshka_dimensions"] == [8, 16, 32, 64, 128, 256, 384]
    full = SentenceTransformer(str(folder), device="cpu").encode(["a short text"])
    cut = SentenceTransformer(str(folder), device="cpu", truncate_dim=64).encode(["a short text"])
    assert full.shape == (1, 384)
    np.testing.assert_allclose(cut, full[:, :64], atol=1e-6)
    (weights,) = (path for path in folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    assert merged_model_dir(ADAPTER, tmp_path) == folder  # A damaged model in the cache is built again.
    assert weights.stat().st_size > 10**7
