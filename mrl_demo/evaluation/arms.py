"""The contenders of a sweep by name: any arm, any model, `NAME+adapted`, `NAME+pca`, `NAME+random`, and bm25."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.cache import vectors_key
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import ARMS
from mrl_demo.spaces import SpaceBuilder, random_permutation
from mrl_demo.storage import sha256_text
from mrl_demo.types import ArmSpec, Corpus, FloatMatrix, ModelError, Progress, Query

BM25 = "bm25"
BM25_LABEL = "BM25 (words, no vectors)"
#: Permutations of a random arm.
RANDOM_SEEDS = 5
_SUFFIXES = {"adapted": "fitted rotation", "pca": "PCA of this corpus", "random": "random numbers kept"}


@dataclass(frozen=True)
class ArmVectors:
    """One arm's float32 unit rows: `queries` `(q, D)` and `documents` `(n, D)`."""

    queries: FloatMatrix
    documents: FloatMatrix


def resolve_arm(name: str, encoders: EncoderRegistry) -> ArmSpec:
    """The arm of that name; raises `ModelError` naming what there is.

    Standard arms first, then models of the registry by name, then either with "+adapted", "+pca" (both fitted
    on the documents being scored) or "+random".
    """
    known = {arm.name: arm for arm in (*ARMS, *encoders.arms())}
    if name in known:
        return known[name]
    stem, _, suffix = name.rpartition("+")
    if stem and suffix in _SUFFIXES:
        arm = resolve_arm(stem, encoders)
        if arm.transform != "none":
            raise ModelError(f"{name!r} cannot be: {stem!r} turns its vectors already ({arm.transform}).")
        transform = "corpus-pca" if suffix == "pca" else suffix
        label = f"{arm.label} + {_SUFFIXES[suffix]}"
        return replace(arm, name=name, label=label, transform=transform)
    if name in encoders.names():
        return ArmSpec(name, name, "A model of the registry, cut.", name, trained_dims=encoders.trained_dims(name))
    raise ModelError(
        f"There is no arm {name!r}: choose among {', '.join([*known, BM25])}, a model ({', '.join(encoders.names())}), "
        "or any model with +adapted, +pca or +random."
    )


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
    asked = bm25s.tokenize([query.text for query in queries], return_ids=False, **options)
    for start, tokens in enumerate(asked):
        known = [token for token in tokens if token in words.vocab]
        scores = index.get_scores(known) if known else np.zeros(len(corpus), dtype=np.float32)
        yield start, np.asarray(scores, dtype=np.float32)[None]


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
