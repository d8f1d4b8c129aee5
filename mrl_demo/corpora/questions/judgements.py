"""Judgements of any layout: BEIR's three columns, TREC's four, with a header or without, in any order."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading import NoteKind, Tally, Vocabulary, read_table, text_of
from mrl_demo.corpora.reading.ids import clean_id, plain_id, plain_ids
from mrl_demo.corpora.reading.rows import shown
from mrl_demo.corpora.reading.source import bounded_lines, open_text

_NAMES = {
    "query": ("query_id", "qid", "query", "q_id", "topic", "topic_id", "queryid"),
    "document": ("corpus_id", "docid", "doc_id", "docno", "pid", "passage_id", "document_id", "did", "document", "doc"),
    "grade": ("score", "grade", "relevance", "label", "rel", "rating", "relevancy", "judgement", "judgment"),
}
_WORDS = Vocabulary(_NAMES)
#: Columns of a file without a header, by their number: query, document, grade; the likeliest first.
_LAYOUTS: dict[int, tuple[tuple[int, int, int | None], ...]] = {
    2: ((0, 1, None), (1, 0, None)),
    3: ((0, 1, 2), (1, 0, 2)),
    4: ((0, 2, 3), (0, 1, 2), (1, 0, 2)),
}
_SAMPLE = 2_000
_UNGRADED = NoteKind(
    "judgement-without-grade", "judgement without a grade counts as 1", "judgements without a grade count as 1"
)
_REPEATED = NoteKind("repeated-judgement", "judgement stands twice", "judgements stand twice")
_HEADER = NoteKind("repeated-header", "header stands amid the judgements", "headers stand amid the judgements")
_REMARK = NoteKind("remark", "line is a remark (#) and is skipped", "lines are remarks (#) and are skipped")
_MATCHED = NoteKind(
    "matched-id", "judgement names an id as 1.0 that is 1, or 1 that is 1.0", "judgements name ids as 1.0 that are 1"
)


@dataclass(frozen=True)
class Judgement:
    """A document's grade for a query, and the line that says so.

    >>> Judgement("q1", "d1", grade=0.5, line=2).grade
    0.5
    """

    query: str
    document: str
    grade: float
    line: int


class KnownIds:
    """Ids of queries and of documents, as their files spell them.

    >>> KnownIds({"1.0"}, {"d1"}).query("1")
    '1.0'
    """

    def __init__(self, queries: Collection[str], documents: Collection[str]) -> None:
        self.queries, self.documents = frozenset(queries), frozenset(documents)
        self._plain_queries, self._plain_documents = plain_ids(self.queries), plain_ids(self.documents)

    def query(self, name: str) -> str:
        """The query meant by `name`: itself, or one that only differs as 1 does from 1.0."""
        return name if name in self.queries else self._plain_queries.get(plain_id(name), name)

    def document(self, name: str) -> str:
        """The document meant by `name`, as `query` finds it."""
        return name if name in self.documents else self._plain_documents.get(plain_id(name), name)


def read_judgements(path: Path, ids: KnownIds, tally: Tally) -> list[Judgement]:
    """Judgements in the order of the file; columns go by the header, or without one by which ids are known.

    Grades may be fractions. Raises `CorpusError` naming file, line and fix for a line that is no judgement and for two
    grades of one pair.
    """
    is_table = any(path.name.lower().removesuffix(".gz").endswith(end) for end in (".json", ".jsonl", ".parquet"))
    rows = _table_rows(path, tally) if is_table else _text_rows(path, ids, tally)
    kept: dict[tuple[str, str], Judgement] = {}
    for row in rows:
        query, document = ids.query(row.query), ids.document(row.document)
        if (query, document) != (row.query, row.document):
            tally.add(_MATCHED, path, row.line)
        first = kept.setdefault((query, document), Judgement(query, document, row.grade, row.line))
        if first.line == row.line:
            continue
        if first.grade != row.grade:
            raise CorpusError(
                f"{path}, line {row.line:,}: {row.document!r} has the grade {row.grade} for {row.query!r}, and "
                f"{first.grade} in line {first.line:,}: keep one."
            )
        tally.add(_REPEATED, path, row.line)
    return list(kept.values())


def _table_rows(path: Path, tally: Tally) -> Iterator[Judgement]:
    table = read_table(path, _WORDS.knows, tally)
    for row in table.rows:
        cells, place = _WORDS.pick(row.cells), f"{path}, line {row.line:,}"
        if "query" not in cells or "document" not in cells:
            raise CorpusError(f"{place}: {list(row.cells)} name no query and document (query-id, corpus-id, score).")
        query, document = (clean_id(cells[role], place) for role in ("query", "document"))
        grade = _graded(text_of(cells.get("grade"), place), path, row.line, tally)
        yield Judgement(query, document, grade, row.line)


def _text_rows(path: Path, ids: KnownIds, tally: Tally) -> Iterator[Judgement]:
    with open_text(path, tally, newline=None) as text:
        lines = [
            (number, line) for number, line in enumerate(bounded_lines(text, path), 1) if line.strip("\ufeff \t\n")
        ]
    delimiter = _delimiter(line for _, line in lines)
    rows = [(number, _fields(line, delimiter)) for number, line in lines]
    columns: tuple[int, int, int | None] | None = None
    width = 0
    for number, fields in rows:
        header = _header(fields)
        if header is not None:
            if columns is not None:
                tally.add(_HEADER, path, number)
            columns, width = header, len(fields)
        elif fields[0].startswith("#") and len(fields) < 3:
            tally.add(_REMARK, path, number)
        elif columns is None and _is_unknown_header(fields, rows):
            words = f"{path.name}: the first line {fields} is taken for a header: query, document and grade by place."
            tally.say("guessed-header", words, f"{path.name}, line {number:,}", 1)
        else:
            if columns is None:
                columns, width = _columns_by_ids(path, rows, ids, tally)
            yield _judgement(path, number, fields, (columns, width), tally)


def _judgement(
    path: Path, line: int, fields: list[str], layout: tuple[tuple[int, int, int | None], int], tally: Tally
) -> Judgement:
    (query, document, grade), width = layout
    if len(fields) != width and (len(fields) > width or max(query, document, grade or 0) >= len(fields)):
        raise CorpusError(
            f"{path}, line {line:,}: {' '.join(fields)[:80]!r} has {len(fields)} fields, not {width}: a judgement is "
            "'query-id  corpus-id  score', with tabs between if ids hold spaces."
        )
    place = f"{path}, line {line:,}"
    names = clean_id(fields[query], place), clean_id(fields[document], place)
    if not all(names):
        raise CorpusError(f"{place}: {fields} lacks the id of a query or a document.")
    return Judgement(*names, _graded(fields[grade] if grade is not None else "", path, line, tally), line)


def _graded(text: str, path: Path, line: int, tally: Tally) -> float:
    if not text.strip():
        tally.add(_UNGRADED, path, line)
        return 1
    grade = _number(text)
    if grade is None:
        raise CorpusError(f"{path}, line {line:,}: the grade {shown(text)} is no number.")
    return grade


def _number(text: str) -> float | None:
    try:
        grade = float(text)
    except ValueError:
        return None
    if not math.isfinite(grade):
        return None
    return int(grade) if grade == int(grade) else grade


def _delimiter(lines: Iterator[str]) -> str:
    """Tab, comma or semicolon if most lines have it, "" for white space."""
    sample = [line for _, line in zip(range(_SAMPLE), lines, strict=False)]
    for delimiter in ("\t", ",", ";"):
        if sum(delimiter in line for line in sample) * 2 > len(sample):
            return delimiter
    return ""


def _fields(line: str, delimiter: str) -> list[str]:
    line = line.replace("\ufeff", "").strip("\r\n")
    if not delimiter:
        return line.split()
    try:
        fields = next(csv.reader([line], delimiter=delimiter, strict=True)) if '"' in line else line.split(delimiter)
    except csv.Error:
        fields = line.split(delimiter)
    while len(fields) > 2 and not fields[-1].strip():
        fields.pop()
    return [field.strip() for field in fields] or [""]


def _header(fields: list[str]) -> tuple[int, int, int | None] | None:
    """Where query, document and grade stand, None for a line that is no header."""
    places = _WORDS.pick({field.removeprefix("#"): place for place, field in enumerate(fields)})
    if "query" not in places or "document" not in places:
        return None
    return places["query"], places["document"], places.get("grade")


def _is_unknown_header(fields: list[str], rows: list[tuple[int, list[str]]]) -> bool:
    """Whether words stand where all other rows have a grade."""
    return len(fields) > 2 and len(rows) > 1 and rows[0][1] is fields and all(_number(cell) is None for cell in fields)


def _columns_by_ids(
    path: Path, rows: list[tuple[int, list[str]]], ids: KnownIds, tally: Tally
) -> tuple[tuple[int, int, int | None], int]:
    """The layout under which most queries and documents are known, the usual one in doubt."""
    width = Counter(len(fields) for _, fields in rows).most_common(1)[0][0]
    if width not in _LAYOUTS:
        line, fields = rows[0]
        raise CorpusError(f"{path}, line {line:,}: {' '.join(fields)[:80]!r} is not 'query-id  corpus-id  score'.")
    sample = [fields for _, fields in rows[:_SAMPLE] if len(fields) == width]

    def count_known(layout: tuple[int, int, int | None]) -> int:
        """How many cells of the sample make sense under a layout."""
        pairs = [(ids.query(fields[layout[0]]), ids.document(fields[layout[1]])) for fields in sample]
        graded = [layout[2] is None or _number(fields[layout[2]]) is not None for fields in sample]
        return sum((query in ids.queries) + (document in ids.documents) for query, document in pairs) + sum(graded)

    best = max(_LAYOUTS[width], key=count_known)
    if best != _LAYOUTS[width][0]:
        order = ", ".join(name for _, name in sorted(zip([best[0], best[1]], ["query", "document"], strict=True)))
        tally.say("guessed-columns", f"{path.name} has no header: its columns are read as {order}, by their ids.")
    return best, width
