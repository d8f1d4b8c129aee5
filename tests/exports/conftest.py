"""600 real vectors, a rotation of them, and the answer that every engine has to give."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mrl_demo.adapt.rotation import Rotation, fit_pca
from mrl_demo.core.config import Settings
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.exports.bundle import write_bundle
from mrl_demo.exports.catalogue import find_target, make_bundle
from mrl_demo.exports.setting import ExportSetting, ModelSource
from mrl_demo.lab.lab import Lab

MINILM_NAME = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class World:
    """Full-length vectors of documents and queries as the model gives them, and a rotation fitted on the documents."""

    ids: list[str]
    documents: FloatMatrix
    queries: FloatMatrix
    rotation: Rotation

    def setting(self, **changes: object) -> ExportSetting:
        """64 of 384 numbers, rotated, unless told otherwise."""
        known = {"arm": "corpus-pca", "model": ModelSource(MINILM_NAME), "full_dim": 384, "dim": 64}
        return ExportSetting(**{**known, "rotation": self.rotation, **changes})  # type: ignore[arg-type]

    def sides(self, setting: ExportSetting, dim: int) -> tuple[FloatMatrix, FloatMatrix]:
        """Documents and queries as they are to be compared at a length."""
        apply = setting.rotation.apply if setting.rotation else np.asarray
        return truncate(apply(self.documents), dim), truncate(apply(self.queries), dim)


@pytest.fixture(scope="session")
def world() -> World:
    lab = Lab(Settings.from_environment())
    corpus = lab.corpus("builtin")
    documents = lab.builder.documents("minilm", corpus)[::4].copy()
    queries = lab.builder.queries("minilm", corpus)[:12].copy()
    return World([f"id {doc.id}" for doc in corpus.documents[::4]], documents, queries, fit_pca(documents))


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, ExportSetting], ModuleType]]:
    """Write a bundle and import its script as a user would run it: from its folder."""
    before = dict(sys.modules)

    def run(name: str, setting: ExportSetting) -> ModuleType:
        folder = tmp_path / name
        write_bundle(make_bundle(find_target(name), setting), folder)
        monkeypatch.syspath_prepend(str(folder))
        script = next(path for path in folder.glob("*.py") if path.name != "prepare.py")
        spec = importlib.util.spec_from_file_location(script.stem, script)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[script.stem] = module
        spec.loader.exec_module(module)
        return module

    yield run
    for name in {"prepare", *(name for name in sys.modules if name.endswith(("_index", "_model")))} - set(before):
        sys.modules.pop(name, None)


def check_answers(
    world: World, setting: ExportSetting, search: Callable[[FloatMatrix], list[tuple[str, float]]]
) -> None:
    """Hold ten answers of every query to ours: the best by the second stage among all that may be on the shortlist."""
    first_docs, first_queries = world.sides(setting, setting.dim)
    if setting.precision == "binary":
        first_docs, first_queries = (
            np.where(side > 0, 1, -1).astype(np.float32) / 8 for side in (first_docs, first_queries)
        )
    loose = {"float32": 1e-5, "float16": 2e-3, "int8": 3e-2, "int4": 0.2, "binary": 1e-5}[setting.precision]
    for query, vector in enumerate(world.queries):
        answers = search(vector)
        assert len({name for name, _ in answers}) == 10
        rows = [world.ids.index(name) for name, _ in answers]
        coarse = first_docs @ first_queries[query]
        fine, slack = coarse, loose
        surely = np.ones(len(coarse), dtype=bool)
        if setting.rescore_dim:
            long_docs, long_queries = world.sides(setting, setting.rescore_dim)
            fine, slack = long_docs @ long_queries[query], 1e-5
            edge = np.sort(coarse)[-setting.shortlist]
            assert (coarse[rows] >= edge - 2 * loose).all(), "a document that was not on the shortlist"
            surely = coarse > edge + 2 * loose  # At the edge, ties and rounding may choose either.
        assert (np.diff(fine[rows]) <= 2 * slack).all(), "best first"
        better = np.flatnonzero(surely & (fine > fine[rows].min() + 2 * slack))
        assert set(better) <= set(rows), "a better document is missing"
        if setting.rescore_dim or setting.precision == "float32":
            assert np.allclose([score for _, score in answers], fine[rows], atol=1e-3)
