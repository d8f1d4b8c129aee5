"""Queries and documents of one arm, and the values of ranked lists, for whatever is measured query by query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import ArmVectors, load_vectors
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Document, FloatMatrix, IntMatrix, Progress
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.evaluation.judging.judged import JudgedSet, judged_set
from mrl_demo.evaluation.judging.metrics import Metric, parse_metric, quality
from mrl_demo.evaluation.judging.places import TIE_TOLERANCE, empty_places


@dataclass(frozen=True)
class QueryDraw:
    """Which queries of a collection are measured, and by what: as the options of the command line name them.

    `max_tokens` cuts texts at so many tokens (0: the model's own limit).

    >>> QueryDraw(metric="precision@5").parsed_metric
    Traceback (most recent call last):
        ...
    mrl_demo.evaluation.judging.metrics.MetricError: There is no metric 'precision@5': choose among ndcg@10, mrr@10, ...
    """

    metric: str = "ndcg@10"
    split: str = ""
    queries: int = 300
    seed: int = 0
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if self.queries < 0:
            raise LabError(f"queries is {self.queries}: it must be 0 (all) or more.")
        if self.max_tokens < 0:
            raise LabError(f"max_tokens is {self.max_tokens}: it must be 0 (no limit) or more.")

    @property
    def parsed_metric(self) -> Metric:
        """The metric of quality; raises `MetricError`, also for one of agreement, which is always measured."""
        return parse_metric(self.metric)


@dataclass(frozen=True)
class RankedList:
    """What a search gave for one query: documents (rows in canonical order) and scores, best first."""

    documents: IntMatrix
    scores: FloatMatrix


@dataclass(frozen=True)
class MeasuredArm:
    """One arm's vectors with documents and queries in canonical order; `judged` says what is relevant to them."""

    arm: str
    vectors: ArmVectors
    judged: JudgedSet
    documents: tuple[Document, ...]
    stand_ins: str
    notes: tuple[str, ...]

    @property
    def full_dim(self) -> int:
        """Numbers of an uncut vector."""
        return int(self.vectors.documents.shape[1])

    def relevant_rows(self, query: int) -> IntMatrix:
        """Rows of the documents that are relevant to a query and in the collection."""
        relevant = self.judged.relevant
        rows = relevant.document[relevant.query == query]
        return rows[rows >= 0]

    def values(self, lists: Sequence[RankedList], metric: Metric) -> FloatMatrix:
        """The metric for each query of its ranked list, `(queries,)` float32; documents not in a list are not found."""
        relevant = self.judged.relevant
        places = empty_places(len(relevant.query))
        for pair, (query, document) in enumerate(zip(relevant.query, relevant.document, strict=True)):
            ranked = lists[int(query)]
            spot = np.flatnonzero(ranked.documents == document)
            if len(spot):
                score = ranked.scores[spot[0]]
                surely = int((ranked.scores > score + TIE_TOLERANCE).sum())
                together = int((ranked.scores >= score - TIE_TOLERANCE).sum())
                places.ahead[pair], places.tied[pair] = surely, max(1, together - surely)
        return quality(metric, relevant, places).astype(np.float32)


def load_measured(
    builder: SpaceBuilder, corpus: Corpus, arm_name: str, draw: QueryDraw, progress: Progress | None = None
) -> MeasuredArm:
    """An arm over the drawn queries of a corpus (with its stand-ins, if it has no queries); vectors from the cache.

    Raises `ModelError` for an arm that there is not, and `CorpusError` if no query is left.
    """
    arm = resolve_arm(arm_name, builder.menu)
    if not arm.has_vectors:
        raise LabError(f"{arm_name!r} has no vectors to cut: name another arm.")
    arm = builder.with_token_limit(replace(arm, transform=arm.transform.variants()[0]), draw.max_tokens)
    order = canonical_order(corpus.documents)
    documents = tuple(corpus.documents[row] for row in order)
    queries = tuple(corpus.queries[row] for row in canonical_order(corpus.queries))
    judged = judged_set(replace(corpus, documents=documents, queries=queries), draw.split, draw.queries, draw.seed)
    loaded = next(load_vectors(builder, arm, corpus, judged.queries, progress))
    vectors = ArmVectors(loaded.queries, loaded.documents[order])
    notes = (*judged.notes, *([f"{arm_name}: {loaded.note}"] if loaded.note else []))
    return MeasuredArm(arm_name, vectors, judged, documents, corpus.stand_ins, notes)
