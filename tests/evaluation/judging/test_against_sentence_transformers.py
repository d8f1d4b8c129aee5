from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM
from tests.evaluation.word_world import WordEncoder, run_sweep


@pytest.mark.real_model
def test_the_sweep_equals_the_information_retrieval_evaluator(make_builder: Callable[..., SpaceBuilder]) -> None:
    """The same vectors, cut by the peer's `truncate_dim` and scored by its evaluator: equal to 1e-6."""
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    whole = load_builtin(Settings().assets_dir)
    queries = [query for query in whole.queries if query.split == "test"][:24]
    wanted = {doc for query in queries for doc in whole.judgements[query.id]}
    documents = sorted(whole.documents, key=lambda doc: (doc.id not in wanted, doc.id))[:30]
    judgements = {query.id: whole.judgements[query.id] for query in queries}
    corpus = make_corpus("part", "Part", sorted(documents, key=lambda doc: doc.id), queries, judgements)
    model = load_sentence_transformer(verified_base_dir(), replace(MINILM, max_tokens=32))

    class Plain(WordEncoder):
        def encode_queries(self, texts: list[str]) -> FloatMatrix:  # type: ignore[override]
            return np.asarray(model.encode(texts, show_progress_bar=False), dtype=np.float32)

        def encode_documents(self, texts: list[str], progress: Progress | None = None) -> FloatMatrix:  # type: ignore[override]
            assert progress is None
            return self.encode_queries(texts)

    result = run_sweep(
        make_builder(minilm=Plain(384)),
        corpus,
        ["base"],
        (16, 384),
        metrics=("ndcg@10", "mrr@10", "recall@10", "map@100"),
    )
    for dim in (16, 384):
        evaluator = InformationRetrievalEvaluator(
            {query.id: query.text for query in queries},
            {doc.id: doc.content for doc in corpus.documents},
            {query: set(grades) for query, grades in judgements.items()},
            truncate_dim=dim,
            write_csv=False,
        )
        peer = evaluator(model)
        for metric in ("ndcg@10", "mrr@10", "recall@10", "map@100"):
            row = result.row("base", dim, metric)
            assert row is not None and row.value == pytest.approx(peer[f"cosine_{metric}"], abs=1e-6)
