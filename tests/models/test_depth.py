"""The first layers of a model as a model: its own first layers, a fingerprint of its own, and refusals by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mrl_demo.arms.names import resolve_arm
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.lab.lab import Lab
from tests.training.tiny import make_tiny_model


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT of two layers."""
    return make_tiny_model(tmp_path_factory.mktemp("deep") / "deep")


@pytest.fixture
def deep_lab(deep: Path, tmp_path: Path) -> Lab:
    lab = Lab(replace(Settings(), cache_dir=tmp_path))
    lab.add_arm(str(deep))
    return lab


def test_one_layer_gives_the_mean_of_that_layer_s_tokens(deep_lab: Lab) -> None:
    whole, shallow = (deep_lab.encoders.encoder(name) for name in ("deep", "deep@1"))
    texts = ["bread oven", "how the moon and the tide"]
    model = whole.model()  # type: ignore[attr-defined]
    read = model.preprocess(texts)
    with torch.no_grad():
        hidden = model[0].model(read["input_ids"], read["attention_mask"], output_hidden_states=True).hidden_states[1]
    mask = read["attention_mask"][:, :, None]
    wanted = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.abs(shallow.encode_queries(texts) - wanted).max() < 1e-5
    assert shallow.fingerprint != whole.fingerprint


def test_all_layers_are_the_model_itself_and_more_are_refused(deep_lab: Lab) -> None:
    assert deep_lab.encoders.encoder("deep@2") is deep_lab.encoders.encoder("deep")
    with pytest.raises(ModelError, match="deep has 2 layers, not 3"):
        resolve_arm("deep@3", deep_lab.builder.menu)
    with pytest.raises(ModelError, match="deep has 2 layers, not 3"):
        deep_lab.builder.menu.find("deep@3")


def test_a_suffix_stands_behind_the_layers(deep_lab: Lab) -> None:
    arm = resolve_arm("deep@1+pca", deep_lab.builder.menu)
    assert (arm.encoder, arm.transform.name, arm.label) == (
        "deep@1",
        "corpus-pca",
        "deep, 1 layer + PCA of this corpus",
    )
    assert "deep@1" not in {found.name for found in deep_lab.arms()}


def test_the_shipped_exits_bring_an_early_layer_near_the_last_one(tmp_path: Path) -> None:
    encoders = Lab(replace(Settings(), cache_dir=tmp_path)).encoders
    texts = ["how do bees talk to each other"]
    last, early, bare = (
        encoders.encoder(name).encode_queries(texts)[0] for name in ("tuned-2d", "tuned-2d@3", "minilm@3")
    )
    assert float(early @ last) > 0.5
    assert float(early @ last) > float(bare @ encoders.encoder("minilm").encode_queries(texts)[0])
