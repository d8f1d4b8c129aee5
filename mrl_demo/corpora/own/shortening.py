"""A collection whose documents are no longer than somebody allows."""

from __future__ import annotations

from dataclasses import replace

from mrl_demo.core.types import Corpus, Note
from mrl_demo.corpora import make_corpus


def with_shorter_texts(corpus: Corpus, most_chars: int) -> Corpus:
    """The collection with texts cut at `most_chars` characters, which a note counts; as it is if none is longer.

    >>> from mrl_demo.core.types import Document
    >>> long = make_corpus("mine", "Mine", [Document("d1", "", "Bees dance.")])
    >>> [str(note) for note in with_shorter_texts(long, 4).notes]
    ['1 document was cut at 4 characters, the limit of this page (first: d1).']
    """
    long = [document.id for document in corpus.documents if len(document.text) > most_chars]
    if not long:
        return corpus
    documents = [
        replace(document, text=document.text[:most_chars].rstrip()) if len(document.text) > most_chars else document
        for document in corpus.documents
    ]
    made = make_corpus(corpus.name, corpus.label, documents)
    are = "documents were" if len(long) > 1 else "document was"
    words = f"{len(long):,} {are} cut at {most_chars:,} characters, the limit of this page (first: {long[0]})."
    notes = (*corpus.notes, Note("long-document", words, len(long)))
    return replace(corpus, documents=made.documents, fingerprint=made.fingerprint, notes=notes)
