"""A collection small enough to be encoded often: some judged queries over the documents that answer them and others."""

from __future__ import annotations

from dataclasses import replace

from mrl_demo.core.types import Corpus
from mrl_demo.evaluation.judging.judged import judged_set

_MAX_QUERIES, _MAX_DOCUMENTS = 400, 600


def small_collection(corpus: Corpus, split: str, max_documents: int = _MAX_DOCUMENTS) -> Corpus:
    """Some 400 of the split's queries, the documents that answer them, and others up to `max_documents`."""
    queries = judged_set(corpus, split).queries
    queries = queries[:: max(1, len(queries) // _MAX_QUERIES)]
    wanted = {doc for query in queries for doc in corpus.judgements[query.id]}
    documents = [doc for doc in corpus.documents if doc.id in wanted]
    documents += [doc for doc in corpus.documents if doc.id not in wanted][: max(0, max_documents - len(documents))]
    return replace(corpus, documents=tuple(documents), queries=queries)
