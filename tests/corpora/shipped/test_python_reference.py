from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mrl_demo.core.errors import Cancelled
from mrl_demo.corpora.shipped import docstrings, python_reference

SOURCE = '''
import os
os.environ["SHOULD_NEVER_BE_SET_BY_READING"] = "1"

def join(left, right, *, on=None):
    """Join two tables on a column.

    Rows of `left` are matched with rows of ``right``; see :func:`~pkg.merge` for more about how it is done.

    Examples
    --------
    >>> join(a, b)
    """

class Table(Base):
    """A table of rows and columns.

    Rows keep the order in which they were added, and columns have one type each here.
    """

    def _private(self):
        """Not shown to anybody at all.

        Because its name starts with an underscore it is left out of the reference.
        """

def short():
    """Only a summary line here."""
'''


def test_docstrings_are_parsed_and_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOULD_NEVER_BE_SET_BY_READING", raising=False)
    path = tmp_path / "pkg.py"
    path.write_text(SOURCE, encoding="utf-8")
    found = {row.name: row for row in docstrings.read_docstrings(path, "pkg")}
    assert set(found) == {"pkg.join", "pkg.Table"}
    join = found["pkg.join"]
    assert join.signature == "join(left, right, on)"
    assert join.summary == "Join two tables on a column."
    assert join.body == "Rows of left are matched with rows of right; see pkg.merge for more about how it is done."
    import os

    assert "SHOULD_NEVER_BE_SET_BY_READING" not in os.environ


def _small_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "lib" / "pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SOURCE, encoding="utf-8")
    (package / "broken.py").write_text("def (:", encoding="utf-8")
    (package / "tests").mkdir()
    (package / "tests" / "test_x.py").write_text(SOURCE, encoding="utf-8")
    source = python_reference._Source("pkg", package)
    monkeypatch.setattr(python_reference, "_sources", lambda: iter([source]))


def test_the_reference_is_built_once_and_counts_what_it_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_python(monkeypatch, tmp_path)
    corpus = python_reference.load_python_reference(tmp_path)
    assert [doc.title for doc in corpus.documents] == ["pkg.join", "pkg.Table"]
    assert "1 source files" in corpus.notes[0].text
    assert all(query.text not in doc.text for query in corpus.queries for doc in corpus.documents)
    assert {next(iter(corpus.judgements[q.id])) for q in corpus.queries} == {"pkg.join", "pkg.Table"}
    monkeypatch.setattr(python_reference, "_sources", lambda: iter(()))
    assert python_reference.load_python_reference(tmp_path) == corpus
    assert python_reference.is_built(tmp_path)


def test_deep_files_are_read_only_while_they_can_add_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_python(monkeypatch, tmp_path)
    monkeypatch.setattr(python_reference, "_FILES_A_STEP", 1)
    deep = tmp_path / "lib" / "pkg" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "deep.py").write_text(SOURCE.replace("Join", "Link"), encoding="utf-8")
    everything, skipped = python_reference._collect(None)
    assert [row.name for row in everything][-1] == "pkg.a.b.deep.Table" and skipped == 1
    monkeypatch.setattr(python_reference, "MAX_DOCUMENTS", 2)
    enough, _ = python_reference._collect(None)
    assert [row.name for row in enough] == ["pkg.join", "pkg.Table"]
    assert python_reference._chosen(enough) == python_reference._chosen(everything)


def test_a_long_description_ends_with_a_whole_word(tmp_path: Path) -> None:
    path = tmp_path / "pkg.py"
    body = "wordy " * 200
    path.write_text(f'def f(x):\n    """Say many words here.\n\n    {body}\n    """\n', encoding="utf-8")
    (row,) = docstrings.read_docstrings(path, "pkg")
    assert docstrings.MAX_BODY_CHARS - 6 < len(row.body) <= docstrings.MAX_BODY_CHARS
    assert set(row.body.split()) == {"wordy"}


def test_a_damaged_reference_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_python(monkeypatch, tmp_path)
    corpus = python_reference.load_python_reference(tmp_path)
    path = python_reference._cache_path(tmp_path)
    for broken in (b"", path.read_bytes()[:20], gzip.compress(b"[]"), gzip.compress(b'{"rows": 3}')):
        path.write_bytes(broken)
        assert python_reference.load_python_reference(tmp_path) == corpus


def test_building_can_be_cancelled_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_python(monkeypatch, tmp_path)

    def stop(_share: float, _line: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        python_reference.load_python_reference(tmp_path, stop)
    assert not python_reference.is_built(tmp_path)


def test_the_real_reference_is_large_and_its_summaries_are_out_of_the_text(tmp_path: Path) -> None:
    corpus = python_reference.load_python_reference(tmp_path)
    assert len(corpus) >= 8_000
    texts = {doc.id: doc.text for doc in corpus.documents}
    assert len(texts) == len(corpus)
    leaking = [q.id for q in corpus.queries if any(q.text in texts[doc] for doc in corpus.judgements[q.id])]
    assert len(leaking) < len(corpus.queries) / 50
