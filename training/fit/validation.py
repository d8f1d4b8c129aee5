"""Quality at every prefix from one encoding: the evaluator inside the loop, and the scores before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.sweeps.measure import FLOAT32, measure_vectors
from training.bases import BaseVectors, encode
from training.config import TrainConfig

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def mean_ndcg(vectors: ArmVectors, corpus: Corpus, split: str, dims: Sequence[int]) -> dict[int, float]:
    """Mean nDCG@10 at each of `dims`; the queries are those of `judged_set(corpus, split)`, in its order."""
    judged = judged_set(corpus, split)
    metric = parse_metric("ndcg@10")
    measured = measure_vectors(vectors, judged.relevant, dims, [FLOAT32], [metric], excluded=judged.own_document)
    return {dim: float(measured.values[dim, FLOAT32.name, metric.name].mean()) for dim in dims}


def base_quality(vectors: BaseVectors, validation: Corpus, config: TrainConfig) -> dict[int, float]:
    """The base model's mean nDCG@10 by prefix on the collection that validates; vectors come from the cache."""
    queries = [query.text for query in judged_set(validation, "").queries]
    documents = [document.content for document in validation.documents]
    prompts = config.prompts
    arm = ArmVectors(vectors.of(queries, prompts.query_reading), vectors.of(documents, prompts.document_reading))
    return mean_ndcg(arm, validation, "", config.objective.dims)


class PrefixEvaluator(SentenceEvaluator):
    """Mean nDCG@10 over the configured prefixes on a small validation collection, from one encoding."""

    def __init__(self, corpus: Corpus, config: TrainConfig) -> None:
        super().__init__()
        self.name, self.primary_metric = "validation", "validation_mean_ndcg@10"
        self._corpus, self._config = corpus, config

    def __call__(
        self,
        model: SentenceTransformer,
        output_path: str | None = None,  # noqa: ARG002
        epoch: int = -1,  # noqa: ARG002
        steps: int = -1,  # noqa: ARG002
    ) -> dict[str, float]:
        """nDCG@10 by prefix, and their mean as the primary metric."""
        vectors = encode_both(model, self._corpus, "", self._config)
        model.train()
        values = mean_ndcg(vectors, self._corpus, "", self._config.objective.dims)
        by_dim = {f"validation_ndcg@10_dim{dim}": value for dim, value in values.items()}
        return by_dim | {self.primary_metric: float(np.mean(list(values.values())))}


def encode_both(
    model: SentenceTransformer, corpus: Corpus, split: str, config: TrainConfig, progress: Progress | None = None
) -> ArmVectors:
    """Vectors of the split's queries and all documents, full length."""
    queries = [query.text for query in judged_set(corpus, split).queries]
    documents = [document.content for document in corpus.documents]
    return ArmVectors(
        encode(model, queries, config.prompts.query_reading),
        encode(model, documents, config.prompts.document_reading, progress),
    )
