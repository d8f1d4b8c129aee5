"""What is known of Hub models is well-formed, and reaches a model that a stand-in Hub serves under that name."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError, ServiceError
from mrl_demo.core.vectors import normalise
from mrl_demo.lab.lab import Lab
from mrl_demo.models.files.hub import hub_name
from mrl_demo.models.known import KNOWN_MODELS, find_known
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import HUB_MODELS
from mrl_demo.ui import serve
from tests.models.zoo import ZOO
from tests.training.hub_stand_in import Repository, serving

#: The build of each known model that is served in its place.
SHAPES = {
    "nomic-ai/nomic-embed-text-v1.5": "no normalize",
    "google/embeddinggemma-300m": "dense",
    "sentence-transformers/static-retrieval-mrl-en-v1": "static",
    "Qwen/Qwen3-Embedding-0.6B": "bfloat16",
    "jinaai/jina-embeddings-v3": "router",
    "mixedbread-ai/mxbai-embed-large-v1": "prompts",
}


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.model_id)
def test_every_entry_is_well_formed(model: object) -> None:
    known = find_known(model.model_id)  # type: ignore[attr-defined]
    assert known is model
    assert hub_name(known.model_id) == (known.model_id, "")
    assert known.pooling in {"mean", "cls", "lasttoken", "static"}
    assert known.similarity == "cosine"
    assert known.licence
    assert list(known.trained_dims) == sorted(set(known.trained_dims))
    assert not known.trained_dims or known.trained_dims[-1] == known.dimension
    assert (known.max_tokens == 0) == (known.pooling == "static")


def test_the_pinned_specs_agree_with_what_is_known() -> None:
    for spec in HUB_MODELS:
        known = find_known(spec.name)
        assert known is not None
        for name in ("model_id", "dimension", "trained_dims", "query_prompt", "document_prompt", "layer_norm"):
            assert getattr(spec, name) == getattr(known, name), name
    assert [model.model_id for model in KNOWN_MODELS if not model.is_commercial] == ["jinaai/jina-embeddings-v3"]
    assert find_known("nobody/nothing") is None


@pytest.mark.parametrize("model_id", SHAPES)
def test_a_model_of_that_name_loads_from_a_hub_with_what_is_known(
    model_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ZOO[SHAPES[model_id]](tmp_path / "model")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with serving(Repository(model_id, folder)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub)
        registry = EncoderRegistry(replace(Settings(device="cpu"), cache_dir=tmp_path / "cache"))
        name = registry.add_model(model_id)
        known, encoder = find_known(model_id), registry.encoder(name)
        assert known is not None
        vectors = encoder.encode_documents(["bread and yeast", "river tide"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    spec = encoder.spec  # type: ignore[attr-defined]
    own = SHAPES[model_id] == "prompts"
    assert spec.query_prompt == ("ask : " if own else known.query_prompt)
    assert (spec.layer_norm, spec.licence) == (known.layer_norm, known.licence)
    assert bool(registry.notes(name)) >= (not known.is_commercial)
    if known.layer_norm:
        np.testing.assert_allclose(vectors.mean(axis=1), 0, atol=1e-6)  # A layer norm leaves rows without a mean.
        np.testing.assert_allclose(vectors, normalise(vectors - vectors.mean(axis=1, keepdims=True)), atol=1e-5)


def test_a_failing_hub_is_told_apart_from_a_model_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    registry = EncoderRegistry(replace(Settings(device="cpu"), cache_dir=tmp_path))
    with pytest.raises(ServiceError, match="stay with the packaged base model"):
        registry.add_model("nobody/nothing")
    for given in ("../../etc/passwd", "https:/evil", "a/b/c"):
        with pytest.raises(ModelError, match="neither a folder here nor OWNER/NAME"):
            registry.add_model(given)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((401, "RepoNotFound"), "RepositoryNotFoundError"),
        ((403, "GatedRepo"), "GatedRepoError"),
        ((429, "TooManyRequests"), "429"),
        ((500, "Internal"), "500"),
    ],
)
def test_a_hub_that_refuses_is_told_in_a_line_and_the_page_starts_without_that_model(
    refusal: tuple[int, str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    lab = Lab(replace(Settings(device="cpu"), cache_dir=tmp_path / "cache"))
    options = argparse.Namespace(model=["me/refused"], query_prompt=None, document_prompt=None)
    with serving(Repository("me/refused", tmp_path, refusal=refusal)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub)
        serve._add_models(lab, options)
    said = capsys.readouterr().out
    assert "me/refused is left out, the page starts without it" in said
    assert words in said
    assert "stay with the packaged base model" in said
