from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.specs import ModelSpec
from tests.training.tiny import rows, write_jsonl
from training import adapting
from training.errors import RunError


@pytest.fixture
def tiny_registry(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModelSpec("minilm", "folder", "tiny", 32, max_tokens=32)

    class Registry(adapting.EncoderRegistry):
        def __init__(self, settings: Settings) -> None:
            super().__init__(settings)
            self.add("minilm", SentenceEncoder(spec, lambda: tiny_base))

    monkeypatch.setattr(adapting, "EncoderRegistry", Registry)


@pytest.fixture
def corpus_file(tmp_path: Path) -> Path:
    texts = dict.fromkeys(row["positive"] for row in rows(200))
    return write_jsonl(tmp_path / "corpus.jsonl", [{"id": f"d{i}", "text": text} for i, text in enumerate(texts)])


@pytest.mark.usefixtures("tiny_registry")
def test_the_saved_folder_turns_vectors_by_the_saved_rotation(
    corpus_file: Path, tiny_base: Path, settings: Settings, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    out = tmp_path / "adapted"
    rotation = adapting.adapt(str(corpus_file), "base", out, settings).rotation
    saved = np.load(out / "rotation.npy", allow_pickle=False)
    assert np.array_equal(saved, rotation.matrix)
    texts = ["bread and oven", "moon and star"]
    plain = SentenceTransformer(str(tiny_base), device="cpu").encode(texts)
    turned = SentenceTransformer(str(out), device="cpu").encode(texts)
    assert np.allclose(turned, plain @ saved, atol=1e-5)
    assert np.allclose(turned @ turned.T, plain @ plain.T, atol=1e-5)
    assert SentenceTransformer(str(out), device="cpu").truncate_dim is None


@pytest.mark.usefixtures("tiny_registry")
def test_a_folder_that_is_there_is_not_overwritten(corpus_file: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="exists"):
        adapting.adapt(str(corpus_file), "base", tmp_path, settings)
