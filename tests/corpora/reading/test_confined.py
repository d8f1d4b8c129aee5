"""Parsers of risky formats run in a process that may take only so much memory and time, and learns no secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.reading import confined
from tests.corpora.reading.test_any_files import make_pdf, make_zip


@pytest.fixture(autouse=True)
def _own_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits count from the start of a process: none of another test's is taken."""
    confined._children.end()


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "MOST_PARSING_SECONDS", 1)
    page = tmp_path / "deep.html"
    page.write_text("<div><p>a" * 200_000, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"deep.html cannot be read: it takes over 1 s of processor time\. Save"):
        load_path(page)
    monkeypatch.setattr(confined, "MOST_PARSING_SECONDS", 60)
    assert len(load_path(make_pdf(tmp_path / "a.pdf", "Bees dance."))) == 1


def test_a_file_that_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "MOST_PARSING_MEMORY", 260 * 2**20)
    page = tmp_path / "long.html"
    page.write_text("<p>a</p>" * 140_000, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"long\.html cannot be read as HTML \(MemoryError\)"):
        load_path(page)


def test_one_process_reads_many_files_and_knows_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    for number in range(3):
        make_pdf(tmp_path / f"{number}.pdf", "Bees dance.", "")
    corpus = load_path(tmp_path)
    assert [document.id for document in corpus.documents] == [f"{n}.pdf/row-1" for n in range(3)]
    assert [(note.kind, note.count) for note in corpus.notes] == [("page-without-text", 3)]
    (child,) = confined._children._idle
    if Path("/proc").is_dir():
        assert b"secret" not in Path(f"/proc/{child.process.pid}/environ").read_bytes()
    confined._children.end()
    assert not child.is_alive


def test_what_is_nothing_like_its_name_is_refused_without_a_process(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"MZ" + os.urandom(2_000))
    (tmp_path / "a.docx").write_bytes(b"MZ")
    for name in ("a.pdf", "a.docx"):
        with pytest.raises(CorpusError, match=f"{name} cannot be read as a"):
            load_path(tmp_path / name)
    with pytest.raises(CorpusError, match="as a Word document"):
        load_path(make_zip(tmp_path / "b.docx", a_dot_txt="text"))


def test_text_of_another_code_page_is_refused_with_its_likely_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = "Пчёлы танцуют, чтобы рассказать друг другу, где цветут цветы. " * 5
    path.write_bytes(f'id,text\n1,"{text}"\n'.encode("koi8-r"))
    with pytest.raises(CorpusError, match=r"line 2: not UTF-8.*--encoding KOI8-R"):
        load_path(path)
