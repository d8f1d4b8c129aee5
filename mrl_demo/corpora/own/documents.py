"""From rows of a file to documents: ids, titles, texts and labels, checked and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Document
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.reading import Cell, NoteKind, Table, Tally, Vocabulary, text_of
from mrl_demo.corpora.reading.columns import shown_names
from mrl_demo.corpora.reading.ids import clean_id

MAX_TEXT_CHARS = 20_000
_ID_NAMES = ("_id", "id", "doc_id", "docid", "docno", "corpus_id", "pid", "passage_id", "document_id", "did", "uuid")
_NAMES = {
    "id": _ID_NAMES,
    "title": ("title", "name", "heading"),
    "text": ("text", "content", "contents", "body", "passage", "document", "description", "abstract"),
    "label": ("label", "topic", "category", "class", "target"),
    "domain": ("domain",),
    "language": ("language", "lang", "locale"),
    "metadata": ("metadata",),
}
EMPTY = NoteKind("empty-document", "document without text is left out", "documents without text are left out")
_CUT = NoteKind(
    "cut-document",
    f"document was cut at {MAX_TEXT_CHARS:,} characters",
    f"documents were cut at {MAX_TEXT_CHARS:,} characters",
)
_REPEATED = NoteKind("repeated-document", "document stands twice word for word", "documents stand twice word for word")
_NO_ID = NoteKind("document-without-id", "document without an id got one", "documents without an id got one")


def document_vocabulary(columns: ColumnChoice) -> Vocabulary:
    """Names under which a document's columns are looked for."""
    return Vocabulary(_NAMES, columns.chosen())


def read_documents(table: Table, words: Vocabulary, max_documents: int, tally: Tally) -> list[Document]:
    """Documents with text, in the order of the file; ids that are blank or not there become `row-N`.

    Raises `CorpusError` naming file, line and fix for an id that two different documents have, a missing column, or
    too many documents.
    """
    kept = _Documents(table, max_documents, tally)
    has_text = False
    for number, row in enumerate(table.rows, 1):
        roles = words.pick(row.cells)
        has_text = has_text or "text" in roles
        kept.add(_document(roles, f"{table.path}, line {row.line:,}"), number, row.line)
    words.check_chosen(table.columns, table.path)
    if not has_text:
        raise _no_text_column(table, words)
    return kept.with_ids()


class _Documents:
    """Documents kept so far, each with the number of its row."""

    def __init__(self, table: Table, limit: int, tally: Tally) -> None:
        self._path, self._limit, self._tally = table.path, limit, tally
        self._kept: list[tuple[Document, int, int]] = []
        self._lines: dict[str, tuple[str, int]] = {}

    def add(self, document: Document, number: int, line: int) -> None:
        """Keep a document, or count why not."""
        if not document.content:
            self._tally.add(EMPTY, self._path, line)
            return
        if len(document.text) > MAX_TEXT_CHARS:
            self._tally.add(_CUT, self._path, line)
            document = replace(document, text=document.text[:MAX_TEXT_CHARS].rstrip())
        if document.id and self._is_repeated(document, line):
            return
        self._kept.append((document, number, line))
        if len(self._kept) > self._limit:
            raise CorpusError(
                f"{self._path} has more than {self._limit:,} documents: give fewer (or raise MRL_MAX_DOCUMENTS)."
            )

    def _is_repeated(self, document: Document, line: int) -> bool:
        content, first = self._lines.setdefault(document.id, (document.content, line))
        if first == line:
            return False
        if content == document.content:
            self._tally.add(_REPEATED, self._path, line)
            return True
        raise CorpusError(
            f"{self._path}, line {line:,}: the id {document.id!r} stands at more than one document (first in line "
            f"{first:,}): make ids unique."
        )

    def with_ids(self) -> list[Document]:
        """The documents kept, those without an id named after their row."""
        documents = []
        for document, number, line in self._kept:
            if not document.id:
                if self._lines:
                    self._tally.add(_NO_ID, self._path, line)
                document = replace(document, id=self._free_id(number))
            documents.append(document)
        return documents

    def _free_id(self, number: int) -> str:
        name, suffix = f"row-{number}", 2
        while name in self._lines:
            name, suffix = f"row-{number}-{suffix}", suffix + 1
        return name


def _document(roles: Mapping[str, Cell], place: str) -> Document:
    metadata = roles.get("metadata")
    more = metadata if isinstance(metadata, dict) else {}
    return Document(
        clean_id(roles.get("id"), place),
        text_of(roles.get("title"), place),
        text_of(roles.get("text"), place),
        text_of(roles.get("label") or more.get("topic"), place),
        text_of(roles.get("domain") or more.get("domain"), place),
        text_of(roles.get("language") or more.get("language"), place),
    )


def _no_text_column(table: Table, words: Vocabulary) -> CorpusError:
    if not table.columns or any(words.role_of(name) == "text" for name in table.columns):
        return CorpusError(f"{table.path} holds no document with text: it has no row.")
    return CorpusError(
        f"{table.path}: no text column among {shown_names(table.columns)}. Name it with --text-column, or call it one "
        f"of {', '.join(_NAMES['text'])} (in the first line of a file without a header)."
    )
