"""Exported scripts, run against the real engines, give our own top ten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mrl_demo.exports.catalogue import EXPORT_TARGETS
from mrl_demo.exports.setting import ExportSetting
from tests.exports.conftest import World, check_answers

Exported = Callable[[str, ExportSetting], ModuleType]

RUNS = [
    ("numpy", "float32", 0),
    ("numpy", "float16", 384),
    ("numpy", "int8", 0),
    ("numpy", "binary", 384),
    ("faiss", "float32", 384),
    ("faiss", "float16", 0),
    ("faiss", "int8", 128),
    ("faiss", "binary", 384),
    ("qdrant", "float32", 0),
    ("qdrant", "float32", 384),
    ("milvus", "float32", 0),
    ("milvus", "float32", 384),
    ("lancedb", "float32", 384),
    ("lancedb", "float16", 0),
    ("sqlite-vec", "float32", 384),
    ("sqlite-vec", "int8", 384),
    ("sqlite-vec", "binary", 128),
    ("sqlite-vec", "binary", 0),
    ("pgvector", "float32", 0),
    ("pgvector", "float32", 384),
    ("pgvector", "float16", 0),
    ("pgvector", "binary", 384),
    ("numpy", "int8", 384),
    ("numpy", "binary", 0),
    ("faiss", "binary", 0),
    ("qdrant", "int8", 384),
    ("milvus", "float16", 384),
    ("lancedb", "float16", 384),
    ("sqlite-vec", "int8", 0),
    ("pgvector", "float16", 384),
]


@pytest.fixture
def engine_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine keeps its files in this test's folder."""
    monkeypatch.setenv("QDRANT_URL", str(tmp_path / "qdrant"))
    monkeypatch.setenv("MILVUS_ADDRESS", str(tmp_path / "milvus.db"))
    monkeypatch.setenv("LANCEDB_URI", str(tmp_path / "lance"))
    monkeypatch.setenv("SQLITE_PATH", str(tmp_path / "vectors.db"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(("name", "precision", "rescore_dim"), RUNS)
def test_the_engine_gives_our_top_ten(
    name: str,
    precision: str,
    rescore_dim: int,
    world: World,
    exported: Exported,
    engine_places: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if name == "pgvector":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres"))
    setting = world.setting(precision=precision, rescore_dim=rescore_dim, shortlist=60)
    script = exported(name, setting)
    handle = script.connect()
    try:
        script.load(handle, world.ids, world.documents)
        check_answers(world, setting, lambda vector: script.search(handle, vector, 10))
    finally:
        if name == "pgvector":
            handle.execute("DROP TABLE documents")
        if hasattr(handle, "close"):
            handle.close()


def test_every_target_said_to_be_run_is_run_here() -> None:
    said = {target.name for target in EXPORT_TARGETS if target.was_run}
    assert said == {name for name, _, _ in RUNS} | {"sentence-transformers"}


def test_a_swapped_rotation_is_refused(world: World, exported: Exported, tmp_path: Path) -> None:
    script = exported("numpy", world.setting())
    other = np.eye(384, dtype=np.float32)
    np.save(tmp_path / "numpy" / "rotation.npy", other, allow_pickle=False)
    with pytest.raises(ValueError, match="not the rotation this index was made with"):
        script.load(script.connect(), world.ids, world.documents)


def test_vectors_of_another_model_or_broken_ones_are_refused(world: World, exported: Exported) -> None:
    script = exported("numpy", world.setting(rotation=None))
    with pytest.raises(ValueError, match="12 numbers are not this model's"):
        script.load(script.connect(), world.ids, np.ones((600, 12)))
    broken = world.documents.copy()
    broken[3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        script.load(script.connect(), world.ids, broken)


@pytest.mark.real_model
def test_sentence_transformers_gives_our_vectors(world: World, exported: Exported, tmp_path: Path) -> None:
    from mrl_demo.core.vectors import truncate
    from mrl_demo.exports.setting import ModelSource
    from mrl_demo.models.shipped.packaged import verified_base_dir

    setting = world.setting(model=ModelSource("minilm", folder=verified_base_dir()))
    script = exported("sentence-transformers", setting)
    texts = ["Bees dance to say where the flowers are.", "How short may a vector be?"]
    vectors = script.encode_documents(script.load_model(), texts)
    assert vectors.shape == (2, 64)
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(verified_base_dir()), device="cpu").encode(texts)
    ours = truncate(world.rotation.apply(plain), 64)
    assert (vectors * ours).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
