"""Rotations of an arm: fitted once, kept by all they depend on, shipped for the built-in collection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mrl_demo.arms.spaces
from mrl_demo.adapt import Rotation
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.core.types import ArmSpec, Corpus, Document
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.builtin import load_builtin
from mrl_demo.lab.lab import Lab
from mrl_demo.models.registry import EncoderRegistry

ARM = ArmSpec("tiny-adapted", "", "", "tiny", "adapted")


def corpus_of(documents: int, lead: str = "Leaf") -> Corpus:
    rows = [
        Document(str(i), f"{lead} number {i} here", f"Stem {i % 7} grows tall. Root {i % 5} goes deep {i}.")
        for i in range(documents)
    ]
    return make_corpus("plants", "Plants", dict.fromkeys(rows), [], {})


@pytest.fixture
def builder(tmp_path: Path, encoder: Any) -> SpaceBuilder:
    registry = EncoderRegistry(Settings(cache_dir=tmp_path / "cache", assets_dir=tmp_path / "assets"))
    registry.add("tiny", encoder)
    return SpaceBuilder(registry, tmp_path / "cache", tmp_path / "assets")


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many documents and queries each fit was given."""
    seen: list[tuple[int, int]] = []
    real = mrl_demo.arms.spaces.fit_adapted

    def counted(vectors: Any, settings: Any = None, progress: Any = None, queries: Any = None) -> Rotation:
        seen.append((len(vectors), len(queries)))
        return real(vectors, settings, progress, queries)

    monkeypatch.setattr(mrl_demo.arms.spaces, "fit_adapted", counted)
    return seen


def test_a_rotation_is_fitted_once_with_the_titles_and_sentences(
    builder: SpaceBuilder, fits: list[tuple[int, int]]
) -> None:
    corpus = corpus_of(60)
    one, again = builder.space(ARM, corpus), builder.space(ARM, corpus)
    assert len(fits) == 1
    assert fits[0][0] == 60
    assert fits[0][1] > 60  # Each title, and other sentences beside them.
    assert one.rotation is not None and again.rotation is not None
    assert one.rotation.fingerprint == again.rotation.fingerprint
    np.testing.assert_array_equal(one.documents, again.documents)


def test_other_texts_or_another_arm_get_their_own_rotation(builder: SpaceBuilder) -> None:
    corpus, other = corpus_of(60), corpus_of(60, "Twig")
    vectors = builder.documents("tiny", corpus)
    keys = {
        builder.rotation_key(ARM, corpus, vectors),
        builder.rotation_key(ARM, other, vectors),
        builder.rotation_key(ARM, corpus, vectors[:-1]),
        builder.rotation_key(ArmSpec("tiny-pca", "", "", "tiny", "corpus-pca"), corpus, vectors),
        builder.rotation_key(replace(ARM, trained_dims=(8, 16)), corpus, vectors),
    }
    assert len(keys) == 5


@pytest.mark.parametrize("place", ["cache", "assets"])
def test_a_damaged_rotation_is_fitted_again(
    builder: SpaceBuilder, fits: list[tuple[int, int]], tmp_path: Path, place: str
) -> None:
    corpus = corpus_of(60)
    good = builder.space(ARM, corpus)
    (kept,) = (tmp_path / "cache" / "rotations").glob("*.safetensors")
    path = tmp_path / place / "rotations" / kept.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept.read_bytes()[:-8])
    if place == "assets":
        kept.unlink()
    again = builder.space(ARM, corpus)
    assert len(fits) == 2
    assert good.rotation is not None and again.rotation is not None
    assert good.rotation.fingerprint == again.rotation.fingerprint


@pytest.mark.real_model
@pytest.mark.parametrize("arm", ["adapted", "tuned-adapted"])
def test_the_built_in_collection_needs_no_fit(arm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Rotation:
        raise AssertionError("fitted: run dev/ship_vectors.py")

    monkeypatch.setattr(mrl_demo.arms.spaces, "fit_adapted", never)
    lab = Lab(Settings(cache_dir=tmp_path))
    spec = next(each for each in lab.arms() if each.name == arm)
    space = lab.builder.space(spec, load_builtin(lab.settings.assets_dir))
    assert space.rotation is not None
    assert space.rotation.kind == "adapted"
    assert space.rotation.steps > 0
