"""One encoding for all dimensions and precisions, against a loop of sentence-transformers' evaluator.

Both sides (the peer is `InformationRetrievalEvaluator`) score the base model in float32 on the same passages and
queries of the built-in collection, and their figures are compared. One-bit vectors tie: ours are expected values over
the orders of tied documents, the peer's are of one order, so their difference is told apart. The loop encodes again for
each dimension and precision, as `truncate_dim` makes everybody do; its int8 and binary codes come from
sentence-transformers' `quantize_embeddings`. Ours is timed before, between and after the parts of the loop and the mean
counts, so that a machine busy with something else treats both alike. Loading the model and the imports are left out on
both sides.

    python benchmarks/bench_sweep.py [--documents 240] [--queries 120] [--json]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util.quantization import quantize_embeddings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import NOTHING_CUT, Corpus, CutTexts, FloatMatrix, Progress, TextTask
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.evaluation.sweeps.plan import DEFAULT_DIMS, SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.scoring import sample_positions
from mrl_demo.evaluation.sweeps.sweep import evaluate
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM

COMPARED_PRECISIONS = ("float32", "int8", "binary")
COMPARED_METRICS = ("ndcg@10", "mrr@10", "recall@10", "map@100")


class PlainEncoder:
    """The model's own `encode` in float32, so that both sides compare the same numbers."""

    dimension = MINILM.dimension
    fingerprint = "benchmark"
    document_precision = "float32"

    def __init__(self, model: SentenceTransformer) -> None:
        self.model = model

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Unit rows of questions; this model has no prompts."""
        return normalise(self.model.encode(list(texts), batch_size=32, show_progress_bar=False))

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:  # noqa: ARG002
        """Unit rows of documents."""
        return self.encode_queries(texts)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:  # noqa: ARG002
        """None: the passages are short."""
        return NOTHING_CUT


class QuantisingEvaluator(InformationRetrievalEvaluator):
    """The peer's evaluator over vectors quantised by the peer's `quantize_embeddings` after cut and normalisation."""

    precision = "float32"

    def embed_inputs(
        self,
        model: SentenceTransformer,
        sentences: Any,  # noqa: ANN401 - the peer's own signature
        encode_fn_name: str | None = None,
        **options: Any,  # noqa: ANN401
    ) -> torch.Tensor:
        """Vectors as the peer encodes them, then quantised and decoded again."""
        options.setdefault("normalize_embeddings", True)
        found = super().embed_inputs(model, sentences, encode_fn_name, **options)
        if self.precision == "float32":
            return found
        vectors = found.numpy()
        if self.precision == "binary":
            bits = np.unpackbits(quantize_embeddings(vectors, "ubinary"), axis=1, count=vectors.shape[1])
            return torch.from_numpy(bits.astype(np.float32) * 2 - 1)
        if encode_fn_name == "query":
            return found
        return torch.from_numpy(int8_round_trip(vectors))


def int8_round_trip(vectors: FloatMatrix) -> FloatMatrix:
    """Codes of `quantize_embeddings`, ranges from the calibration rows, turned back into the middle of their step."""
    sample = vectors[sample_positions(len(vectors))]
    ranges = np.stack([sample.min(axis=0), sample.max(axis=0)])
    codes = quantize_embeddings(vectors, "int8", ranges=ranges).astype(np.float32)
    return ranges[0] + (codes + 128.5) * (ranges[1] - ranges[0]) / 255


def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Scores without another normalisation: decoded int8 rows are searched as they are, ours and theirs."""
    return a @ b.T


def loop_of_evaluators(
    model: SentenceTransformer, corpus: Corpus, dims: Sequence[int], precision: str
) -> dict[tuple[int, str, str], float]:
    """One evaluator a dimension, everything encoded each time."""
    found = {}
    for dim in dims:
        evaluator = QuantisingEvaluator(
            queries={query.id: query.text for query in corpus.queries},
            corpus={doc.id: doc.content for doc in corpus.documents},
            relevant_docs={query.id: set(corpus.judgements[query.id]) for query in corpus.queries},
            ndcg_at_k=[10], mrr_at_k=[10], precision_recall_at_k=[10], accuracy_at_k=[10], map_at_k=[100],
            truncate_dim=dim, write_csv=False, score_functions={"dot": dot},
        )  # fmt: skip
        evaluator.precision = precision
        scores = evaluator(model)
        for metric in COMPARED_METRICS:
            found[dim, precision, metric] = float(scores[f"dot_{metric}"])
    return found


def our_sweep(model: SentenceTransformer, corpus: Corpus, precisions: Sequence[str]) -> tuple[SweepResult, float]:
    """The same figures, intervals and differences besides, from an empty cache; and the seconds it took."""
    with tempfile.TemporaryDirectory() as cache:
        settings = replace(Settings(), cache_dir=Path(cache), assets_dir=Path(cache))
        encoders = EncoderRegistry(settings)
        encoders.add(MINILM.name, PlainEncoder(model))
        builder = SpaceBuilder(encoders, settings.cache_dir, settings.assets_dir)
        started = time.perf_counter()
        result = evaluate(
            builder, corpus, SweepPlan(("base",), DEFAULT_DIMS, tuple(precisions), tuple(COMPARED_METRICS))
        )
        return result, time.perf_counter() - started


def answered_builtin(n_documents: int, n_queries: int) -> Corpus:
    """Passages that test queries ask for, then others; and those queries."""
    corpus = load_builtin(Settings().assets_dir)
    queries = [query for query in corpus.queries if query.split == "test"][:n_queries]
    judgements = {query.id: dict(corpus.judgements[query.id]) for query in queries}
    wanted = {doc for grades in judgements.values() for doc in grades}
    first = sorted(corpus.documents, key=lambda doc: (doc.id not in wanted, doc.id))[:n_documents]
    documents = [first[row] for row in canonical_order(first)]  # Then both sides calibrate int8 on the same rows.
    return make_corpus("builtin-part", "Part of the built-in collection", documents, queries, judgements)


def main() -> None:
    """Time the sweep and the peer, compare their figures, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, default=240)
    parser.add_argument("--queries", type=int, default=120)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    args = parser.parse_args()
    corpus = answered_builtin(args.documents, args.queries)
    model = load_sentence_transformer(verified_base_dir(), MINILM)
    warm = answered_builtin(40, 8)
    loop_of_evaluators(model, warm, (8,), "int8")
    our_sweep(model, warm, COMPARED_PRECISIONS)

    times = sweep_in_turns(model, corpus)
    differences = {key: abs(value - _value(times.result, key)) for key, value in times.theirs.items()}
    worst = {name: max(d for key, d in differences.items() if key[1] == name) for name in COMPARED_PRECISIONS}
    loop, whole_loop = times.loop["float32"], sum(times.loop.values())
    figures = {
        "speedup_dims": round(loop / mean(times.dims[:2]), 2),
        "speedup_dims_precisions": round(whole_loop / mean(times.all), 2),
        "max_abs_difference": max(worst["float32"], worst["int8"]),
        "max_abs_difference_binary_one_order_of_ties": worst["binary"],
    }
    print(
        f"{len(corpus):,} documents, {len(corpus.queries):,} queries, {len(DEFAULT_DIMS)} dims; {describe_hardware()}"
    )
    print(f"float32: loop {loop:.1f} s, ours {_listed(times.dims[:2])} s before and after it")
    print(f"3 precisions: loop {whole_loop:.1f} s, ours {_listed(times.all)} s before, between and after")
    print("largest difference of a figure: " + ", ".join(f"{name} {value:.2g}" for name, value in worst.items()))
    print(json.dumps(figures) if args.json else figures)


@dataclass(frozen=True)
class Times:
    """Seconds of our sweeps (`dims`: lengths alone, `all`: three precisions) and of the `loop` by precision.

    `result` has our figures and `theirs` those of the loop by length, precision and metric.
    """

    result: SweepResult
    theirs: dict[tuple[int, str, str], float]
    dims: tuple[float, ...]
    all: tuple[float, ...]
    loop: dict[str, float]


def sweep_in_turns(model: SentenceTransformer, corpus: Corpus) -> Times:
    """Ours before, between and after the parts of the loop."""
    ours = [_time_ours(model, corpus)]
    theirs: dict[tuple[int, str, str], float] = {}
    loop = {}
    for precision in COMPARED_PRECISIONS:
        started = time.perf_counter()
        theirs |= loop_of_evaluators(model, corpus, DEFAULT_DIMS, precision)
        loop[precision] = time.perf_counter() - started
        print(f"loop, {precision}: {loop[precision]:.1f} s", flush=True)
        ours.append(_time_ours(model, corpus))
    results, dims, everything = zip(*ours, strict=True)
    return Times(results[0], theirs, dims, everything, loop)


def _time_ours(model: SentenceTransformer, corpus: Corpus) -> tuple[SweepResult, float, float]:
    """One sweep of the lengths alone and one of all precisions, whose figures are kept: seconds of both."""
    _, lengths = our_sweep(model, corpus, ("float32",))
    result, everything = our_sweep(model, corpus, COMPARED_PRECISIONS)
    return result, lengths, everything


def _listed(seconds: Sequence[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds)


def _value(result: SweepResult, key: tuple[int, str, str]) -> float:
    dim, precision, metric = key
    row = result.row("base", dim, metric, precision)
    assert row is not None
    return row.value


if __name__ == "__main__":
    main()
