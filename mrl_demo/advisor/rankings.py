"""Rankings of a few queries at one setting, as the sweep scores them: for losses and for blind pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import ArmVectors, load_vectors
from mrl_demo.core.types import Corpus, Document, FloatMatrix, IntMatrix, Query
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.evaluation.sweeps.scoring import score_blocks
from mrl_demo.search.quantised import parse_precision


@dataclass(frozen=True)
class RankedQueries:
    """Scores `(queries, n)` float32 of documents in canonical order, higher is better, and those documents."""

    queries: tuple[Query, ...]
    scores: FloatMatrix
    documents: tuple[Document, ...]

    def top(self, row: int, k: int = 10) -> IntMatrix:
        """Places of the first `k` documents of a query."""
        return np.argsort(-self.scores[row], kind="stable")[:k].astype(np.int64)

    def rank(self, row: int, document: int) -> int:
        """Rank of a document, 1 is best; the last that its ties allow."""
        return int(np.count_nonzero(self.scores[row] >= self.scores[row, document]))


def rank_queries(
    builder: SpaceBuilder,
    corpus: Corpus,
    queries: tuple[Query, ...],
    arm_name: str,
    dim: int,
    precision: str,
    max_tokens: int = 0,
) -> RankedQueries:
    """Score every document for some queries; vectors come from the cache, as the sweep left them there."""
    arm = builder.with_token_limit(resolve_arm(arm_name, builder.menu), max_tokens)
    arm = replace(arm, transform=arm.transform.variants()[0])
    order = canonical_order(corpus.documents)
    loaded = next(load_vectors(builder, arm, corpus, queries))
    vectors = ArmVectors(loaded.queries, loaded.documents[order])
    documents = tuple(corpus.documents[row] for row in order)
    places = {document.id: row for row, document in enumerate(documents)}
    own = np.array([places.get(query.id, -1) for query in queries], dtype=np.int64)
    judged = [query.id in corpus.judgements.get(query.id, {}) for query in queries]
    own[judged] = -1
    blocks = score_blocks(vectors.queries, vectors.documents, [dim], [parse_precision(precision)], excluded=own)
    return RankedQueries(queries, np.concatenate([block.scores.copy() for block in blocks]), documents)
