"""Models of any build are bases: trained, saved, and read back with the vectors that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from mrl_demo.core.config import Settings
from mrl_demo.core.vectors import normalise
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.registry import EncoderRegistry
from tests.models.zoo import WORDS, ZOO
from training.bases import settle
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.report import Report
from training.run import train

TEXTS = ["bread and oven", "what the tide", "moon"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    words = [WORDS[i % 16] for i in range(80)]
    rows = [
        {"query": f"how {word} {words[(i * 7) % 80]}", "positive": f"the {word} and {words[(i * 7) % 80]} w{i % 40}"}
        for i, word in enumerate(words)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def trained(base: Path, pairs: Path, tmp_path: Path, **changes: object) -> tuple[Path, TrainConfig]:
    config = TrainConfig("mine").changed(
        base=str(base), data=str(pairs), dims=(4, 8), batch_size=8, steps=2, evaluations=1, lora_rank=4
    )
    config = config.changed(**changes)
    out = tmp_path / "cache" / "trained" / "mine"
    settings = Settings(cache_dir=tmp_path / "cache", device="cpu")
    assert train(config, RunOptions(out), RunContext(settings, Report(quiet=True)))
    return out, config


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("bfloat16", {}),
        ("float16", {}),
        ("float16", {"lora_rank": 0, "rotation": False}),
        ("peft", {}),
        ("dense", {}),
        ("prompt not pooled", {}),
        ("no normalize", {}),
        ("static", {"lora_rank": 0}),
        ("router", {"lora_rank": 0}),
    ],
    ids=str,
)
def test_a_base_of_any_build_trains(name: str, changes: dict[str, object], pairs: Path, tmp_path: Path) -> None:
    """And the folder gives sentence-transformers, with the prompts it was trained with, the vectors of our arm."""
    base = ZOO[name](tmp_path / "base")
    out, _ = trained(base, pairs, tmp_path, **changes)
    model = SentenceTransformer(str(out / "model"), device="cpu")
    assert {str(parameter.dtype) for parameter in model.parameters()} == {"torch.float32"}
    assert model.max_seq_length == SentenceTransformer(str(base), device="cpu").max_seq_length
    registry = EncoderRegistry(Settings(cache_dir=tmp_path / "cache", device="cpu"))
    encoder = registry.encoder("mine")
    assert isinstance(encoder, SentenceEncoder)
    for ours, theirs in (
        (encoder.encode_queries(TEXTS), model.encode_query(TEXTS)),
        (encoder.encode_documents(TEXTS), model.encode_document(TEXTS)),
    ):
        assert np.einsum("nd,nd->n", ours, normalise(theirs)).min() >= 0.999


@pytest.mark.parametrize("name", ["static", "router"])
def test_a_base_without_layers_for_lora_is_trained_whole_and_that_is_said(name: str, tmp_path: Path) -> None:
    base = ZOO[name](tmp_path / "base")
    config, settled = settle(TrainConfig("mine").changed(base=str(base), dims=(4, 8), lora_rank=4))
    assert config.adapter.lora_rank == 0
    assert any("all of its weights are trained" in note for note in settled.spec.notes)
