"""The folder that retrieval toolkits read and write (BEIR, arXiv 2104.08663): corpus, queries, judgements by split."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import Corpus, Document, Note, Query
from mrl_demo.corpora.own.documents import document_vocabulary, read_documents
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.questions.judgements import Judgement, KnownIds, read_judgements
from mrl_demo.corpora.reading import (
    TABLE_TYPES,
    Cell,
    NoteKind,
    Tally,
    TextFormat,
    Vocabulary,
    file_stem,
    read_table,
    text_of,
)
from mrl_demo.corpora.reading.ids import clean_id

#: The split of judgements that name none, and the one that toolkits look for.
DEFAULT_SPLIT = "test"
_LONGEST_FIELD = 60
_FIRST_SPLITS = ("test", "dev", "validation", "valid", "val", "train")
_QRELS = (".tsv", ".txt", ".csv", ".qrels", ".qrel", ".trec", ".jsonl", ".json", ".parquet", "")
_QUERY_NAMES = {
    "id": ("_id", "id", "query_id", "qid", "q_id", "queryid", "topic_id", "number", "num"),
    "text": ("text", "query", "question", "query_text", "content", "title", "body"),
    "metadata": ("metadata",),
}
_UNJUDGED = NoteKind(
    "unjudged-query", "query has no judgement and is left out", "queries have no judgement and are left out"
)
_EMPTY = NoteKind("empty-query", "query without text is left out", "queries without text are left out")
_REPEATED = NoteKind("repeated-query", "query stands twice word for word", "queries stand twice word for word")
_STRAY = NoteKind(
    "stray-judgement",
    "judgement names a query that is not there and is left out",
    "judgements name queries that are not there and are left out",
)
_OTHER_SPLIT = NoteKind(
    "judged-in-two-splits",
    "judgement is left out: its query is judged otherwise in another split (choose one with --split)",
    "judgements are left out: their queries are judged otherwise in another split (choose one with --split)",
)


@dataclass(frozen=True)
class _Located:
    query: Query
    line: int


def read_beir(
    folder: Path, max_documents: int, columns: ColumnChoice, tally: Tally, first_split: str = ""
) -> tuple[list[Document], list[Query], dict[str, dict[str, float]]]:
    """Documents, judged queries with their splits, and judgements, those of documents that are not there included.

    The corpus and the queries may be JSONL, JSON, CSV, TSV or Parquet, judgements in `qrels/SPLIT.tsv` or `qrels.tsv`
    (the test split), in any layout that `read_judgements` knows, each also as `.gz`. A query judged alike in several
    splits is in each of them; if it is judged otherwise, that of `first_split` counts, or else of test, dev, train, in
    this order. Raises `CorpusError`.
    """
    corpus = _find(folder, "corpus")
    if corpus is None:
        raise CorpusError(f"{folder} has no corpus.jsonl (or .csv, .tsv, .parquet, .gz): a BEIR folder needs it.")
    words = document_vocabulary(columns)
    documents = read_documents(
        read_table(corpus, words.knows, tally, text_format=columns.format), words, max_documents, tally
    )
    queries_file, splits = _find(folder, "queries"), _split_files(folder, tally, first_split)
    if queries_file is None or not splits:
        _say_what_is_missing(queries_file, splits, tally)
        return documents, [], {}
    located = _read_queries(queries_file, tally, columns.format)
    ids = KnownIds(located, {document.id for document in documents})
    members, judgements = _by_split(splits, ids, tally)
    queries = [
        replace(each.query, split=split)
        for name, each in located.items()
        for split, names in members.items()
        if name in names
    ]
    for name, each in located.items():
        if name not in judgements:
            tally.add(_UNJUDGED, queries_file, each.line)
    return documents, queries, judgements


def has_beir_files(folder: Path) -> bool:
    """Whether a folder has a file of a BEIR collection: its corpus, queries or judgements."""
    has_judgements = any(path.is_dir() and path.name.lower() == "qrels" for path in folder.iterdir())
    return has_judgements or any(_find(folder, stem) is not None for stem in ("corpus", "queries", "qrels"))


def _say_what_is_missing(queries: Path | None, splits: Mapping[str, Path], tally: Tally) -> None:
    if queries is not None:
        words = f"{queries.name} is left out: there are no judgements (qrels/test.tsv) to go with it."
        tally.say("no-judgements", words)
    elif splits:
        names = ", ".join(path.name for path in splits.values())
        tally.say("no-queries", f"The judgements ({names}) are left out: there is no queries.jsonl.")
    else:
        tally.say("no-judgements", "No judged queries in the folder.")


def _read_queries(path: Path, tally: Tally, text_format: TextFormat) -> dict[str, _Located]:
    words = Vocabulary(_QUERY_NAMES)
    table = read_table(path, lambda _: True, tally, text_format=text_format)
    kept: dict[str, _Located] = {}
    for row in table.rows:
        roles, place = words.pick(row.cells), f"{path}, line {row.line:,}"
        if "id" not in roles or "text" not in roles:
            missing = "id" if "id" not in roles else "text"
            raise CorpusError(
                f"{place}: no {missing} among {', '.join(table.columns)}: call it one of "
                f"{', '.join(_QUERY_NAMES[missing])}."
            )
        metadata = roles.get("metadata")
        more = metadata if isinstance(metadata, dict) else {}
        others = {name: cell for name, cell in row.cells.items() if not words.knows(name)}
        style, own = text_of(more.get("style"), place), _own_fields({**others, **more})
        query = Query(clean_id(roles["id"], place), text_of(roles["text"], place), style, fields=own)
        if not query.id:
            raise CorpusError(f"{place}: the id of the query {query.text[:60]!r} is blank.")
        if not query.text:
            tally.add(_EMPTY, path, row.line)
        elif query.id not in kept:
            kept[query.id] = _Located(query, row.line)
        elif kept[query.id].query == query:
            tally.add(_REPEATED, path, row.line)
        else:
            first = kept[query.id].line
            raise CorpusError(f"{place}: two queries have the id {query.id!r} (first in line {first:,}): make it one.")
    return kept


def _own_fields(cells: Mapping[str, Cell]) -> tuple[tuple[str, str], ...]:
    """Short values of columns that play no part of ours, by the columns' names."""
    named = {name: str(cell).strip() for name, cell in cells.items() if isinstance(cell, (str, int, float, bool))}
    return tuple(
        sorted((name, value) for name, value in named.items() if 0 < len(value) <= _LONGEST_FIELD and name != "style")
    )


def _by_split(
    splits: Mapping[str, Path], ids: KnownIds, tally: Tally
) -> tuple[dict[str, set[str]], dict[str, dict[str, float]]]:
    """The queries of each split, and the judgements of every query."""
    members: dict[str, set[str]] = {}
    judgements: dict[str, dict[str, float]] = {}
    for split, path in splits.items():
        here: dict[str, list[Judgement]] = {}
        for judgement in read_judgements(path, ids, tally):
            if judgement.query in ids.queries:
                here.setdefault(judgement.query, []).append(judgement)
            else:
                tally.add(_STRAY, path, judgement.line)
        for query, listed in here.items():
            grades = {each.document: each.grade for each in listed}
            if judgements.setdefault(query, grades) == grades:
                members.setdefault(split, set()).add(query)
            else:
                tally.add(_OTHER_SPLIT, path, listed[0].line, len(listed))
    return members, judgements


def _find(folder: Path, stem: str) -> Path | None:
    """The file of that name, in any type and case; unpacked before packed."""
    names = {path.name.lower(): path for path in sorted(folder.iterdir(), reverse=True) if path.is_file()}
    tried = [f"{stem}{suffix}{packed}" for packed in ("", ".gz") for suffix in TABLE_TYPES]
    return next((names[name] for name in tried if name in names), None)


def _split_files(folder: Path, tally: Tally, first_split: str) -> dict[str, Path]:
    """Files of judgements by their split: the first one, test, dev, train, and then by name."""
    inside = next((path for path in folder.iterdir() if path.is_dir() and path.name.lower() == "qrels"), None)
    named = [(_stem(path), path) for path in (_judgement_files(inside) if inside else [])]
    for path in _judgement_files(folder):
        matched = re.fullmatch(r"qrels?[._-]?(.*)", _stem(path), re.IGNORECASE)
        named += [(matched[1] or DEFAULT_SPLIT, path)] if matched else []
    files: dict[str, Path] = {}
    for split, path in named:
        if split in files:
            words = f"{path.name} is left out: {files[split].parent.name}/{files[split].name} has that split."
            tally.say("unread-judgements", words)
        else:
            files[split] = path
    ranks = {split: rank for rank, split in enumerate(_FIRST_SPLITS)} | {first_split: -1}
    return {split: files[split] for split in sorted(files, key=lambda name: (ranks.get(name, len(ranks)), name))}


def _judgement_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return [path for path in files if Path(path.name.lower().removesuffix(".gz")).suffix in _QRELS]


def _stem(path: Path) -> str:
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem if Path(name).suffix.lower() in _QRELS else file_stem(path)


def write_beir(corpus: Corpus, folder: Path) -> tuple[Note, ...]:
    """Write `corpus.jsonl`, `queries.jsonl` and one file of judgements for each split; raises `CacheError`.

    Judgements of queries without a split go to `qrels/test.tsv`. `read_beir` reads it back equal. The notes say what
    the layout has no place for.
    """
    _write_lines(folder / "corpus.jsonl", (_document_row(document) for document in corpus.documents))
    distinct = {query.id: query for query in reversed(corpus.queries)}.values()  # A query may be in several splits.
    _write_lines(folder / "queries.jsonl", (_query_row(query) for query in reversed(distinct)))
    splits = sorted({query.split or DEFAULT_SPLIT for query in corpus.queries}) or [DEFAULT_SPLIT]
    for split in splits:
        rows = [
            (query.id, document, grade)
            for query in corpus.queries
            if (query.split or DEFAULT_SPLIT) == split
            for document, grade in corpus.judgements.get(query.id, {}).items()
        ]
        _write_judgements(folder / "qrels" / f"{split}.tsv", rows)
    if not corpus.pairs:
        return ()
    words = f"{len(corpus.pairs):,} scored pairs are left out: the BEIR layout has no place for them."
    return (Note("unwritten-pairs", words, len(corpus.pairs)),)


def _document_row(document: Document) -> dict[str, Any]:
    row: dict[str, Any] = {"_id": document.id, "title": document.title, "text": document.text}
    more = {"topic": document.topic, "domain": document.domain, "language": document.language}
    metadata = {name: value for name, value in more.items() if value}
    return row | ({"metadata": metadata} if metadata else {})


def _query_row(query: Query) -> dict[str, Any]:
    row: dict[str, Any] = {"_id": query.id, "text": query.text}
    metadata = ({"style": query.style} if query.style else {}) | dict(query.fields)
    return row | ({"metadata": metadata} if metadata else {})


def _write_judgements(path: Path, rows: Iterable[tuple[str, str, float]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("query-id", "corpus-id", "score"))
        writer.writerows(rows)


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
