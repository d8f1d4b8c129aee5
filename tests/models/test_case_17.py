"""Case 17: documents whose telling words come after token 600, for a model that reads 1,024 tokens."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from mrl_demo import cli
from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.vectors import normalise
from tests.models.zoo import bert

CASE = CODE_ROOT / "tests" / "cases" / "17" / "beir"


def texts(name: str, *fields: str) -> list[str]:
    lines = (CASE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [" ".join(json.loads(line)[field] for field in fields) for line in lines]


def evaluated(folder: Path, cache: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[float, list[str]]:
    """Full-length nDCG@10 and the notes of `mrl evaluate`."""
    command = ["evaluate", "--arms", str(folder), "--dims", "32", "--metrics", "ndcg@10", "--corpus", str(CASE)]
    assert cli.main([*command, "--cache-dir", str(cache), "--json", *more]) == 0
    result = json.loads(capsys.readouterr().out)
    return result["rows"][0]["value"], result["notes"]


def test_the_models_own_length_counts_and_a_shorter_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bert(tokens=1024, positions=1024)(tmp_path / "long")
    model = SentenceTransformer(str(folder), device="cpu")
    queries, documents = model.encode_query(texts("queries", "text")), model.encode_document(texts("corpus", "text"))
    ranks = np.argsort(np.argsort(-normalise(queries) @ normalise(documents).T, axis=1), axis=1).diagonal()
    peer = float(np.where(ranks < 10, 1 / np.log2(ranks + 2), 0).mean())
    value, notes = evaluated(folder, tmp_path / "cache", capsys)
    assert value == pytest.approx(peer, abs=0.02) and peer > 0.9
    assert not any("tokens" in note for note in notes)
    value, notes = evaluated(folder, tmp_path / "cache", capsys, "--max-tokens", "512")
    assert value < 0.6  # All documents look alike: the expected value of drawing by lot.
    assert any(note.startswith("12 of 12 documents are longer than the 512 tokens that long reads") for note in notes)
