"""Which queries can be scored: judgements checked against the collection, and a note for everything left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Query
from mrl_demo.evaluation.metrics import Relevant

_NAMED = 3


@dataclass(frozen=True)
class JudgedSet:
    """The queries to score, their relevant documents (none where `is_judged` is False), and what was left out."""

    queries: tuple[Query, ...]
    relevant: Relevant
    notes: tuple[str, ...]
    is_judged: bool


def judged_set(corpus: Corpus, split: str = "test") -> JudgedSet:
    """Choose and check the queries of `corpus`: those of `split`, or all where none names it.

    Left out, each with a note: blank or repeated queries, queries without a relevant document, judgements
    that name documents the collection lacks. Without a single judged query all are kept, for agreement.
    Raises `CorpusError` where no query is left.
    """
    notes = [*corpus.notes, *_document_notes(corpus)]
    queries = _unique(_of_split(corpus, split, notes), notes)
    if not queries:
        raise CorpusError(f"{corpus.name} has no query to score: add queries.jsonl and qrels.tsv (a BEIR folder).")
    place: dict[str, int] = {}
    for i, document in enumerate(corpus.documents):
        place.setdefault(document.id, i)
    known, unknown = _known(corpus, queries, place)
    if unknown:
        notes.append(
            f"{len(unknown):,} judged documents are not in the collection ({_some(unknown)}): "
            "their judgements are left out."
        )
    judged = tuple(query for query in queries if known.get(query.id))
    strays = set(corpus.judgements) - {query.id for query in corpus.queries}
    if strays:
        notes.append(f"Judgements of {len(strays):,} queries that are not there ({_some(strays)}) are left out.")
    if not judged:
        notes.append("No query has a relevant document here: only agreement with the full ranking can be measured.")
        return JudgedSet(queries, _relevant(queries, {}), tuple(notes), False)
    if len(judged) < len(queries):
        missing = [query.id for query in queries if not known.get(query.id)]
        notes.append(
            f"{len(missing):,} of {len(queries):,} queries have no relevant document ({_some(missing)}) "
            "and are not scored."
        )
    if len(judged) == 1:
        notes.append("One judged query: too few queries to say anything about others.")
    return JudgedSet(judged, _relevant(judged, known), tuple(notes), True)


def _of_split(corpus: Corpus, split: str, notes: list[str]) -> list[Query]:
    chosen = [query for query in corpus.queries if query.split == split]
    if not chosen:
        return list(corpus.queries)
    if len(chosen) < len(corpus.queries):
        notes.append(f"{len(chosen):,} of {len(corpus.queries):,} queries are scored: the {split!r} split.")
    return chosen


def _unique(queries: Iterable[Query], notes: list[str]) -> tuple[Query, ...]:
    found: dict[str, Query] = {}
    blank, repeated = [], []
    for query in queries:
        if not query.text.strip():
            blank.append(query.id)
        elif query.id in found:
            repeated.append(query.id)
        else:
            found[query.id] = query
    if blank:
        notes.append(f"{len(blank):,} queries without text ({_some(blank)}) are left out.")
    if repeated:
        notes.append(f"{len(repeated):,} queries repeat an id ({_some(repeated)}): the first of each is scored.")
    return tuple(found.values())


def _document_notes(corpus: Corpus) -> list[str]:
    notes = []
    repeated = [name for name, count in Counter(doc.id for doc in corpus.documents).items() if count > 1]
    if repeated:
        notes.append(
            f"{len(repeated):,} document ids stand more than once ({_some(repeated)}): judgements mean the first."
        )
    empty = [doc.id for doc in corpus.documents if not doc.content.strip()]
    if empty:
        notes.append(f"{len(empty):,} documents have no text ({_some(empty)}): they are searched as they are.")
    return notes


def _known(
    corpus: Corpus, queries: tuple[Query, ...], place: dict[str, int]
) -> tuple[dict[str, dict[int, int]], list[str]]:
    known: dict[str, dict[int, int]] = {}
    unknown: list[str] = []
    for query in queries:
        grades = {doc: grade for doc, grade in corpus.judgements.get(query.id, {}).items() if grade > 0}
        known[query.id] = {place[doc]: grade for doc, grade in grades.items() if doc in place}
        unknown += [doc for doc in grades if doc not in place]
    return known, sorted(set(unknown))


def _relevant(queries: tuple[Query, ...], known: dict[str, dict[int, int]]) -> Relevant:
    pairs = [
        (row, doc, grade) for row, query in enumerate(queries) for doc, grade in sorted(known.get(query.id, {}).items())
    ]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    return Relevant(columns[0], columns[1], columns[2], len(queries))


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    shown = ", ".join(repr(name[:40]) for name in listed[:_NAMED])
    return shown + (", ..." if len(listed) > _NAMED else "")
