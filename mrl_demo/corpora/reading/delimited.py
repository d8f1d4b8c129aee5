"""Rows of CSV and its kin; the header decides which character stands between fields. Library: Python's csv."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.columns import normal_name, shown_names
from mrl_demo.corpora.reading.rows import Cell, Row, Table
from mrl_demo.corpora.reading.source import MAX_LINE, bounded_lines, open_text
from mrl_demo.corpora.reading.tally import NoteKind, Tally

_DELIMITERS = (",", ";", "\t", "|")
#: Between the fields of a table of one column: no character at all, for which csv needs one.
_NONE = "\U0010ffff"
_HEAD = 2**18
_RECORDS = 200
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
#: Excel's first line, which names the delimiter.
_SEP = re.compile(r'^"?sep=(.)"?[,;\t|]*\r?\n?$', re.IGNORECASE)
_SHORT = NoteKind(
    "short-row",
    "row has fewer fields than the header: the rest counts as empty",
    "rows have fewer fields than the header: the rest counts as empty",
)
_SWALLOWED = NoteKind(
    "field-over-rows",
    "field holds lines that look like rows: was a quote left open there?",
    "fields hold lines that look like rows: was a quote left open there?",
)
_TRAILING = NoteKind(
    "trailing-fields", "row has empty fields too many, ignored", "rows have empty fields too many, ignored"
)


@dataclass(frozen=True)
class _Layout:
    """How a file is written: lines above the header, what stands between fields, a space after it or not."""

    skipped: int
    delimiter: str
    has_space: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """The lines as rows of fields."""
        csv.field_size_limit(MAX_LINE)
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=self.has_space, strict=True)


def delimited_rows(table: Table, wanted: Callable[[str], bool], tally: Tally, usual: str) -> Iterator[Row]:
    """Rows under a header, the `usual` delimiter tried first.

    A row with more fields than the header is refused by its line (unless they are empty), for its text would be cut;
    one with fewer is filled up with nulls and counted. Raises `CorpusError` naming file, line and fix.
    """
    path = table.path
    encoding = table.format.encoding
    with open_text(path, tally, newline="", encoding=encoding) as text:
        head = text.read(_HEAD)
    # A carriage return alone ends rows only if nothing else does.
    end = "\n" if "\n" in head else "\r"
    layout = _find_layout(io.StringIO(head, newline=end).readlines(), wanted, usual, table.format.character)
    with open_text(path, Tally(), newline=end, encoding=encoding) as text:  # Guesses are counted once.
        records = _records(path, text, layout)
        first = next(records, None)
        if first is None:
            return
        header = [name.replace("\ufeff", "").strip() for name in first[1]]
        kept = _kept_columns(table, header, wanted)
        for line, fields in records:
            yield Row(line, _cells(path, line, fields, (header, kept), layout, tally))


def _records(path: Path, text: TextIO, layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, each with the line where it begins."""
    counted = _CountedLines(bounded_lines(text, path))
    for _ in range(layout.skipped):
        next(counted, None)
    reader = layout.reader(counted)
    while True:
        line = counted.count + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorpusError(f"{path}, line {line:,}: {_quote_words(str(error))}.") from error
        if fields:
            yield line, fields


class _CountedLines:
    """An iterator that knows how many lines it gave."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.count = lines, 0

    def __iter__(self) -> _CountedLines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        return line


def _quote_words(error: str) -> str:
    if "unexpected end of data" in error:
        return "a quote opens here and never closes: close it, or double the quotes inside the field"
    if "expected after" in error:
        return "a quoted field goes on after its closing quote: double the quotes inside it"
    if "new-line character" in error:
        return "a carriage return stands in a field without quotes: put the field in double quotes"
    if "field larger" in error:
        return f"a field of over {MAX_LINE:,} characters: is a quote left open?"
    return f"not readable as CSV ({error})"


def _kept_columns(table: Table, header: list[str], wanted: Callable[[str], bool]) -> list[int]:
    kept = [place for place, name in enumerate(header) if name and wanted(name)]
    for place, name in enumerate(header):
        if name:
            table.see(name, always=place in kept)
    twice = [name for name, count in Counter(normal_name(header[place]) for place in kept).items() if count > 1]
    if twice:
        raise CorpusError(f"{table.path}: {twice[0]!r} names two columns of the header: rename one of them.")
    return kept


def _cells(
    path: Path, line: int, fields: list[str], columns: tuple[list[str], list[int]], layout: _Layout, tally: Tally
) -> dict[str, Cell]:
    header, kept = columns
    if layout.delimiter == _NONE:
        fields = [_NONE.join(fields)]
    if len(fields) > len(header):
        if any(field.strip() for field in fields[len(header) :]):
            delimiter = _NAMES.get(layout.delimiter, repr(layout.delimiter))
            raise CorpusError(
                f"{path}, line {line:,}: {len(fields)} fields under a header of {len(header)} ({shown_names(header)}): "
                f"put fields that hold a {delimiter} in double quotes."
            )
        tally.add(_TRAILING, path, line)
    elif len(fields) < len(header):
        tally.add(_SHORT, path, line)
    if any(_holds_rows(field, layout.delimiter, len(header)) for field in fields if "\n" in field):
        tally.add(_SWALLOWED, path, line)
    return {header[place]: fields[place] if place < len(fields) else None for place in kept}


def _holds_rows(field: str, delimiter: str, columns: int) -> bool:
    """Whether a field that spans lines has one between its first and last with as many fields as the header."""
    return columns > 1 and any(line.count(delimiter) == columns - 1 for line in field.split("\n")[1:-1])


def _find_layout(lines: list[str], wanted: Callable[[str], bool], usual: str, given: str) -> _Layout:
    """The layout of a file with the delimiter that was given, its first line names, or its header decides."""
    above = 0
    while above < len(lines) and not lines[above].strip("\ufeff \t\r\n"):
        above += 1
    named = _SEP.match(lines[above].lstrip("\ufeff")) if above < len(lines) else None
    if named or given:
        above, delimiter = above + (1 if named else 0), given or (named[1] if named else usual)
        return _Layout(above, delimiter, _has_space(lines[above:], delimiter))
    order = (usual, *(each for each in _DELIMITERS if each != usual))
    best, best_score = _NONE, (0, 0.0)
    for delimiter in order:
        score = _score(lines[above:], delimiter, wanted)
        if score > best_score:
            best, best_score = delimiter, score
    return _Layout(above, best, _has_space(lines[above:], best))


def _score(lines: list[str], delimiter: str, wanted: Callable[[str], bool]) -> tuple[int, float]:
    """Columns of the header that are known, then the share of rows with as many fields as it; (0, 0) for one column."""
    counts: list[int] = []
    header: list[str] = []
    try:
        for fields in _Layout(0, delimiter, _has_space(lines, delimiter)).reader(iter(lines)):
            if fields and not header:
                header = fields
            elif fields:
                counts.append(len(fields))
            if len(counts) == _RECORDS:
                break
    except csv.Error:
        pass  # Cut in the middle of a row, or a fault that reading will name.
    if len(header) < 2:
        return 0, 0.0
    share = sum(count == len(header) for count in counts) / len(counts) if counts else 1.0
    known = sum(wanted(name) for name in header)
    return (known, share) if known else (0, share if share >= 0.9 else 0.0)


def _has_space(lines: list[str], delimiter: str) -> bool:
    """Whether the header has a space after every delimiter, as in `id, text`."""
    header = lines[0] if lines else ""
    return delimiter in header and header.count(delimiter) == header.count(f"{delimiter} ")
