"""Rows of Excel sheets (`openpyxl`, read-only: formulas as the values they had when the file was saved)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.packed import check_package
from mrl_demo.corpora.reading.rows import Cell, Row, Table, cell_of
from mrl_demo.corpora.reading.tally import Tally


def sheet_rows(table: Table, wanted: Callable[[str], bool], tally: Tally) -> Iterator[Row]:
    """The rows of the first sheet, its first row being the header; other sheets are said and left out.

    Raises `CorpusError` for a file that is no workbook or unpacks to too much.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    check_package(table.path, "an Excel workbook")
    try:
        book = load_workbook(table.path, read_only=True, data_only=True, keep_links=False)
        names = book.sheetnames
        if len(names) > 1:
            said = f"{table.path.name}: the first sheet, {names[0]!r}, is read; {len(names) - 1} more are left out."
            tally.say("other-sheets", said, table.path.name, len(names) - 1)
        yield from _rows_of(table, book[names[0]].iter_rows(values_only=True), wanted)
        book.close()
    except (InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError, IndexError) as error:
        raise CorpusError(f"{table.path} cannot be read as an Excel workbook ({error}): save it anew.") from error


def _rows_of(table: Table, rows: Iterator[tuple[Any, ...]], wanted: Callable[[str], bool]) -> Iterator[Row]:
    names: list[str] = []
    for number, values in enumerate(rows, 1):
        cells = [_cell(value) for value in values]
        if not any(cells):
            continue
        if not names:
            names = [str(cell or "").strip() for cell in cells]
            for name in names:
                table.see(name, always=wanted(name))
            continue
        yield Row(number, {name: cell for name, cell in zip(names, cells, strict=False) if wanted(name)})


def _cell(value: object) -> Cell:
    """Whole numbers as they are seen: Excel keeps 7 as 7.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return cell_of(value)
