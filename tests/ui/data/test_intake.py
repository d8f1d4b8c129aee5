"""Uploads: removed when a visitor says so, nothing else with them, and never named by where they lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.files import load_path
from mrl_demo.ui.data.intake import gathered
from mrl_demo.ui.shared.visit import discard_uploads


def test_uploads_are_discarded_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    uploaded, other = tmp_path / "uploads" / "hash" / "mine.csv", tmp_path / "other.csv"
    uploaded.parent.mkdir(parents=True)
    for path in (uploaded, other):
        path.write_text("text\nBees dance.\n")
    discard_uploads([str(uploaded), str(other), str(uploaded.parent / ".." / ".." / "other.csv")])
    assert not uploaded.exists()
    assert other.exists()


@pytest.mark.parametrize("pasted", ["", "one more"])
def test_an_error_names_the_file_and_not_its_folder(tmp_path: Path, pasted: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("id,text\n1,a\n1,b\n")
    with pytest.raises(CorpusError, match=r"mine\.csv, line 3") as error, gathered([str(path)], pasted) as given:
        load_path(given)
    assert "/tmp" not in str(error.value)
    assert "matryoshka" not in str(error.value)
