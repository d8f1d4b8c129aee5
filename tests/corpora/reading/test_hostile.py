"""Broken files of every type are read or refused in one line, and leave nothing behind."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.files import load_path
from tests.corpora.reading.hostile import outcomes, whole_files
from tests.corpora.reading.test_any_files import make_sheet


@pytest.mark.filterwarnings("ignore")  # Parsers warn of what is odd in a file, as they may.
def test_broken_files_are_read_or_refused_in_one_line_and_nothing_is_left_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("whole", "cases", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    counts = outcomes(tmp_path / "cases", whole_files(tmp_path / "whole"), 200, seed=7)
    assert set(counts) == {"read", "refused", "slow"} and counts["slow"] == 0
    assert counts["read"] > 30 and counts["refused"] > 30
    assert not list((tmp_path / "temporary").iterdir())
    assert {path.stem for path in (tmp_path / "cases").iterdir()} == {"case"}


def renumbered(path: Path, old: str, new: str) -> Path:
    """A workbook whose sheet says something else of its rows."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(old.encode(), new.encode()))
    path.write_bytes(buffer.getvalue())
    return path


def test_a_sheet_that_lies_about_its_size_is_not_believed(tmp_path: Path) -> None:
    path = make_sheet(tmp_path / "a.xlsx", ("id", "text"), (1, "Bees"))
    renumbered(path, '<dimension ref="A1:B2"', '<dimension ref="A1:XFD1048576"')
    assert [document.id for document in load_path(path).documents] == ["1"]
    with pytest.raises(CorpusError, match="more than 1,048,576 rows: split it"):
        load_path(renumbered(path, 'r="2"', 'r="99999999999"'))


def test_one_long_line_is_cut_and_empty_rows_are_no_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1," + "bees " * 1_000_000 + "\n" + ",\n" * 50_000, encoding="utf-8")
    corpus = load_path(path)
    assert [len(document.text) <= 20_000 for document in corpus.documents] == [True]
    assert {note.kind: note.count for note in corpus.notes}["empty-document"] == 50_000
