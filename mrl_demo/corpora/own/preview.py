"""What a person's files hold before anything is made of them: columns, what each is taken for, first rows, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mrl_demo.core.types import Corpus, Note
from mrl_demo.corpora.own.answered import answered_vocabulary
from mrl_demo.corpora.own.documents import document_vocabulary
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.reading import TABLE_TYPES, Cell, Tally, file_type, read_table
from mrl_demo.corpora.reading.rows import shown

ROWS_SHOWN = 5
_CELL_CHARS = 200
_SHEETS = (*TABLE_TYPES, ".xlsx")


@dataclass(frozen=True)
class ColumnGuess:
    """A column and what it is taken for: text, title, id, label, question, or "" for what is not read."""

    name: str
    role: str


@dataclass(frozen=True)
class FilePreview:
    """What was found: `columns` of a table (none for other files), its first rows as they stand, and the documents.

    `first` are documents as they will be searched; `notes` say what is left out, cut, repaired or guessed.
    """

    name: str
    columns: tuple[ColumnGuess, ...]
    rows: tuple[dict[str, str], ...]
    n_documents: int
    n_queries: int
    n_judged: int
    n_labels: int
    n_pairs: int
    first: tuple[dict[str, str], ...]
    notes: tuple[Note, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "notes": [str(note) for note in self.notes]}


def preview_path(
    path: Path, max_documents: int = 100_000, columns: ColumnChoice | None = None
) -> tuple[FilePreview, Corpus]:
    """Read a file, folder or archive as `load_path` does, and say what it holds; raises `CorpusError` as that does."""
    chosen = columns or ColumnChoice()
    guesses, rows = _look_at_table(path, chosen)
    return _describe(load_path(path, max_documents, chosen), path.name, guesses, rows)


def _look_at_table(path: Path, columns: ColumnChoice) -> tuple[tuple[ColumnGuess, ...], tuple[dict[str, str], ...]]:
    if not path.is_file() or path.suffix.lower() == ".zip" or file_type(path) not in _SHEETS:
        return (), ()
    table = read_table(path, lambda _: True, Tally(), text_format=columns.format)
    rows = [row.cells for row in islice(table.rows, ROWS_SHOWN)]
    names = dict.fromkeys(name for cells in rows for name in cells)
    words = answered_vocabulary(names, columns) or document_vocabulary(columns)
    taken: dict[str, str] = {}
    for name in names:
        role = words.role_of(name) or ""
        taken[name] = "" if role in taken.values() else role
    return tuple(ColumnGuess(name, role) for name, role in taken.items()), tuple(_plain(cells) for cells in rows)


def _plain(cells: Mapping[str, Cell]) -> dict[str, str]:
    return {name: _cut(cell if isinstance(cell, str) else shown(cell) if cell else "") for name, cell in cells.items()}


def _cut(text: str) -> str:
    return text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]}…"


def _describe(
    corpus: Corpus, name: str, guesses: tuple[ColumnGuess, ...], rows: tuple[dict[str, str], ...]
) -> tuple[FilePreview, Corpus]:
    judged = sum(any(grade > 0 for grade in graded.values()) for graded in corpus.judgements.values())
    first = tuple(
        _plain({"id": each.id, "title": each.title, "text": each.text, "label": each.topic})
        for each in corpus.documents[:ROWS_SHOWN]
    )
    labels = {document.topic for document in corpus.documents} - {""}
    counts = len(corpus), len(corpus.queries), judged, len(labels), len(corpus.pairs)
    return FilePreview(name, guesses, rows, *counts, first, corpus.notes), corpus
