"""Encodings that were killed, and collections that changed: nothing is encoded twice, and no half is served."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.arms import known_texts, parts
from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.types import Document, FloatMatrix, Progress
from mrl_demo.corpora import make_corpus
from mrl_demo.lab.lab import Lab
from tests.conftest import HashingEncoder

#: Embeds a file in parts of 16 texts and hangs in the third; a line of the log for every text encoded.
HANGING_EMBED = """
import sys, time
from dataclasses import replace
from pathlib import Path
from mrl_demo.arms import parts
from mrl_demo.core.config import Settings
from mrl_demo.lab.lab import Lab
from tests.conftest import HashingEncoder

parts.PART_TEXTS = 16
folder = Path(sys.argv[1])

class Hanging(HashingEncoder):
    def encode_documents(self, texts, progress=None):
        log = folder / "log.txt"
        if log.is_file() and len(log.read_text().splitlines()) == 32:
            (folder / "hangs").touch()
            time.sleep(600)
        with log.open("a") as file:
            file.write("".join(text + "\\n" for text in texts))
        return super().encode_documents(texts, progress)

lab = Lab(replace(Settings(), cache_dir=folder / "cache"))
lab.encoders.add("mine", Hanging())
lab.add_arm("mine")
lab.embed(lab.add_corpus(folder / "docs.csv"), ["mine"])
"""


class CountingEncoder(HashingEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.documents: list[str] = []

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        self.documents += texts
        return super().encode_documents(texts, progress)


def make_lab(folder: Path) -> tuple[Lab, CountingEncoder]:
    lab, encoder = Lab(replace(Settings(), cache_dir=folder / "cache")), CountingEncoder()
    lab.encoders.add("mine", encoder)
    lab.add_arm("mine")
    return lab, encoder


def kill_in_the_third_part(folder: Path) -> list[str]:
    """The texts that a process encoded before it was killed."""
    process = subprocess.Popen([sys.executable, "-c", HANGING_EMBED, str(folder)], cwd=CODE_ROOT)
    deadline = time.monotonic() + 120
    while not (folder / "hangs").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return (folder / "log.txt").read_text().splitlines()


def test_a_killed_encoding_is_not_served_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_TEXTS", 16)
    texts = [f"the word {i} and the word {i * 7 % 31}" for i in range(80)]
    (tmp_path / "docs.csv").write_text("\n".join(["text", *texts]) + "\n")
    first = kill_in_the_third_part(tmp_path)
    lab, encoder = make_lab(tmp_path)
    name = lab.add_corpus(tmp_path / "docs.csv")
    assert not lab.is_ready(name, ["mine"])
    (embedded,) = lab.embed(name, ["mine"])
    assert not embedded.was_ready and len(first) == 32
    assert embedded.encoded == 48
    assert "; 48 texts were encoded" in embedded.sentence()
    assert sorted(first + encoder.documents) == sorted(texts)  # Each text once, over both runs.
    assert lab.embed(name, ["mine"])[0].was_ready


def test_progress_counts_all_texts_and_says_how_long_the_rest_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_TEXTS", 100)
    lab, _ = make_lab(tmp_path)
    told: list[tuple[float, str]] = []
    corpus = make_corpus("mine", "Mine", [Document(f"d{i}", "", f"word {i}") for i in range(250)])
    lab.builder.space(lab.builder.menu.find("mine"), corpus, lambda share, line: told.append((share, line)))
    assert [share for share, _ in told] == [0.4, 0.8, 1.0]
    assert told[1][1].startswith("Encoding 200 of 250 documents, ")
    assert told[1][1].endswith(" s left")


def test_the_bar_of_a_visitor_s_documents_is_the_share_of_what_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_TEXTS", 100)
    lab, _ = make_lab(tmp_path)
    told: list[float] = []
    rows = [Document(f"d{i}", "", f"word {i}") for i in range(400)]
    lab.prepare(lab.add_private(make_corpus("mine", "Mine", rows)), ["mine"], lambda share, _line: told.append(share))
    assert told[:4] == [0.25, 0.5, 0.75, 1.0]


def test_a_changed_collection_costs_what_is_new_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_texts, "LEAST_TEXTS", 10)
    lab, encoder = make_lab(tmp_path)
    arm = lab.builder.menu.find("mine")
    rows = [Document(f"d{i}", "", f"word {i} of {i * 3}") for i in range(40)]
    lab.builder.space(arm, make_corpus("mine", "Mine", rows))
    changed = [*rows[5:20], Document("new", "", "a new text"), *reversed(rows[20:]), replace(rows[0], text="an old id")]
    encoder.documents.clear()
    vectors = lab.builder.space(arm, make_corpus("mine", "Mine", changed)).documents
    assert sorted(encoder.documents) == ["a new text", "an old id"]
    np.testing.assert_array_equal(vectors, HashingEncoder().encode_documents([row.content for row in changed]))


def test_vectors_of_a_visitor_are_found_by_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_texts, "LEAST_TEXTS", 10)
    lab, encoder = make_lab(tmp_path)
    corpus = make_corpus("mine", "Mine", [Document(f"d{i}", "", f"word {i}") for i in range(20)])
    for _ in range(2):
        encoder.documents.clear()
        lab.prepare(lab.add_private(corpus), ["mine"])
        assert len(encoder.documents) >= 20


def test_what_is_damaged_is_encoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_texts, "LEAST_TEXTS", 10)
    lab, encoder = make_lab(tmp_path)
    arm = lab.builder.menu.find("mine")
    rows = [Document(f"d{i}", "", f"word {i}") for i in range(20)]
    lab.builder.space(arm, make_corpus("mine", "Mine", rows))
    for path in (tmp_path / "cache" / "texts").rglob("*.npy"):
        path.write_bytes(b"junk")
    encoder.documents.clear()
    lab.builder.space(arm, make_corpus("mine", "Mine", rows[:-1]))
    assert len(encoder.documents) == 19
