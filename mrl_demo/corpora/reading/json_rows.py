"""Rows of JSON Lines and of JSON arrays; numbers keep their spelling, however long."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.rows import Row, Table, cell_of, shown
from mrl_demo.corpora.reading.source import bounded_lines, open_text
from mrl_demo.corpora.reading.tally import NoteKind, Tally

#: An array has to be in memory whole: so many characters at most.
MAX_ARRAY = 512 * 2**20
_PIECE = 2**20
_COMMA = NoteKind("repaired-comma", "line ends with a comma, which is ignored", "lines end with a comma, ignored")
_AS_LINES = "save one object a line (pandas: to_json(path, orient='records', lines=True))"


def json_rows(table: Table, wanted: Callable[[str], bool], tally: Tally, *, is_lines: bool) -> Iterator[Row]:
    """Objects of a file, one a line or in one array; only the wanted keys of each are kept.

    `is_lines` if the file's name promises JSON Lines; raises `CorpusError` naming file, line and fix.
    """
    path = table.path
    with open_text(path, tally, encoding=table.format.encoding) as text:
        lines = bounded_lines(text, path)
        number, line = _first_line(lines)
        if line.startswith("[") and not _is_row(line):
            values = _array_values(path, "\n" * (number - 1) + line + _rest(text, path))
        else:
            values = _line_values(path, _numbered(number, line, lines), tally, is_lines)
        for place, value in values:
            yield _row(table, wanted, place, value)


def _rest(text: TextIO, path: Path) -> str:
    pieces, size = [], 0
    while piece := text.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ARRAY:
            raise CorpusError(f"{path} is a JSON array of over {MAX_ARRAY:,} characters: {_AS_LINES}.")
    return "".join(pieces)


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    for number, line in enumerate(lines, 1):
        stripped = line.lstrip("\ufeff \t\r\n")
        if stripped:
            return number, stripped
    return 1, ""


def _is_row(line: str) -> bool:
    """Whether a line that starts with `[` is a whole value, so that an array a line is meant."""
    try:
        return isinstance(_DECODER.decode(line), list) and "{" not in line
    except (ValueError, RecursionError):
        return False


def _numbered(number: int, first: str, rest: Iterator[str]) -> Iterator[tuple[int, str]]:
    yield number, first
    yield from enumerate(rest, number + 1)


def _line_values(
    path: Path, lines: Iterator[tuple[int, str]], tally: Tally, is_lines: bool
) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        text = line.strip("\ufeff \t\r\n")
        if not text:
            continue
        if text.endswith(","):
            text = text[:-1]
            tally.add(_COMMA, path, number)
        try:
            yield number, _DECODER.decode(text)
        except RecursionError as error:
            raise CorpusError(f"{path}, line {number:,}: nested too deeply to be read.") from error
        except ValueError as error:
            fix = f"{_AS_LINES}, or an array of them" if not is_lines else _AS_LINES
            raise CorpusError(f"{path}, line {number:,}: not JSON ({error}): {fix}.") from error


def _array_values(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """Elements of a file that is one array, each with the line where it begins."""
    place = _past_space(text, text.index("[") + 1)
    line, counted = 1, 0
    while place < len(text) and text[place] != "]":
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, place = _DECODER.raw_decode(text, place)
        except RecursionError as error:
            raise CorpusError(f"{path}, line {line:,}: nested too deeply to be read.") from error
        except ValueError as error:
            raise CorpusError(f"{path}, line {line:,}: not JSON ({error}): mend it, or {_AS_LINES}.") from error
        yield line, value
        place = _past_space(text, place)
        if text[place : place + 1] == ",":
            place = _past_space(text, place + 1)
        elif text[place : place + 1] != "]":
            raise CorpusError(f"{path}, line {line:,}: after the object a comma or ] is missing.")
    if _past_space(text, place + 1) < len(text) or place >= len(text):
        raise CorpusError(f"{path}: the array does not end with ] at the end of the file: mend it, or {_AS_LINES}.")


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _row(table: Table, wanted: Callable[[str], bool], line: int, value: Any) -> Row:  # noqa: ANN401 - any JSON
    if not isinstance(value, dict):
        raise CorpusError(f"{table.path}, line {line:,}: a JSON object is needed, not {shown(value)}: {_AS_LINES}.")
    cells = {}
    for name, cell in value.items():
        is_wanted = wanted(name)
        table.see(name, always=is_wanted)
        if is_wanted:
            cells[name] = cell_of(cell)
    return Row(line, cells)


#: Numbers stay text, so that 1.10 keeps its zero and 5,000 digits are no error; NaN and Infinity are no values.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda _name: None)
