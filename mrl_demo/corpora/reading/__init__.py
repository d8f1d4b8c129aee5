"""Rows out of anybody's files, and a note for whatever was dropped, cut, replaced or guessed on the way."""

from __future__ import annotations

from mrl_demo.corpora.reading.columns import Vocabulary, normal_name, shown_names
from mrl_demo.corpora.reading.rows import Cell, Row, Table, cell_of, text_of
from mrl_demo.corpora.reading.table import FILE_TYPES, TABLE_TYPES, file_stem, file_type, read_table
from mrl_demo.corpora.reading.tally import NoteKind, Tally
from mrl_demo.corpora.reading.text_format import AS_FOUND, TextFormat

__all__ = [
    "AS_FOUND",
    "FILE_TYPES",
    "TABLE_TYPES",
    "Cell",
    "NoteKind",
    "Row",
    "Table",
    "Tally",
    "TextFormat",
    "Vocabulary",
    "cell_of",
    "file_stem",
    "file_type",
    "normal_name",
    "read_table",
    "shown_names",
    "text_of",
]
