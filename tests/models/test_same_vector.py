"""One text, one vector: few or many, query or document, encoder, command line or training, as sentence-transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from mrl_demo import cli
from mrl_demo.core.config import Settings
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.reading import own_prompts
from mrl_demo.models.registry import EncoderRegistry
from tests.models.zoo import ZOO, static_embedding, texts
from training.bases import encode, settle
from training.config import TrainConfig

COUNTS = (1, 32, 33, 300)


@pytest.fixture(scope="module", params=ZOO)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ZOO[request.param](tmp_path_factory.mktemp("zoo") / "model")


def peer(folder: Path) -> SentenceTransformer:
    """Sentence-transformers alone, uncut, in float32."""
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32}).float()
    model.truncate_dim = None
    return model


def peers(folder: Path) -> tuple[FloatMatrix, FloatMatrix]:
    """Its unit rows of 300 queries and 300 documents."""
    model = peer(folder)
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
    monkeypatch.setattr("mrl_demo.models.batches.bulk.has_bf16", lambda _: False)
    for count in COUNTS:
        assert least_cosine(encoder.encode_documents(texts(300)[:count]), documents[:count]) >= 0.9999, count


def test_training_measures_its_base_with_the_same_vectors(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, documents = peers(folder)
    config, base = settle(TrainConfig("mine").changed(base=str(folder), dims=(4, 8), lora_rank=0))
    model = base.load()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert least_cosine(encode(model, texts(300), config.prompts.query_reading), queries) >= 0.999
    assert least_cosine(encode(model, texts(300), config.prompts.document_reading), documents) >= 0.999
    monkeypatch.setattr("mrl_demo.models.batches.bulk.has_bf16", lambda _: False)
    assert least_cosine(encode(model, texts(300)[:33], config.prompts.query_reading), queries[:33]) >= 0.9999


def test_half_precision_models_are_near_what_they_give_in_their_own_precision(tmp_path: Path) -> None:
    for name in ("bfloat16", "float16"):
        folder = ZOO[name](tmp_path / name)
        own = SentenceTransformer(str(folder), device="cpu")
        assert {parameter.dtype for parameter in own.parameters()} == {getattr(torch, name)}
        rows = normalise(own.encode_document(texts(33)).astype(np.float32))
        assert least_cosine(add(folder, tmp_path).encode_documents(texts(33)), rows) >= 0.999


@settings(max_examples=60, deadline=None)
@given(
    prompts=st.dictionaries(
        st.sampled_from(["query", "document", "passage", "corpus", "x"]), st.sampled_from(["", "p "])
    ),
    default=st.sampled_from(["query", "document", "passage", "x", None]),
)
def test_prompts_are_those_that_sentence_transformers_puts_first(prompts: dict[str, str], default: str | None) -> None:
    model = SentenceTransformer(
        modules=[static_embedding()], device="cpu", prompts=prompts,
        default_prompt_name=default if default in prompts else None,
    )  # fmt: skip
    seen: list[str | None] = []
    model._inference = lambda inputs, *, prompt, **_: seen.append(prompt) or torch.zeros(len(inputs), 2)
    model.encode_query(["a"])
    model.encode_document(["a"])
    assert own_prompts(model) == (seen[0] or "", seen[1] or "")


def test_the_command_line_scores_as_sentence_transformers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`search --arm FOLDER` over 40 documents, encoded in bulk, at full length."""
    _, documents = peers(folder)
    corpus = tmp_path / "corpus.jsonl"
    rows = [{"id": str(i), "text": text} for i, text in enumerate(texts(300)[:40])]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    query, dim = normalise(peer(folder).encode_query(["How star and MOON"])), str(documents.shape[1])
    command = ["search", "How star and MOON", "--arm", str(folder), "--dim", dim, "--corpus", str(corpus), "--json"]
    assert cli.main([*command, "--top-k", "40", "--cache-dir", str(tmp_path / "cache")]) == 0
    hits = json.loads(capsys.readouterr().out)["arms"][0]["hits"]
    cosines = documents[:40] @ query[0]
    scores = np.array([hit["score"] for hit in sorted(hits, key=lambda hit: int(hit["id"]))])
    np.testing.assert_allclose(scores, cosines, atol=0.02)
    assert np.corrcoef(scores, cosines)[0, 1] > 0.995
