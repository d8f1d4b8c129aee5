"""Collections of single visitors: on no menu, gone when they say so or stay away, embedded in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.arms import parts
from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import Cancelled, CorpusError
from mrl_demo.core.types import Document, FloatMatrix, Progress
from mrl_demo.corpora import make_corpus
from mrl_demo.lab.lab import Lab
from mrl_demo.lab.shelf import CorpusShelf
from tests.conftest import HashingEncoder

DOCUMENTS = [Document(f"d{i}", f"Note {i}", f"The word {i} and the word {i * 7 % 31}.") for i in range(60)]
CORPUS = make_corpus("mine", "Mine", DOCUMENTS)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(replace(Settings(), cache_dir=tmp_path, uploads_kept=2))
    made.encoders.add("mine", HashingEncoder())
    made.add_arm("mine")
    return made


def kept_files(lab: Lab) -> list[Path]:
    return [path for path in lab.settings.cache_dir.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_private_collection_is_searched_by_its_name_alone_and_leaves_nothing_behind(lab: Lab) -> None:
    before = kept_files(lab)
    name = lab.add_private(CORPUS)
    assert name not in {choice.name for choice in lab.corpora()}
    assert lab.label_of(name) == "documents of their own"
    lab.prepare(name, ["mine"])
    found = lab.compare("the word 14", corpus=name, arms=["mine"], dim=16)
    assert found.arms[0].result.hits and kept_files(lab) != before
    assert lab.examples(name)[0].text == "Note 0"
    other = lab.add_private(CORPUS)
    assert other != name
    with pytest.raises(CorpusError, match="keeps 2 collections of visitors"):
        lab.add_private(CORPUS)
    for each in (name, other, "own-nobody"):
        lab.remove_private(each)
    assert kept_files(lab) == before
    with pytest.raises(CorpusError, match="no longer here"):
        lab.compare("the word 14", corpus=name, arms=["mine"], dim=16)


def test_who_stays_away_is_forgotten() -> None:
    clock = [0.0]
    shelf = CorpusShelf(most=3, seconds=60, now=lambda: clock[0])
    name = shelf.put(CORPUS)
    clock[0] = 50
    assert shelf.find(name) is not None  # Asking for it keeps it.
    clock[0] = 109
    assert shelf.find(name) is not None and shelf.expired() == []
    clock[0] = 170
    assert shelf.find(name) is None and shelf.expired() == [name]
    assert shelf.remove(name) is not None and shelf.remove(name) is None


class CountingEncoder(HashingEncoder):
    """Counts the texts it encodes, and breaks off after so many."""

    def __init__(self, breaks_after: int = 10**9) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.breaks_after = breaks_after

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        if len(self.seen) >= self.breaks_after:
            raise Cancelled("stopped")
        self.seen += texts
        return super().encode_documents(texts, progress)


def test_an_interrupted_encoding_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_TEXTS", 16)
    cache = VectorCache(tmp_path, tmp_path / "shipped")
    texts = [document.content for document in DOCUMENTS]
    first, second = CountingEncoder(breaks_after=32), CountingEncoder()
    with pytest.raises(Cancelled):
        parts.PartlyEncoded(cache, "model").encode(texts, first)
    again = parts.PartlyEncoded(cache, "model")
    vectors = again.encode(texts, second)
    assert first.seen + second.seen == texts  # Nothing twice.
    np.testing.assert_array_equal(vectors, HashingEncoder().encode_documents(texts))
    again.remove()
    assert not list(tmp_path.rglob("*.safetensors"))
    third = CountingEncoder()
    parts.PartlyEncoded(cache, "other model").encode(texts, third)
    assert third.seen == texts
