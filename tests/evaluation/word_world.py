"""A tiny world for the sweep: an encoder that looks words up, and a corpus of random words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.types import NOTHING_CUT, Corpus, CutTexts, Document, FloatMatrix, Progress, Query, TextTask
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora import make_corpus
from mrl_demo.evaluation.sweeps.plan import DEFAULT_METRICS, SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.sweep import evaluate


class WordEncoder:
    """Sums one random vector for each word: texts that share words are near; later numbers matter less."""

    document_precision = "float32"

    def __init__(self, dimension: int = 48, seed: str = "a") -> None:
        self.dimension = dimension
        self.seed = seed
        self.fingerprint = f"words-{dimension}-{seed}"

    def _word(self, word: str) -> FloatMatrix:
        number = int.from_bytes(hashlib.sha256(f"{self.seed} {word}".encode()).digest()[:8], "little")
        decay = 1 / np.sqrt(np.arange(1, self.dimension + 1))
        return (np.random.default_rng(number).normal(size=self.dimension) * decay).astype(np.float32)

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        nothing = np.zeros(self.dimension, dtype=np.float32)
        rows = [sum((self._word(word) for word in text.split()), nothing) for text in texts]
        return normalise(np.array(rows, dtype=np.float32).reshape(-1, self.dimension))

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        if progress:
            progress(1.0, "encoded")
        return self.encode_queries(texts)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:
        return NOTHING_CUT


def word_corpus(n_documents: int = 60, n_queries: int = 24, seed: int = 0) -> Corpus:
    """Documents of random words, queries of three words of one document, graded judgements."""
    generator = np.random.default_rng(seed)
    words = [f"word{i}" for i in range(80)]
    texts = [" ".join(generator.choice(words, size=8)) for _ in range(n_documents)]
    documents = [Document(f"d{i:03d}", "", text) for i, text in enumerate(texts)]
    queries, judgements = [], {}
    for i in range(n_queries):
        target = int(generator.integers(n_documents))
        queries.append(Query(f"q{i}", " ".join(texts[target].split()[:3])))
        extra = generator.choice(n_documents, size=i % 3, replace=False)
        judgements[f"q{i}"] = {f"d{j:03d}": 1 for j in extra} | {f"d{target:03d}": 2}
    return make_corpus("words", "Words", documents, queries, judgements)


def run_sweep(
    builder: SpaceBuilder,
    corpus: Corpus,
    arms: Sequence[str],
    dims: Sequence[int] | None = None,
    precisions: Sequence[str] = ("float32",),
    metrics: Sequence[str] = DEFAULT_METRICS,
    progress: Progress | None = None,
    **more: Any,
) -> SweepResult:
    """`evaluate` with the plan's fields by place."""
    chosen = None if dims is None else tuple(dims)
    return evaluate(
        builder, corpus, SweepPlan(tuple(arms), chosen, tuple(precisions), tuple(metrics), **more), progress
    )
