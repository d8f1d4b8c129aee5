"""`mrl export` as a person runs it, on own documents too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.cli import main


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.real_model
def test_own_documents_leave_as_a_bundle_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = tmp_path / "shop.csv"
    lines = [
        f"item {i},A {colour} {thing} for the {place}."
        for i, (colour, thing, place) in enumerate(
            (c, t, p) for c in ("red", "blue", "green") for t in ("chair", "lamp", "rug") for p in ("kitchen", "garden")
        )
    ]
    shop.write_text("\n".join(["title,text", *lines]) + "\n", encoding="utf-8")
    out = tmp_path / "bundle"
    arguments = (
        "--corpus",
        shop,
        "--arm",
        "corpus-pca",
        "--dim",
        "16",
        "--precision",
        "binary+rescore",
        "--with-vectors",
    )
    assert run("--cache-dir", tmp_path / "cache", "export", "--format", "numpy", *arguments, "--out", out) == 0
    assert "Start with README.md" in capsys.readouterr().out
    setting = json.loads((out / "setting.json").read_text(encoding="utf-8"))
    assert (setting["dim"], setting["precision"], setting["rescore_dim"]) == (16, "binary", 16)
    assert np.load(out / "documents.npy").shape == (18, 384)
    done = subprocess.run(
        [sys.executable, "numpy_index.py", "documents.npy", "ids.txt"],
        cwd=out,
        capture_output=True,
        text=True,
        check=True,
    )
    first = (out / "ids.txt").read_text(encoding="utf-8").splitlines()[0]
    assert done.stdout.startswith(f"('{first}', 1.0"), "a document's nearest is itself"
    assert run("export", "--format", "numpy", *arguments, "--out", out) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.real_model
def test_the_tuned_model_travels_with_its_bundle(tmp_path: Path) -> None:
    out = tmp_path / "served"
    assert run("export", "--format", "sentence-transformers", "--arm", "tuned", "--dim", "64", "--out", out) == 0
    assert (out / "model" / "modules.json").is_file()
    assert not (out / "rotation.npy").exists(), "the model has its own"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "oracle"), "There is no export 'oracle'"),
        (("--format", "faiss", "--dim", "9999"), "Dimension '9999'"),
        (("--format", "faiss", "--precision", "int3"), "int3"),
        (("--format", "faiss", "--rescore-dim", "8"), "rescore-dim is 8"),
        (("--format", "faiss", "--arm", "bm25"), "bm25"),
    ],
)
def test_bad_choices_are_one_line_and_nothing_is_written(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", *arguments, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
