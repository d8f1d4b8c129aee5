"""One table out of one file, whatever its type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.confined import confined_rows
from mrl_demo.corpora.reading.delimited import delimited_rows
from mrl_demo.corpora.reading.json_rows import json_rows
from mrl_demo.corpora.reading.packed import check_package
from mrl_demo.corpora.reading.parquet import parquet_rows
from mrl_demo.corpora.reading.rows import Row, Table, without_surrogates
from mrl_demo.corpora.reading.source import bounded_lines, open_text
from mrl_demo.corpora.reading.tally import NoteKind, Tally
from mrl_demo.corpora.reading.text_format import AS_FOUND, TextFormat
from mrl_demo.corpora.reading.writings import WRITING_TYPES, writing_rows

#: Tables that `read_table` reads, each also with .gz.
TABLE_TYPES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
#: All that it reads; packed and bound files are packed inside already.
FILE_TYPES = (*TABLE_TYPES, ".txt", ".xlsx", *WRITING_TYPES)
_NOT_PACKED = (".xlsx", ".docx", ".pdf")
_PACKAGES = {".xlsx": "an Excel workbook", ".docx": "a Word document"}
#: Markdown and HTML up to this many bytes are parsed here, longer ones as Word and PDF in a process of their own.
_SHORT_BYTES = 2**20
#: Where a PDF has to begin.
_PDF_HEAD = 1024
_SURROGATE = NoteKind(
    "replaced-surrogates",
    "text holds half a character (a lone surrogate), replaced by U+FFFD",
    "texts hold half characters (lone surrogates), replaced by U+FFFD",
)


def read_table(
    path: Path,
    wanted: Callable[[str], bool],
    tally: Tally,
    *,
    is_paragraphs: bool = False,
    text_format: TextFormat = AS_FOUND,
) -> Table:
    """Open a JSONL, JSON, CSV, TSV, Parquet, Excel or text file, Markdown, HTML, Word or PDF, and read its rows.

    `.gz` is allowed for texts and tables, capitals too. Only columns for which `wanted` is true are kept; a text file
    has the column "text", a row being a line or with `is_paragraphs` what stands between empty lines; a document has
    "title" and "text", a row being a section or a page. `text_format` says what is not to be found
    out. What is repaired, replaced or guessed is counted in `tally`. Raises `CorpusError`, at once or while rows are
    read, naming file, line and fix.
    """
    if not path.is_file():
        raise CorpusError(f"{path} does not exist: give a {', '.join(FILE_TYPES)} file.")
    kind = file_type(path)
    table = Table(path, iter(()), format=text_format)
    if kind == ".parquet":
        table.rows = parquet_rows(table, wanted)
    elif kind in {".json", ".jsonl", ".ndjson"}:
        table.rows = json_rows(table, wanted, tally, is_lines=kind != ".json")
    elif kind in {".csv", ".tsv"}:
        table.rows = delimited_rows(table, wanted, tally, "\t" if kind == ".tsv" else ",")
    elif kind in _NOT_PACKED or (kind in WRITING_TYPES and _is_long(path)):
        _check_kind(path, kind)
        table.rows = confined_rows(table, kind, wanted, tally)
    elif kind in WRITING_TYPES:
        table.rows = writing_rows(table, kind, tally)
    else:
        table.rows = _paragraph_rows(table, tally) if is_paragraphs else _text_rows(table, tally)
    table.rows = _mended_rows(table, table.rows, tally)
    return table


def file_type(path: Path) -> str:
    """The lower-case suffix that says what a file is, `.gz` aside; raises `CorpusError` for a type not read."""
    name = path.name.lower().removesuffix(".gz")
    kind = Path(name).suffix
    if kind not in FILE_TYPES or (kind in _NOT_PACKED and name != path.name.lower()):
        raise CorpusError(f"{path}: {kind or 'no'} file type is not known. Use {', '.join(FILE_TYPES)} (also .gz).")
    return kind


def _is_long(path: Path) -> bool:
    return path.suffix.lower() == ".gz" or path.stat().st_size > _SHORT_BYTES


def _check_kind(path: Path, kind: str) -> None:
    """Raise `CorpusError` at once for a file that is nothing like what its name says, or unpacks to too much."""
    if kind in _PACKAGES:
        check_package(path, _PACKAGES[kind])
    elif kind == ".pdf":
        with path.open("rb") as file:
            if b"%PDF" not in file.read(_PDF_HEAD):
                raise CorpusError(f"{path} cannot be read as a PDF (it does not begin as one): print it to a new one.")


def file_stem(path: Path) -> str:
    """A file's name without the suffixes that say what it is.

    >>> file_stem(Path("my.notes+drafts.CSV.gz"))
    'my.notes+drafts'
    """
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem if Path(name).suffix.lower() in (*FILE_TYPES, ".zip") else name


def _text_rows(table: Table, tally: Tally) -> Iterator[Row]:
    table.see("text")
    with open_text(table.path, tally, newline=None, encoding=table.format.encoding) as text:
        for number, line in enumerate(bounded_lines(text, table.path), 1):
            if line.strip():
                yield Row(number, {"text": line.rstrip("\n")})


def _paragraph_rows(table: Table, tally: Tally) -> Iterator[Row]:
    table.see("text")
    with open_text(table.path, tally, newline=None, encoding=table.format.encoding) as text:
        lines: list[str] = []
        for number, line in enumerate(bounded_lines(text, table.path), 1):
            if line.strip():
                lines.append(line.strip())
            elif lines:
                yield Row(number - len(lines), {"text": " ".join(lines)})
                lines = []
        if lines:
            yield Row(number + 1 - len(lines), {"text": " ".join(lines)})


def _mended_rows(table: Table, rows: Iterator[Row], tally: Tally) -> Iterator[Row]:
    for row in rows:
        cells = {name: without_surrogates(cell) for name, cell in row.cells.items()}
        for name, cell in cells.items():
            if cell is not row.cells[name] and cell != row.cells[name]:
                tally.add(_SURROGATE, table.path, row.line)
        yield Row(row.line, cells)
