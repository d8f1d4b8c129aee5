"""A table of questions with their answers as a collection: each answer once, and what is asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from mrl_demo.core.types import Document, Query
from mrl_demo.corpora.own.documents import MAX_TEXT_CHARS, document_vocabulary, read_documents
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.reading import NoteKind, Row, Table, Tally, Vocabulary, text_of

_QUESTION = ("query", "question", "query_text", "anchor")
_ANSWER = ("positive", "answer", "positive_text", "answer_text")
_SHARED = NoteKind(
    "shared-answer",
    "row has the answer of an earlier one, and makes no further document",
    "rows have answers of earlier ones, and make no further documents",
)


def answered_vocabulary(names: Iterable[str], columns: ColumnChoice) -> Vocabulary | None:
    """What reads a table of these columns as questions with answers; None if it is one of documents alone.

    A column of texts makes documents unless a person names a column of questions beside it.
    """
    here, words = dict.fromkeys(names, ""), document_vocabulary(columns)
    if "text" in words.pick(here):
        return words if "question" in words.pick(here) else None
    answered = Vocabulary({**words.names, "text": _ANSWER, "question": _QUESTION}, columns.chosen())
    return answered if {"text", "question"} <= set(answered.pick(here)) else None


def may_hold_answers(column: str) -> bool:
    """Whether a column's name says that questions or their answers stand in it."""
    return Vocabulary({"text": _ANSWER, "question": _QUESTION}).knows(column)


def holds_answers(table: Table, columns: ColumnChoice) -> Vocabulary | None:
    """As `answered_vocabulary`, by the table's first row."""
    first = next(table.rows, None)
    if first is None:
        return None
    table.rows = chain([first], table.rows)
    return answered_vocabulary(first.cells, columns)


def read_answered(
    table: Table, words: Vocabulary, limit: int, tally: Tally
) -> tuple[list[Document], list[Query], dict[str, dict[str, float]]]:
    """Documents, questions, and which document answers which; raises `CorpusError` as `read_documents` does.

    Rows with one question are one question of several answers, rows with one answer one document, which is counted.
    """
    asked: list[tuple[str, str]] = []
    table.rows = _first_of_each(table, table.rows, words, asked, tally)
    documents = read_documents(table, words, limit, tally)
    places = {document.text: document.id for document in documents}
    names: dict[str, str] = {}
    judgements: dict[str, dict[str, float]] = {}
    for question, text in asked:
        name = names.setdefault(question, f"asked-{len(names) + 1}")
        judgements.setdefault(name, {})[places[text[:MAX_TEXT_CHARS].rstrip()]] = 1.0
    return documents, [Query(name, question) for question, name in names.items()], judgements


def _first_of_each(
    table: Table, rows: Iterator[Row], words: Vocabulary, asked: list[tuple[str, str]], tally: Tally
) -> Iterator[Row]:
    """Rows whose answer no earlier row has; all questions go into `asked`, each with its answer."""
    seen: set[str] = set()
    for row in rows:
        roles, place = words.pick(row.cells), f"{table.path}, line {row.line:,}"
        question, text = (text_of(roles.get(role), place) for role in ("question", "text"))
        if question and text:
            asked.append((question, text))
        if text and text in seen:
            tally.add(_SHARED, table.path, row.line)
            continue
        seen.add(text)
        yield row
