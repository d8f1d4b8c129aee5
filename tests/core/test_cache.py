from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from mrl_demo.core.cache import VectorCache, read_vectors, save_vectors, vectors_key
from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.types import CutTexts

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_what_is_stored_is_loaded(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, tmp_path / "shipped")
    assert cache.load("k" * 64, 4) is None
    cache.store("k" * 64, VECTORS)
    np.testing.assert_array_equal(cache.load("k" * 64, 4), VECTORS)


def test_how_many_texts_were_cut_is_kept_with_their_vectors(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, tmp_path / "shipped")
    cache.store("k" * 64, VECTORS, CutTexts(3, limit=256))
    stored = cache.load_stored("k" * 64, 4)
    assert stored is not None and stored.cut == CutTexts(3, limit=256)


def test_two_files_swapped_on_disk_are_found_out(tmp_path: Path) -> None:
    """As they are, and with each other's key written into them: the checksum covers the key."""
    paths = {key: tmp_path / f"{key}.safetensors" for key in ("one", "two")}
    save_vectors(paths["one"], VECTORS, "one")
    save_vectors(paths["two"], -VECTORS, "two")
    paths["one"].rename(tmp_path / "kept")
    paths["two"].rename(paths["one"])
    assert read_vectors(paths["one"], "one", 4) is None
    with safe_open(paths["one"], framework="numpy") as handle:
        about, vectors = handle.metadata(), handle.get_tensor("vectors")
    save_file({"vectors": vectors}, paths["one"], metadata=about | {"key": "one"})
    assert read_vectors(paths["one"], "one", 4) is None


def test_a_file_without_the_tie_to_its_key_is_not_served(tmp_path: Path) -> None:
    """So were the files of the first format."""
    path = tmp_path / "v.safetensors"
    digest = hashlib.sha256(VECTORS.tobytes()).hexdigest()
    save_file({"vectors": VECTORS}, path, metadata={"key": "key", "sha256": digest, "format": "1"})
    assert read_vectors(path, "key", 4) is None


def test_shipped_float16_vectors_come_first_and_only_under_their_key(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, tmp_path / "shipped")
    save_vectors(tmp_path / "shipped" / "a.safetensors", VECTORS, "right", np.float16)
    np.testing.assert_array_equal(cache.load("right", 4, "a"), VECTORS)
    assert cache.load("stale", 4, "a") is None


@pytest.mark.parametrize("length", [0, 1, 7, 60, -1, -5])
def test_a_truncated_file_is_never_half_read(tmp_path: Path, length: int) -> None:
    path = tmp_path / "v.safetensors"
    save_vectors(path, VECTORS, "key")
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    assert read_vectors(path, "key", 4) is None


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    save_vectors(path, VECTORS, "key")
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)
    assert read_vectors(path, "key", 4) is None


def test_another_number_of_rows_is_not_served(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    save_vectors(path, VECTORS, "key")
    assert read_vectors(path, "key", 5) is None


def test_the_key_depends_on_every_part() -> None:
    keys = {vectors_key(*parts) for parts in [("a", "b", "c"), ("ab", "", "c"), ("a", "b", "d"), ("x", "b", "c")]}
    assert len(keys) == 4
    assert sha256_text("ab", "c") != sha256_text("a", "bc")


def test_a_folder_that_cannot_be_written_is_named_with_the_fix(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    with pytest.raises(CacheError, match=r"file.*--cache-dir"):
        VectorCache(blocked, tmp_path).store("k" * 64, VECTORS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_with_the_fix(tmp_path: Path) -> None:
    with (
        pytest.raises(CacheError, match=r"No space left.*Free some space"),
        atomic_path(tmp_path / "v") as path,
        Path("/dev/full").open("w", encoding="utf-8") as full,
    ):
        path.write_text("half", encoding="utf-8")
        full.write("x")
        full.flush()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - the temporary file is gone too


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "v"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), atomic_path(target) as path:
        path.write_text("half", encoding="utf-8")
        raise RuntimeError("killed")
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["v"]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not map them")
def test_a_large_matrix_stays_in_its_file_and_what_a_reader_writes_is_his_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v.safetensors"
    save_vectors(path, VECTORS, "key", cut=CutTexts(3, limit=256))
    plain = read_vectors(path, "key", 4)
    monkeypatch.setattr("mrl_demo.core.cache._MAPPED_FROM", 0)
    mapped, again = read_vectors(path, "key", 4), read_vectors(path, "key", 4)
    assert plain and mapped and again and mapped.cut == plain.cut
    assert isinstance(mapped.vectors.base, np.memmap)
    np.testing.assert_array_equal(mapped.vectors, plain.vectors)
    mapped.vectors[0] = 7
    np.testing.assert_array_equal(again.vectors, VECTORS)
    path.unlink()  # Of a visitor who has left, say.
    np.testing.assert_array_equal(again.vectors, VECTORS)
    save_vectors(path, VECTORS, "key", np.float16)
    halves = read_vectors(path, "key", 4)
    assert halves and halves.vectors.dtype == np.float32


@pytest.mark.skipif(os.name == "nt", reason="Windows does not map them")
def test_a_large_matrix_that_is_damaged_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v.safetensors"
    save_vectors(path, VECTORS, "key")
    monkeypatch.setattr("mrl_demo.core.cache._MAPPED_FROM", 0)
    whole = path.read_bytes()
    for damaged in (whole[:-1] + b"\1", whole[:-4], whole[:6]):
        path.write_bytes(damaged)
        assert read_vectors(path, "key", 4) is None
