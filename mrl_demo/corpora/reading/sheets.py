"""Rows of Excel sheets (`openpyxl`, read-only: formulas as the values they had when the file was saved)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.parser_errors import parsing
from mrl_demo.corpora.reading.rows import Cell, Row, Table, cell_of
from mrl_demo.corpora.reading.tally import Tally

#: Excel has no more; a broken or hostile number of a row would be counted up to, row by empty row.
MOST_ROWS = 2**20


def sheet_rows(table: Table, wanted: Callable[[str], bool], tally: Tally) -> Iterator[Row]:
    """The rows of the first sheet, its first row being the header; other sheets are said and left out.

    Raises `CorpusError` for a file that is no workbook or has over 1,048,576 rows.
    """
    from openpyxl import load_workbook

    with parsing(table.path, "an Excel workbook", "save it anew"):
        book = load_workbook(table.path, read_only=True, data_only=True, keep_links=False)
        names = book.sheetnames
        if len(names) > 1:
            said = f"{table.path.name}: the first sheet, {names[0]!r}, is read; {len(names) - 1} more are left out."
            tally.say("other-sheets", said, table.path.name, len(names) - 1)
        sheet = book[names[0]]
        sheet.reset_dimensions()  # What a sheet says of its size is not believed: rows would be padded up to it.
        yield from _rows_of(table, sheet.iter_rows(values_only=True), wanted)
        book.close()


def _rows_of(table: Table, rows: Iterator[tuple[Any, ...]], wanted: Callable[[str], bool]) -> Iterator[Row]:
    names: list[str] = []
    for number, values in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise CorpusError(f"{table.path} has more than {MOST_ROWS:,} rows: split it, or save it as CSV.")
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
