"""Rotations of an arm: fitted once, kept by all they depend on, shipped for the built-in collection."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mrl_demo.arms.transforms.adapted
from mrl_demo.adapt import AdaptSettings, Rotation
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import Space, SpaceBuilder
from mrl_demo.arms.transforms.adapted import Adapted
from mrl_demo.arms.transforms.corpus_pca import CorpusPca
from mrl_demo.arms.transforms.cut import Cut
from mrl_demo.arms.vectors import load_vectors
from mrl_demo.core.config import Settings
from mrl_demo.core.text_vectors import TextVectors
from mrl_demo.core.types import Corpus, Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.lab.lab import Lab
from mrl_demo.models.registry import EncoderRegistry
from tests.conftest import HashingEncoder

ARM = Arm("tiny-adapted", "", "", "tiny", transform=Adapted())
PCA = Arm("tiny-pca", "", "", "tiny", transform=CorpusPca())


def corpus_of(documents: int, lead: str = "Leaf") -> Corpus:
    rows = [
        Document(str(i), f"{lead} number {i} here", f"Stem {i % 7} grows tall. Root {i % 5} goes deep {i}.")
        for i in range(documents)
    ]
    return make_corpus("plants", "Plants", dict.fromkeys(rows), [], {})


def rotation_of(space: Space) -> Rotation:
    assert isinstance(space.transform, Rotation)
    return space.transform


@pytest.fixture
def builder(tmp_path: Path, encoder: Any) -> SpaceBuilder:
    registry = EncoderRegistry(Settings(cache_dir=tmp_path / "cache", assets_dir=tmp_path / "assets"))
    registry.add("tiny", encoder)
    return SpaceBuilder(registry, tmp_path / "cache", tmp_path / "assets")


def restarted(builder: SpaceBuilder, tmp_path: Path) -> SpaceBuilder:
    """Another process over the same folders."""
    return SpaceBuilder(builder.encoders, tmp_path / "cache", tmp_path / "assets")


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many documents and queries each fit was given."""
    seen: list[tuple[int, int]] = []
    real = mrl_demo.arms.transforms.adapted.fit_adapted

    def counted(vectors: Any, settings: Any = None, progress: Any = None, queries: Any = None) -> Rotation:
        seen.append((len(vectors), len(queries)))
        return real(vectors, settings, progress, queries)

    monkeypatch.setattr(mrl_demo.arms.transforms.adapted, "fit_adapted", counted)
    return seen


def test_a_rotation_is_fitted_once_with_the_titles_and_sentences(
    builder: SpaceBuilder, fits: list[tuple[int, int]]
) -> None:
    corpus = corpus_of(60)
    one, again = builder.space(ARM, corpus), builder.space(ARM, corpus)
    assert len(fits) == 1
    assert fits[0][0] == 60
    assert fits[0][1] > 60  # Each title, and other sentences beside them.
    assert rotation_of(one).fingerprint == rotation_of(again).fingerprint
    np.testing.assert_array_equal(one.documents, again.documents)


def test_other_texts_or_another_arm_get_their_own_rotation(builder: SpaceBuilder) -> None:
    corpus, other = corpus_of(60), corpus_of(60, "Twig")
    vectors = builder.documents("tiny", corpus)
    keys = {
        arm.transform.key(builder.material(arm, corpus, rows))
        for arm, corpus, rows in (
            (ARM, corpus, vectors),
            (ARM, other, vectors),
            (ARM, corpus, vectors[:, ::-1]),
            (PCA, corpus, vectors),
            (replace(ARM, trained_dims=(8, 16)), corpus, vectors),
        )
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
    again = restarted(builder, tmp_path).space(ARM, corpus)
    assert len(fits) == 2
    assert rotation_of(good).fingerprint == rotation_of(again).fingerprint


def test_swapped_rotation_files_are_found_out(
    builder: SpaceBuilder, fits: list[tuple[int, int]], tmp_path: Path
) -> None:
    corpora = corpus_of(60), corpus_of(60, "Twig")
    before = [rotation_of(builder.space(ARM, corpus)).fingerprint for corpus in corpora]
    one, other = (tmp_path / "cache" / "rotations").glob("*.safetensors")
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    after = restarted(builder, tmp_path)
    assert [rotation_of(after.space(ARM, corpus)).fingerprint for corpus in corpora] == before
    assert len(fits) == 4


def test_a_rotation_of_another_width_is_fitted_again(builder: SpaceBuilder, tmp_path: Path) -> None:
    corpus = corpus_of(60)
    good = builder.space(PCA, corpus)
    (path,) = (tmp_path / "cache" / "rotations").glob("*.safetensors")
    Rotation(np.eye(3, dtype=np.float32), "pca").save(path, key=path.stem)
    again = restarted(builder, tmp_path).space(PCA, corpus)
    assert rotation_of(again).fingerprint == rotation_of(good).fingerprint


def test_a_fit_cut_short_by_the_clock_serves_its_process_and_is_fitted_again_by_the_next(
    builder: SpaceBuilder,
    fits: list[tuple[int, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    corpus = corpus_of(60)
    with monkeypatch.context() as hurry:
        hurry.setattr(AdaptSettings, "for_model", classmethod(lambda *_: AdaptSettings(time_limit_s=1e-9)))
        hurried = rotation_of(builder.space(ARM, corpus))
        assert hurried.is_cut_short
        assert "tiny-adapted over plants: the fit ran out of time" in caplog.text
        assert rotation_of(builder.space(ARM, corpus)) is hurried
        (vectors,) = load_vectors(builder, ARM, corpus, [Query("q", "Stem")])
        assert "ran out of time" in vectors.note
    assert len(fits) == 1
    assert not list((tmp_path / "cache").glob("rotations/*"))
    assert not rotation_of(restarted(builder, tmp_path).space(ARM, corpus)).is_cut_short
    assert len(fits) == 2
    assert len(list((tmp_path / "cache").glob("rotations/*"))) == 1


@pytest.mark.parametrize("arm", [ARM, PCA, replace(PCA, transform=Cut())], ids=lambda arm: arm.transform.name)
def test_a_space_for_queries_alone_turns_them_as_the_whole_one_does(builder: SpaceBuilder, arm: Arm) -> None:
    corpus = corpus_of(60)
    whole, queries_alone = builder.space(arm, corpus), builder.query_space(arm, corpus)
    assert queries_alone.documents.shape == (0, whole.documents.shape[1])
    asked = builder.questions("tiny", ["which root goes deep"])
    np.testing.assert_array_equal(queries_alone.map_queries(asked), whole.map_queries(asked))


def test_ready_vectors_never_wait_for_somebody_else_s_build(builder: SpaceBuilder) -> None:
    ready, slow = corpus_of(60), corpus_of(50, "Twig")
    builder.documents("tiny", ready)
    building, finish = threading.Event(), threading.Event()

    def encode_slowly(texts: list[str], progress: object = None) -> Any:
        building.set()
        assert finish.wait(20)
        return np.ones((len(texts), 32), dtype=np.float32)

    builder.encoders.encoder("tiny").encode_documents = encode_slowly  # type: ignore[method-assign]
    build = threading.Thread(target=builder.documents, args=("tiny", slow))
    build.start()
    assert building.wait(20)
    search = threading.Thread(target=builder.documents, args=("tiny", ready))
    search.start()
    search.join(10)
    assert not search.is_alive()
    finish.set()
    build.join(20)


@pytest.mark.real_model
@pytest.mark.parametrize("arm", ["adapted", "tuned-adapted"])
def test_the_built_in_collection_needs_no_fit(arm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Rotation:
        raise AssertionError("fitted: run dev/ship_vectors.py")

    monkeypatch.setattr(mrl_demo.arms.transforms.adapted, "fit_adapted", never)
    lab = Lab(Settings(cache_dir=tmp_path))
    spec = next(each for each in lab.arms() if each.name == arm)
    space = lab.builder.space(spec, load_builtin(lab.settings.assets_dir))
    assert rotation_of(space).kind == "adapted"
    assert rotation_of(space).steps > 0


def test_shipped_vectors_of_single_texts_are_used_and_said_and_the_rest_is_encoded(
    settings: Settings, encoder: HashingEncoder, beir_folder: Path, tmp_path: Path
) -> None:
    registry = EncoderRegistry(settings)
    registry.add("tiny", encoder)
    corpus = load_path(beir_folder, 100)
    contents = [document.content for document in corpus.documents]
    exact = encoder.encode_documents(contents)
    shipped = tmp_path / "assets" / "vectors" / f"{corpus.name}-tiny-documents-by-text.safetensors"
    TextVectors.of(contents[:3], exact[:3], encoder.fingerprint).save(shipped)
    builder = SpaceBuilder(registry, settings.cache_dir, tmp_path / "assets")
    arm = Arm("tiny", "Tiny", "", "tiny")
    assert not builder.is_ready(arm, corpus)
    encoder.encoded.clear()
    space = builder.space(arm, corpus)
    assert sorted(encoder.encoded) == sorted(contents[3:])
    assert float((space.documents * exact).sum(axis=1).min()) > 0.9999
    assert "3 of 5 vectors of tiny came with the lab, rounded to 8 bits" in str(space.notes[0])
    TextVectors.of(contents, exact, encoder.fingerprint).save(shipped)
    assert builder.is_ready(arm, corpus)
