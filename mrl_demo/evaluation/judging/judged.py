"""Which queries can be scored: judgements checked against the collection, and a note for everything left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, IntMatrix, Query
from mrl_demo.evaluation.judging.metrics import Relevant

_NAMED = 3


@dataclass(frozen=True)
class JudgedSet:
    """The queries to score, their relevant documents (none if `is_judged` is False), and what was left out.

    `own_document` `(n_queries,)` int64 is the row of the document that is the query itself, -1 for none: it is left
    out of the query's results, as BEIR does for ArguAna and Quora.
    """

    queries: tuple[Query, ...]
    relevant: Relevant
    own_document: IntMatrix
    notes: tuple[str, ...]
    is_judged: bool


def judged_set(corpus: Corpus, split: str = "", sample: int = 0, seed: int = 0) -> JudgedSet:
    """Choose and check the queries of `corpus`: those of `split` ("": the test split, or the only one there is).

    `sample` draws so many of them by `seed`, 0 takes all. Left out, each with a note: blank or repeated queries and
    queries without a relevant document. Judged documents that the collection lacks count as never found, as
    trec_eval does. Without a single judged query all are kept, for agreement. Raises `CorpusError` if no query is left
    or there is no such split.
    """
    notes = [*map(str, corpus.notes), *_document_notes(corpus)]
    queries = _unique(_of_split(corpus, split, notes), notes)
    if not queries:
        raise CorpusError(no_query_text(corpus))
    place: dict[str, int] = {}
    for i, document in enumerate(corpus.documents):
        place.setdefault(document.id, i)
    known = _graded_rows(corpus, queries, place, notes)
    strays = set(corpus.judgements) - {query.id for query in corpus.queries}
    if strays:
        notes.append(f"Judgements of {len(strays):,} queries that are not there ({_some(strays)}) are left out.")
    judged = tuple(query for query in queries if known[query.id])
    if not judged:
        notes.append("No query has a relevant document here: only agreement with the full ranking can be measured.")
    elif len(judged) < len(queries):
        missing = [query.id for query in queries if not known[query.id]]
        notes.append(
            f"{len(missing):,} of {len(queries):,} queries have no relevant document ({_some(missing)}) "
            "and are not scored."
        )
    scored = _sampled(judged or queries, sample, seed, notes)
    if len(scored) == 1:
        notes.append("One query: too few to say anything about others.")
    own = _own_documents(scored, place, known, notes)
    return JudgedSet(scored, _relevant(scored, known), own, tuple(notes), bool(judged))


def no_queries(corpus: Corpus) -> JudgedSet:
    """What there is to rank by in a corpus without queries: nothing; its labels and scored pairs can be measured."""
    nothing = np.empty(0, dtype=np.int64)
    notes = (*map(str, corpus.notes), *_document_notes(corpus))
    return JudgedSet((), Relevant(nothing, nothing, np.empty(0), 0), nothing, notes, False)


def no_query_text(corpus: Corpus) -> str:
    """Why nothing can be ranked, and what to do instead."""
    says = f"{corpus.name} has no query to score: add queries.jsonl and qrels.tsv (a BEIR folder)"
    if corpus.pairs:
        return f"{says}, or measure its scored pairs: spearman."
    if any(document.topic or document.domain for document in corpus.documents):
        return f"{says}, or measure its labels: accuracy, macro-f1."
    return f"{says}, or a column of labels, or scored pairs."


def _of_split(corpus: Corpus, split: str, notes: list[str]) -> list[Query]:
    splits = sorted({query.split for query in corpus.queries if query.split})
    if split and split not in splits:
        known = f"it has {', '.join(splits)}" if splits else "its queries are not split: leave --split out"
        raise CorpusError(f"{corpus.name} has no split {split!r}: {known}.")
    if not split and len(splits) > 1 and "test" not in splits:
        raise CorpusError(f"{corpus.name} has the splits {', '.join(splits)}: choose one with --split.")
    chosen = split or ("test" if "test" in splits else "".join(splits))
    queries = [query for query in corpus.queries if query.split == chosen]
    if len(queries) < len(corpus.queries):
        notes.append(f"{len(queries):,} of {len(corpus.queries):,} queries are scored: the {chosen!r} split.")
    return queries


def _sampled(queries: tuple[Query, ...], sample: int, seed: int, notes: list[str]) -> tuple[Query, ...]:
    if not sample or sample >= len(queries):
        return queries
    rows = np.sort(np.random.default_rng(seed).choice(len(queries), sample, replace=False))
    notes.append(f"{sample:,} of {len(queries):,} queries are scored: drawn with seed {seed}.")
    return tuple(queries[row] for row in rows)


def _own_documents(
    queries: tuple[Query, ...], place: dict[str, int], known: dict[str, dict[int, float]], notes: list[str]
) -> IntMatrix:
    rows = [place.get(query.id, -1) for query in queries]
    rows = [-1 if row in known[query.id] else row for query, row in zip(queries, rows, strict=True)]
    count = sum(row >= 0 for row in rows)
    if count:
        notes.append(
            f"{count:,} queries have the id of a document: it is left out of that query's results, as BEIR does."
        )
    return np.array(rows, dtype=np.int64)


def _unique(queries: Iterable[Query], notes: list[str]) -> tuple[Query, ...]:
    kept: dict[str, Query] = {}
    blank, repeated = [], []
    for query in queries:
        if not query.text.strip():
            blank.append(query.id)
        elif query.id in kept:
            repeated.append(query.id)
        else:
            kept[query.id] = query
    if blank:
        notes.append(f"{len(blank):,} queries without text ({_some(blank)}) are left out.")
    if repeated:
        notes.append(f"{len(repeated):,} queries repeat an id ({_some(repeated)}): the first of each is scored.")
    return tuple(kept.values())


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


def _graded_rows(
    corpus: Corpus, queries: tuple[Query, ...], place: dict[str, int], notes: list[str]
) -> dict[str, dict[int, float]]:
    """Grades by document row for each query; documents the collection lacks have rows -1, -2, ..., with a note."""
    graded: dict[str, dict[int, float]] = {}
    absent: set[str] = set()
    for query in queries:
        grades = {doc: grade for doc, grade in corpus.judgements.get(query.id, {}).items() if grade > 0}
        missing = [doc for doc in grades if doc not in place]
        rows = {place[doc]: grade for doc, grade in grades.items() if doc in place}
        graded[query.id] = rows | {-1 - i: grades[doc] for i, doc in enumerate(missing)}
        absent |= set(missing)
    if absent:
        notes.append(
            f"{len(absent):,} judged documents are not in the collection ({_some(absent)}): they count as never found, "
            "as trec_eval counts them."
        )
    return graded


def _relevant(queries: tuple[Query, ...], graded: dict[str, dict[int, float]]) -> Relevant:
    pairs = [
        (row, max(doc, -1), grade)
        for row, query in enumerate(queries)
        for doc, grade in sorted(graded[query.id].items())
    ]
    columns = np.array(pairs, dtype=np.float64).reshape(-1, 3).T
    return Relevant(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], len(queries))


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    shown = ", ".join(repr(name[:40]) for name in listed[:_NAMED])
    return shown + (", ..." if len(listed) > _NAMED else "")
