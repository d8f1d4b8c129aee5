from __future__ import annotations

from pathlib import Path

import numpy as np

from mrl_demo.core.text_vectors import TextVectors
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise

TEXTS = [f"text {i}" for i in range(40)]


def unit_rows(n: int) -> FloatMatrix:
    return normalise(np.random.default_rng(3).standard_normal((n, 384)).astype(np.float32))


def test_rounded_vectors_are_nearly_the_same_ones(tmp_path: Path) -> None:
    vectors = unit_rows(40)
    TextVectors.of(TEXTS, vectors, "model").save(tmp_path / "v.safetensors")
    kept = TextVectors.load(tmp_path / "v.safetensors", "model")
    assert kept is not None
    found, rows = kept.find([*TEXTS[::-1], "never seen"])
    assert found.tolist() == [True] * 40 + [False]
    assert float(np.sum(rows * vectors[::-1], axis=1).min()) > 0.9999


def test_files_of_another_model_or_damaged_ones_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    TextVectors.of(TEXTS, unit_rows(40), "model").save(path)
    assert TextVectors.load(path, "another") is None
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1
    path.write_bytes(raw)
    assert TextVectors.load(path, "model") is None
    path.write_bytes(raw[:100])
    assert TextVectors.load(path, "model") is None
    assert TextVectors.load(tmp_path / "absent", "model") is None


def test_nothing_is_found_in_an_empty_file() -> None:
    found, rows = TextVectors.of([], unit_rows(0), "model").find(["a"])
    assert (found.tolist(), len(rows)) == ([False], 0)
