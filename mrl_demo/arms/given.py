"""Vectors of a person's own as an arm: read, matched to a collection by id, checked, with no model at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import Corpus, FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.models.given.encoder import GivenVectors
from mrl_demo.models.given.tables import VectorTable, read_ids, read_vector_table

#: Judged pairs that tell whether rows and documents belong together.
_PAIRS, _FEWEST_PAIRS = 500, 20
#: Lengths further from 1 than this are no rounding.
_UNIT = 0.01


@dataclass(frozen=True)
class GivenFiles:
    """Where an arm's vectors are: `documents`, `queries` (None: none), and text files of ids for files without any.

    >>> files = GivenFiles.parse("mine=docs.npy,queries.npy,ids.txt")
    >>> files.name, str(files.queries), str(files.ids)
    ('mine', 'queries.npy', 'ids.txt')
    """

    name: str
    documents: Path
    queries: Path | None = None
    ids: Path | None = None
    query_ids: Path | None = None

    @classmethod
    def parse(cls, given: str) -> GivenFiles:
        """Read `NAME=DOCUMENTS[,QUERIES[,IDS[,QUERY_IDS]]]`; raises `ModelError`."""
        name, _, rest = given.partition("=")
        parts = [part.strip() for part in rest.split(",")]
        if not name.strip() or not parts[0] or len(parts) > 4:
            raise ModelError(
                f"--vectors {given!r} is not possible: write NAME=DOCUMENTS[,QUERIES[,IDS[,QUERY-IDS]]], as in "
                "mine=docs.npy,queries.npy,ids.txt."
            )
        return cls(name.strip(), Path(parts[0]), *(Path(part) if part else None for part in parts[1:]))


def read_given(files: GivenFiles, corpus: Corpus, taken: Collection[str] = ()) -> GivenVectors:
    """The vectors of a collection's documents, and of its queries if there are some, in the files' own order or by id.

    Every document needs a vector, and every query if query vectors are given; vectors of others are left out, which a
    note says. Raises `ModelError` naming file, row or id.
    """
    if not files.name.isprintable() or files.name in taken or set(files.name) & set(":+/,"):
        raise ModelError(f"Vectors cannot be called {files.name!r}: choose a new name without : + / and commas.")
    documents = _table(files.documents, files.ids)
    names = [document.id for document in corpus.documents]
    rows, notes = _matched(documents, names, "documents", corpus)
    queries: FloatMatrix = np.empty((0, rows.shape[1]), np.float32)
    if files.queries:
        queries, said = _query_rows(_table(files.queries, files.query_ids), corpus, rows.shape[1])
        notes += said + _check_order(rows, queries, corpus, documents.ids is None)
    notes += _lengths(documents)
    texts = {query.text: vector for query, vector in zip(corpus.queries, queries, strict=False)}
    limits = f"Only its {len(texts):,} given queries can be searched." if texts else "No typed query can be searched."
    contents = [document.content for document in corpus.documents]
    return GivenVectors(files.name, contents, rows, texts, (limits, *notes))


def _table(path: Path, ids: Path | None) -> VectorTable:
    table = read_vector_table(path)
    return table.with_ids(read_ids(ids)) if ids else table


def _query_rows(table: VectorTable, corpus: Corpus, dimension: int) -> tuple[FloatMatrix, tuple[str, ...]]:
    if corpus.stand_ins or not corpus.queries:
        raise ModelError(
            f"{table.source} holds query vectors, and {corpus.name} has no queries: give documents with queries and "
            "judgements (a BEIR folder), or leave the query vectors out."
        )
    if table.vectors.shape[1] != dimension:
        raise ModelError(
            f"{table.source} has {table.vectors.shape[1]} numbers a vector, the documents have {dimension}: both must "
            "come from one model at one length."
        )
    return _matched(table, [query.id for query in corpus.queries], "queries", corpus)


def _matched(
    table: VectorTable, wanted: Sequence[str], what: str, corpus: Corpus
) -> tuple[FloatMatrix, tuple[str, ...]]:
    """The table's rows in the order of `wanted` ids; by place if it has no ids and just as many rows."""
    if table.ids is None:
        if len(table.vectors) != len(wanted):
            raise ModelError(
                f"{table.source} has {len(table.vectors):,} vectors without ids, and {corpus.name} has {len(wanted):,} "
                f"{what} after what was left out: give the ids, one a line, in a text file."
            )
        return table.vectors, ()
    place: dict[str, int] = {}
    for row, name in enumerate(table.ids):
        if place.setdefault(name, row) != row:
            raise ModelError(f"{table.source} has the id {name!r} twice (rows {place[name] + 1} and {row + 1}).")
    missing = [name for name in wanted if name not in place]
    if missing:
        raise ModelError(
            f"{table.source} has no vector of {len(missing):,} of {len(wanted):,} {what} of {corpus.name} (first: "
            f"{missing[0]!r}; its own first id is {table.ids[0]!r}): embed them too, or check the ids."
        )
    extra = len(place) - len(set(wanted))
    notes = (f"{extra:,} vectors of {table.source} belong to no {what} of {corpus.name} and were left out.",)
    return table.vectors[[place[name] for name in wanted]], notes if extra else ()


def _lengths(table: VectorTable) -> tuple[str, ...]:
    norms = np.linalg.norm(table.vectors, axis=1)
    if np.abs(norms - 1).max() <= _UNIT:
        return ()
    return (f"Their lengths run from {norms.min():.3g} to {norms.max():.3g}: they are scaled to 1, cosines compared.",)


def _check_order(documents: FloatMatrix, queries: FloatMatrix, corpus: Corpus, by_place: bool) -> tuple[str, ...]:
    """A warning if known answers are no nearer to their queries than chance: rows and documents may not match."""
    place = {document.id: row for row, document in enumerate(corpus.documents)}
    pairs = [
        (row, place[name])
        for row, query in enumerate(corpus.queries)
        for name, grade in corpus.judgements.get(query.id, {}).items()
        if grade > 0 and name in place
    ]
    if len(pairs) < _FEWEST_PAIRS:
        return ()
    random = np.random.default_rng(0)
    asked, answers = np.array(pairs)[random.permutation(len(pairs))[:_PAIRS]].T
    q, answer, other = (
        normalise(rows) for rows in (queries[asked], documents[answers], documents[random.permutation(answers)])
    )
    gain = np.sum(q * (answer - other), axis=1)
    if gain.mean() > 2 * gain.std() / np.sqrt(len(gain)):
        return ()
    cause = "they have no ids, so their order may not be the collection's" if by_place else "check the ids"
    return (f"Warning: known answers are no nearer to their queries than other documents: {cause}.",)
