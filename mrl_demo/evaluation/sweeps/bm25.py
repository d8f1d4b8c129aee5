"""BM25 over a corpus: the lexical baseline that has no dimension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import Corpus, FloatMatrix, Query


def bm25_scores(corpus: Corpus, queries: Sequence[Query]) -> Iterator[tuple[int, FloatMatrix]]:
    """Start row and `(rows, n)` float32 scores of BM25.

    Lucene's form, k1 1.5, b 0.75, English stop words left out (library: bm25s). Raises `ModelError` without a
    word.
    """
    import bm25s

    options = {"stopwords": "en", "show_progress": False}
    index = bm25s.BM25(method="lucene")
    words = bm25s.tokenize([doc.content for doc in corpus.documents], **options)
    if not words.vocab:
        raise ModelError(f"BM25 finds no word in {corpus.name}.")
    index.index(words, show_progress=False)
    query_words = bm25s.tokenize([query.text for query in queries], return_ids=False, **options)
    for start, tokens in enumerate(query_words):
        known = [token for token in tokens if token in words.vocab]
        scores = np.asarray(index.get_scores(known) if known else np.zeros(len(corpus)), dtype=np.float32)
        yield start, np.where(scores > 0, scores, -np.inf).astype(np.float32)[None]  # No shared word: not retrieved.
