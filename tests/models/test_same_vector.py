"""One text, one vector: few or many, query or document, encoder, command line or training, as sentence-transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from mrl_demo.core.config import Settings
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.registry import EncoderRegistry
from tests.models.zoo import ZOO, texts
from training.bases import encode, settle
from training.config import TrainConfig

COUNTS = (1, 32, 33, 300)


@pytest.fixture(scope="module", params=ZOO)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ZOO[request.param](tmp_path_factory.mktemp("zoo") / "model")


def peers(folder: Path) -> tuple[FloatMatrix, FloatMatrix]:
    """Unit rows of 300 queries and 300 documents by sentence-transformers alone, uncut, in float32."""
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32}).float()
    model.truncate_dim = None
    queries, documents = model.encode_query(texts(300)), model.encode_document(texts(300))
    return normalise(np.asarray(queries, np.float32)), normalise(np.asarray(documents, np.float32))


def least_cosine(ours: FloatMatrix, theirs: FloatMatrix) -> float:
    return float(np.einsum("nd,nd->n", ours, theirs).min())


def add(folder: Path, tmp_path: Path) -> SentenceEncoder:
    registry = EncoderRegistry(Settings(cache_dir=tmp_path / "cache", device="cpu"))
    encoder = registry.encoder(registry.add_model(str(folder)))
    assert isinstance(encoder, SentenceEncoder)
    return encoder


def test_every_path_gives_the_vector_of_sentence_transformers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, documents = peers(folder)
    encoder = add(folder, tmp_path)
    assert encoder.dimension == queries.shape[1]
    for count in COUNTS:
        assert least_cosine(encoder.encode_queries(texts(300)[:count]), queries[:count]) >= 0.9999, count
        assert least_cosine(encoder.encode_documents(texts(300)[:count]), documents[:count]) >= 0.999, count
    monkeypatch.setattr("mrl_demo.models.bulk.has_bf16", lambda _: False)
    for count in COUNTS:
        assert least_cosine(encoder.encode_documents(texts(300)[:count]), documents[:count]) >= 0.9999, count


def test_training_measures_its_base_with_the_same_vectors(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, documents = peers(folder)
    config, base = settle(TrainConfig("mine", base=str(folder), dims=(4, 8), lora_rank=0))
    model = base.load()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert least_cosine(encode(model, texts(300), config.query_reading), queries) >= 0.999
    assert least_cosine(encode(model, texts(300), config.document_reading), documents) >= 0.999
    monkeypatch.setattr("mrl_demo.models.bulk.has_bf16", lambda _: False)
    assert least_cosine(encode(model, texts(33), config.query_reading), normalise(peer_queries(folder))) >= 0.9999


def peer_queries(folder: Path) -> FloatMatrix:
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32}).float()
    model.truncate_dim = None
    return np.asarray(model.encode_query(texts(33)), np.float32)
