"""The contenders of a sweep by name: any arm, any model, `NAME+adapted`, `NAME+pca`, `NAME+random`, and bm25."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.adapt.rotation import random_permutation
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.cache import vectors_key
from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import ArmSpec, Corpus, FloatMatrix, Progress, Query

#: Permutations of a random arm.
RANDOM_SEEDS = 5


@dataclass(frozen=True)
class ArmVectors:
    """One arm's float32 unit rows: `queries` `(q, D)` and `documents` `(n, D)`."""

    queries: FloatMatrix
    documents: FloatMatrix


def load_vectors(
    builder: SpaceBuilder, arm: ArmSpec, corpus: Corpus, queries: Sequence[Query], progress: Progress | None = None
) -> ArmVectors:
    """Vectors of one arm over the documents and the chosen queries, from cache where there is one.

    Raises `ModelError` naming the first document or query whose vector holds NaN or infinity.
    """
    asked = _query_vectors(builder, arm.encoder, corpus, queries)
    if arm.transform == "random":
        vectors = ArmVectors(asked, builder.documents(arm.encoder, corpus, progress))
    else:
        space = builder.space(arm, corpus, progress)
        vectors = ArmVectors(space.rotate(asked), space.documents)
    _check_finite(vectors.documents, "document", [doc.id for doc in corpus.documents])
    _check_finite(vectors.queries, "query", [query.id for query in queries])
    return vectors


def variants(arm: ArmSpec, vectors: ArmVectors) -> Iterator[ArmVectors]:
    """What is measured for an arm: its vectors, or one seeded permutation of their numbers after the other."""
    if arm.transform != "random":
        yield vectors
        return
    for seed in range(RANDOM_SEEDS):
        order = random_permutation(vectors.documents.shape[1], seed).matrix.argmax(axis=0)
        yield ArmVectors(vectors.queries[:, order], vectors.documents[:, order])


def _query_vectors(builder: SpaceBuilder, encoder_name: str, corpus: Corpus, queries: Sequence[Query]) -> FloatMatrix:
    """Rows of the vectors of all the corpus' queries where those are shipped or cached; else the chosen are encoded."""
    texts = [query.text for query in corpus.queries]
    key = vectors_key(builder.encoders.encoder(encoder_name).fingerprint, sha256_text(*texts), "queries")
    whole = builder.cache.load(key, len(texts), f"{corpus.name}-{encoder_name}-queries")
    if whole is None:
        return builder.queries(encoder_name, replace(corpus, queries=tuple(queries)))
    place = {query.text: row for row, query in enumerate(corpus.queries)}
    return whole[[place[query.text] for query in queries]]


def _check_finite(vectors: FloatMatrix, kind: str, names: Sequence[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ModelError(f"The vectors of {len(bad):,} {kind} texts hold NaN or infinity (first: {names[bad[0]]!r}).")
