"""What every reader gives: rows of cells, and the columns they were seen under."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.text_format import TextFormat

#: Text, None for null and NaN, or what JSON and Parquet nest; numbers are text in the spelling of the file.
Cell: TypeAlias = "str | list[Any] | dict[str, Any] | None"
#: So many names of columns are kept for messages: a file can have one for every row.
MAX_NAMES = 200
_SURROGATES = re.compile("[\ud800-\udfff]+")


@dataclass(frozen=True)
class Row:
    """Cells by the name of their column, and the line (1 is the first) where the row begins.

    >>> Row(2, {"id": "7", "text": "Bees dance."}).cells["id"]
    '7'
    """

    line: int
    cells: Mapping[str, Cell]


@dataclass
class Table:
    """A file being read: `rows` gives each row once; `columns` are the names seen, all of them once rows are read.

    `format` is what a person says of the text in it.

    >>> table = Table(Path("a.csv"), iter([Row(2, {"id": "7"})]))
    >>> table.see("id")
    >>> list(table.columns), [row.line for row in table.rows]
    (['id'], [2])
    """

    path: Path
    rows: Iterator[Row]
    columns: dict[str, None] = field(default_factory=dict)
    format: TextFormat = field(default_factory=TextFormat)

    def see(self, name: str, *, always: bool = False) -> None:
        """Keep a column's name for messages, `always` if the column is wanted."""
        if always or len(self.columns) < MAX_NAMES:
            self.columns[name] = None


def cell_of(value: object) -> Cell:
    """A value of JSON or Parquet as a cell; raises `ValueError` for bytes that are no text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list | tuple):
        return [cell_of(each) for each in value]
    if isinstance(value, dict):
        return {str(key): cell_of(each) for key, each in value.items()}
    return value.decode() if isinstance(value, bytes) else str(value)


def text_of(cell: Cell, place: str) -> str:
    """A cell as text without outer white space, the texts of a list joined by spaces; "" for null.

    Raises `CorpusError` naming `place` for an object.
    """
    if isinstance(cell, list):
        return " ".join(text for text in (text_of(each, place) for each in cell) if text)
    if isinstance(cell, dict):
        raise CorpusError(f"{place}: an object {shown(cell)} stands where a text is needed: name another column.")
    return (cell or "").strip()


def shown(value: object) -> str:
    """The beginning of a value, for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def without_surrogates(cell: Cell) -> Cell:
    """A cell with U+FFFD for every run of halves of characters in its texts."""
    if isinstance(cell, str):
        return cell if cell.isascii() else _SURROGATES.sub("\ufffd", cell)
    if isinstance(cell, list):
        return [without_surrogates(each) for each in cell]
    if isinstance(cell, dict):
        return {_SURROGATES.sub("\ufffd", key): without_surrogates(each) for key, each in cell.items()}
    return cell
