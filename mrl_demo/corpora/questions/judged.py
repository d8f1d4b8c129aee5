"""Questions in a file of their own, with the documents that answer them: by id, or by the answer's text."""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Document, Note, Query
from mrl_demo.corpora.questions.languages import LANGUAGE
from mrl_demo.corpora.reading import Cell, NoteKind, Tally, Vocabulary, read_table, shown_names, text_of
from mrl_demo.corpora.reading.ids import clean_id, plain_id, plain_ids
from mrl_demo.corpora.reading.rows import shown

#: Begins the style of a question that a language model wrote.
GENERATED = "generated"
_NAMES = {
    "query": ("query", "question", "query_text", "anchor", "search", "text"),
    "id": ("query_id", "qid", "_id", "id"),
    "document": ("document_id", "doc_id", "docid", "corpus_id", "docno", "pid", "passage_id", "answer_id", "document"),
    "answer": ("positive", "answer", "passage", "positive_text", "answer_text", "context"),
    "grade": ("score", "grade", "relevance", "rel", "rating", "label"),
    "style": ("style", "origin"),
    "language": ("language", "lang", "locale"),
}
#: A shorter text stands in documents that do not answer by it.
_LEAST_CONTAINED = 20
_MOST_CONTAINED = 10
_EMPTY = NoteKind(
    "empty-question", "question without text or answer is left out", "questions without text or answer are left out"
)
_UNKNOWN_ID = NoteKind(
    "unknown-answer-id", "answer's id is no document's and is left out", "answers' ids are no document's and left out"
)
_UNKNOWN_TEXT = NoteKind(
    "unknown-answer-text",
    "answer's text stands in no document and is left out",
    "answers' texts stand in no document and are left out",
)


@dataclass(frozen=True)
class QuestionSet:
    """Questions, which documents answer each, and what was left out of their file.

    >>> asked = QuestionSet((Query("q1", "how do bees talk"),), {"q1": {"d7": 1.0}})
    >>> len(asked.queries), asked.judgements["q1"]
    (1, {'d7': 1.0})
    """

    queries: tuple[Query, ...]
    judgements: dict[str, dict[str, float]]
    notes: tuple[Note, ...] = ()

    @classmethod
    def read(cls, path: Path, documents: Sequence[Document]) -> QuestionSet:
        """Read a file of questions on some documents; raises as `read_judged_questions` does."""
        tally = Tally()
        queries, judgements = read_judged_questions(path, documents, tally)
        return cls(tuple(queries), judgements, tally.notes())

    def to_csv(self) -> str:
        """As `question_rows` writes them."""
        return question_rows(
            (query.text, name, grade, query.style)
            for query in self.queries
            for name, grade in self.judgements.get(query.id, {}).items()
        )

    def beside(self, corpus: Corpus) -> Corpus:
        """The collection with these questions beside its own, in its test split or the one that it has.

        Answers to a question that the collection asks in the same words join those it has. Raises `CorpusError` for an
        id that is taken.
        """
        splits = {query.split for query in corpus.queries}
        split = "test" if "test" in splits else min(splits, default="")
        known = {_folded(query.text): query.id for query in corpus.queries}
        new = [replace(query, split=split) for query in self.queries if _folded(query.text) not in known]
        if taken := {query.id for query in new} & {query.id for query in corpus.queries}:
            raise CorpusError(f"The collection has a question with the id {min(taken)!r}: give yours another query_id.")
        judgements = {name: dict(answers) for name, answers in corpus.judgements.items()}
        for query in self.queries:
            name = known.get(_folded(query.text), query.id)
            judgements.setdefault(name, {}).update(self.judgements.get(query.id, {}))
        return replace(
            corpus, queries=(*corpus.queries, *new), judgements=judgements, notes=(*corpus.notes, *self.notes)
        )

    def answers_to(self, question: str) -> tuple[str, ...]:
        """Ids of the documents that answer a question, whatever its capitals and spaces."""
        return tuple(
            name
            for query in self.queries
            if _folded(query.text) == _folded(question)
            for name, grade in self.judgements.get(query.id, {}).items()
            if grade > 0
        )

    def with_answer(self, question: str, document_id: str) -> QuestionSet:
        """The same with one more answer, the question too if it is new.

        >>> QuestionSet((), {}).with_answer("how do bees talk", "d7").answers_to("How do bees  talk")
        ('d7',)
        """
        query = next((query for query in self.queries if _folded(query.text) == _folded(question)), None)
        if query is None:
            taken = {query.id for query in self.queries}
            name = next(name for i in range(1, len(taken) + 2) if (name := f"asked-{i}") not in taken)
            query = Query(name, question.strip())
        queries = self.queries if query in self.queries else (*self.queries, query)
        answers = {**self.judgements.get(query.id, {}), document_id: 1.0}
        return QuestionSet(queries, {**self.judgements, query.id: answers})

    def without_answer(self, question: str, document_id: str) -> QuestionSet:
        """The same without an answer, and without the question if that was its last."""
        judgements = {name: dict(answers) for name, answers in self.judgements.items()}
        for query in self.queries:
            if _folded(query.text) == _folded(question):
                judgements.get(query.id, {}).pop(document_id, None)
        kept = {name: answers for name, answers in judgements.items() if answers}
        return QuestionSet(tuple(query for query in self.queries if query.id in kept), kept)

    def rows(self) -> list[tuple[str, str]]:
        """Question and id of a document for every answer, in order."""
        return [(query.text, name) for query in self.queries for name in self.judgements.get(query.id, {})]


def question_rows(rows: Iterable[tuple[str, str, float, str]], *, has_head: bool = True) -> str:
    """CSV that `read_judged_questions` reads: question, id of a document, grade and style of each row."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if has_head:
        writer.writerow(("query", "document_id", "score", "style"))
    writer.writerows((text, name, f"{grade:g}", style) for text, name, grade, style in rows)
    return file.getvalue()


def read_judged_questions(
    path: Path, documents: Sequence[Document], tally: Tally
) -> tuple[list[Query], dict[str, dict[str, float]]]:
    """Questions with their answers among `documents`, from a table of any type that is read.

    A row has a question (`query`, `question`, ...) and the id of a document (`document_id`, ...) or the answer's text
    (`positive`, `answer`, ...), which is all of a document's text or title or stands in it; a grade, a style and a
    language if there are columns of these. Rows with one `query_id`, or without ids with one text, are one question of
    several answers; an id of a document that was split counts for each of its passages. Raises `CorpusError` naming
    file, line and fix.
    """
    words, answers = Vocabulary(_NAMES), _Answers(documents)
    table = read_table(path, words.knows, tally)
    queries: dict[str, Query] = {}
    judgements: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}  # Of questions that have no id, by their text.
    for row in table.rows:
        cells, place = words.pick(row.cells), f"{path}, line {row.line:,}"
        query, given = _question(cells, place, names), _answer(cells, place)
        if not query.text or not any(given):
            tally.add(_EMPTY, path, row.line)
            continue
        meant = list(answers.find(*given))
        if not meant:
            tally.add(_UNKNOWN_ID if given[0] else _UNKNOWN_TEXT, path, row.line)
            continue
        if queries.setdefault(query.id, query).text != query.text:
            raise CorpusError(f"{place}: two questions have the id {query.id!r}: make it one.")
        judgements.setdefault(query.id, {}).update(dict.fromkeys(meant, _grade(cells, place)))
    _check_kept(path, list(table.columns), queries, tally)
    return list(queries.values()), judgements


def _question(cells: Mapping[str, Cell], place: str, names: dict[str, str]) -> Query:
    text, name = text_of(cells.get("query"), place), clean_id(cells.get("id"), place)
    name = name or names.setdefault(text, f"asked-{len(names) + 1}")
    language = text_of(cells.get("language"), place)
    own = ((LANGUAGE, language),) if language else ()
    return Query(name, text, text_of(cells.get("style"), place), fields=own)


def _answer(cells: Mapping[str, Cell], place: str) -> tuple[str, str]:
    return clean_id(cells.get("document"), place), text_of(cells.get("answer"), place)


def _grade(cells: Mapping[str, Cell], place: str) -> float:
    text = text_of(cells.get("grade"), place)
    try:
        grade = float(text) if text else 1.0
    except ValueError:
        grade = float("nan")
    if not abs(grade) < float("inf"):
        raise CorpusError(f"{place}: the grade {shown(text)} is no number.")
    return grade


def _check_kept(path: Path, columns: list[str], queries: Mapping[str, Query], tally: Tally) -> None:
    if not queries:
        lost = " ".join(str(note) for note in tally.notes())
        raise CorpusError(
            f"{path} holds no question with an answer among the documents (columns {shown_names(columns)}). {lost} "
            "Give the columns query and document_id, or query and positive (the answer's text)."
        )
    made = sum(query.style.startswith(GENERATED) for query in queries.values())
    if made:
        words = f"{made:,} of {len(queries):,} questions were generated by a language model: people ask otherwise."
        tally.say("generated-questions", words, count=made)


class _Answers:
    """Documents by id, by what they say, and by what stands in them."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._ids = [document.id for document in documents]
        self._known = set(self._ids)
        self._plain = plain_ids(self._known)
        self._passages: dict[str, list[str]] = {}
        self._texts: dict[str, list[str]] = {}
        folded = []
        for document in documents:
            if "#" in document.id:
                self._passages.setdefault(document.id.rpartition("#")[0], []).append(document.id)
            folded.append(_folded(document.content))
            for text in {_folded(document.text), _folded(document.title), folded[-1]} - {""}:
                self._texts.setdefault(text, []).append(document.id)
        self._whole = "\n".join(folded)
        self._starts = list(accumulate((len(text) + 1 for text in folded), initial=0))

    def find(self, name: str, text: str) -> Iterator[str]:
        """Ids of the documents meant by an id, or by a text if there is no id."""
        if not name:
            yield from self._texts.get(_folded(text)) or self._containing(_folded(text))
        elif name in self._known:
            yield name
        elif plain_id(name) in self._plain:
            yield self._plain[plain_id(name)]
        else:
            yield from self._passages.get(name, ())

    def _containing(self, text: str) -> list[str]:
        ids: dict[str, None] = {}
        place = self._whole.find(text) if len(text) >= _LEAST_CONTAINED else -1
        while place >= 0 and len(ids) < _MOST_CONTAINED:
            row = bisect_right(self._starts, place) - 1
            ids[self._ids[row]] = None
            place = self._whole.find(text, self._starts[row + 1])
        return list(ids)


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
