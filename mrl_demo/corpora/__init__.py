"""Collections to search: the built-in one, files of a user, the Python reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Corpus, Document, Note, Query, ScoredPair


def make_corpus(
    name: str,
    label: str,
    documents: Iterable[Document],
    queries: Iterable[Query] = (),
    judgements: Mapping[str, Mapping[str, float]] | None = None,
    notes: tuple[Note, ...] = (),
    pairs: Iterable[ScoredPair] = (),
) -> Corpus:
    """A `Corpus` with its fingerprint: sha256 over every document's id, content and picture, in order."""
    docs = tuple(documents)
    fingerprint = sha256_text(*(part for doc in docs for part in doc.identity))
    return Corpus(
        name, label, docs, fingerprint, tuple(queries), dict(judgements or {}), pairs=tuple(pairs), notes=notes
    )
