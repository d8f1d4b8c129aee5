"""The vectors that a sweep measures: one arm's queries and documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.adapt.kept import FittedMap
from mrl_demo.arms.arm import Arm, require_prefixes
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import ModelError
from mrl_demo.core.sparse_rows import SparseRows
from mrl_demo.core.types import Corpus, FloatMatrix, Progress, Query

_HURRIED = "its fit ran out of time, so it may be worse than it could be."


@dataclass(frozen=True)
class ArmVectors:
    """One arm's float32 unit rows: `queries` `(q, D)` and `documents` `(n, D)`; `note` says what is amiss with them."""

    queries: FloatMatrix
    documents: FloatMatrix
    note: str = ""


def load_vectors(
    builder: SpaceBuilder, arm: Arm, corpus: Corpus, queries: Sequence[Query], progress: Progress | None = None
) -> Iterator[ArmVectors]:
    """What is measured for an arm over the documents and the chosen queries: its vectors, or one set for each seed.

    Vectors come from the cache if it has them. Raises `ModelError` naming the first document or query whose vector
    holds NaN or infinity.
    """
    require_prefixes(arm)
    encoded = ArmVectors(
        builder.judged_queries(arm.encoder, corpus, queries), builder.documents(arm.encoder, corpus, progress)
    )
    _check_finite(encoded.documents, "document", [doc.id for doc in corpus.documents])
    _check_finite(encoded.queries, "query", [query.id for query in queries])
    for variant in arm.transform.variants():
        fitted = builder.fit(replace(arm, transform=variant), corpus, encoded.documents, progress)
        hurried = isinstance(fitted, FittedMap) and fitted.is_cut_short
        note = _HURRIED if hurried else ""
        yield ArmVectors(fitted.map_queries(encoded.queries), fitted.apply(encoded.documents), note)


@dataclass(frozen=True)
class ArmCodes:
    """One arm's sparse codes of queries and of documents; `note` says what is amiss with them."""

    queries: SparseRows
    documents: SparseRows
    note: str = ""


def load_codes(
    builder: SpaceBuilder, arm: Arm, corpus: Corpus, queries: Sequence[Query], progress: Progress | None = None
) -> ArmCodes:
    """The same for an arm of sparse codes; raises as `SpaceBuilder.codes`."""
    space = builder.codes(arm, corpus, progress)
    vectors = builder.judged_queries(arm.encoder, corpus, queries)
    note = _HURRIED if space.coder.is_cut_short else ""
    return ArmCodes(space.coder.encode(vectors), space.documents, note)


def _check_finite(vectors: FloatMatrix, kind: str, names: Sequence[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ModelError(f"The vectors of {len(bad):,} {kind} texts hold NaN or infinity (first: {names[bad[0]]!r}).")
