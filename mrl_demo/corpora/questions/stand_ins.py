"""Queries for a collection that has none: titles and first sentences, each taken out of its own document."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np

from mrl_demo.core.types import Corpus, Document, Note, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.corpora.questions.parts import sentences_of

#: Fewer than this say nothing about a collection: then only agreement with the full ranking is measured.
FEWEST_STAND_INS = 20
#: How many are drawn unless another number is named: enough for intervals of about two points.
MOST_STAND_INS = 500
_LONGEST = 300
_TITLE, _SENTENCE = "title", "first sentence"


def with_stand_ins(corpus: Corpus, most: int = MOST_STAND_INS, seed: int = 0) -> Corpus:
    """The collection with queries to measure by; a collection that has queries comes back as it is.

    At most `most` documents, drawn by `seed`, give up their title (or their first sentence, if they have no title and
    more than one sentence), which becomes a query whose one relevant document is the rest. `Corpus.stand_ins` says what
    they are and a note how many. If fewer than 20 documents allow this, documents themselves become queries without
    judgements, each kept out of its own results: for agreement with the full ranking.
    """
    if corpus.queries or not corpus.documents:
        return corpus
    parts = _parts_given_up(corpus)
    rows = [int(row) for row in canonical_order(corpus.documents) if int(row) in parts]
    if len(rows) < FEWEST_STAND_INS:
        return with_documents_as_queries(corpus, most, seed)
    drawn = sorted(rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:most])
    documents, queries, judgements = list(corpus.documents), [], {}
    for row in drawn:
        style, text, rest = parts[row]
        language = documents[row].language
        own = (("language", language),) if language else ()
        query = Query(f"stand-in-{documents[row].id}", text, style, fields=own)
        queries.append(query)
        judgements[query.id] = {rest.id: 1.0}
        documents[row] = rest
    kinds = Counter(query.style for query in queries)
    named = " and ".join(f"{style}s" for style in (_TITLE, _SENTENCE) if kinds[style])
    words = (
        f"No judged queries: {len(queries):,} {named} stand in for them, each taken out of its document. They are an "
        "estimate of what people would ask, and easier than real questions."
    )
    made = make_corpus(corpus.name, corpus.label, documents, queries, judgements, corpus.notes, corpus.pairs)
    note = Note("stand-in-queries", words, len(queries))
    return replace(made, notes=(*corpus.notes, note), stand_ins=named, source=corpus)


def _parts_given_up(corpus: Corpus) -> dict[int, tuple[str, str, Document]]:
    """By row: what kind of part becomes a query, its text, and the document without it; texts of two are left out."""
    parts = {row: part for row, document in enumerate(corpus.documents) if (part := _part_given_up(document))}
    counts = Counter(_folded(text) for _, text, _ in parts.values())
    return {row: part for row, part in parts.items() if counts[_folded(part[1])] == 1}


def _part_given_up(document: Document) -> tuple[str, str, Document] | None:
    title = document.title.strip()
    if title and document.text.strip():
        return (_TITLE, title[:_LONGEST], replace(document, title="")) if _says_enough(title, 2, 6) else None
    sentences = sentences_of(document.text)
    if len(sentences) < 2 or not _says_enough(sentences[0], 4, 12):
        return None
    rest = document.text.strip()[len(sentences[0]) :].lstrip()
    return (_SENTENCE, sentences[0][:_LONGEST], replace(document, text=rest)) if rest else None


def with_documents_as_queries(corpus: Corpus, most: int = MOST_STAND_INS, seed: int = 0) -> Corpus:
    """The collection with documents themselves as queries without judgements: for agreement only."""
    distinct = {document.content: document for document in corpus.documents if document.content.strip()}
    documents = list(distinct.values())
    drawn = sorted(np.random.default_rng(seed).permutation(len(documents))[:most].tolist())
    queries = tuple(Query(documents[i].id, documents[i].content, "document") for i in drawn)
    words = (
        f"No judged queries, nor titles and first sentences that could stand in for them: {len(queries):,} documents "
        "are searched for their neighbours. Only agreement with the full ranking can be measured."
    )
    note = Note("documents-as-queries", words, len(queries))
    return replace(corpus, queries=queries, notes=(*corpus.notes, note), stand_ins="documents")


def _says_enough(text: str, words: int, characters: int) -> bool:
    """So many words, or in a script without spaces so many characters."""
    return len(text.split()) >= words or (not text.isascii() and len(text) >= characters)


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
