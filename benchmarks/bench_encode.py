"""Bulk encoding as the lab does it, against `SentenceTransformer.encode` as it comes, and what it costs in nDCG.

Both encode the same passages of the built-in collection with the base model on the same number of threads, in
turns of 300; the medians of the rounds count. Then nDCG@10 of the queries of all splits (the base model was trained
on none; encoded once, in float32) over both sets of vectors at nine dimensions. Loading the model is left out.

    python benchmarks/bench_encode.py [--documents 2400] [--rounds 3] [--threads 2] [--json]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware, has_bf16
from mrl_demo.core.types import Corpus, FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.sweeps.measure import FLOAT32, measure_vectors
from mrl_demo.evaluation.sweeps.plan import DEFAULT_DIMS
from mrl_demo.models.batches.bulk import torch_threads
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM

#: Texts that one side encodes before the other has its turn: a machine busy with something else treats both alike.
TURN = 300


def encode_in_turns(
    sides: Mapping[str, Callable[[list[str]], FloatMatrix]], texts: list[str]
) -> tuple[dict[str, FloatMatrix], dict[str, float]]:
    """Every side's vectors of all texts and the seconds they took, the sides taking turns."""
    vectors: dict[str, list[FloatMatrix]] = {name: [] for name in sides}
    taken = dict.fromkeys(sides, 0.0)
    for turn, start in enumerate(range(0, len(texts), TURN)):
        for name in sorted(sides, reverse=bool(turn % 2)):
            started = time.perf_counter()
            vectors[name].append(sides[name](texts[start : start + TURN]))
            taken[name] += time.perf_counter() - started
    return {name: np.concatenate(parts) for name, parts in vectors.items()}, taken


def ndcg_by_dimension(corpus: Corpus, queries: FloatMatrix, documents: FloatMatrix) -> dict[int, float]:
    """Mean nDCG@10 at each dimension."""
    judged = judged_set(corpus)
    vectors = ArmVectors(queries, documents)
    result = measure_vectors(vectors, judged.relevant, DEFAULT_DIMS, [FLOAT32], [parse_metric("ndcg@10")])
    return {dim: float(result.values[dim, "float32", "ndcg@10"].mean()) for dim in DEFAULT_DIMS}


def thin_builtin(n_documents: int) -> Corpus:
    """Every so-many-th passage, the queries they answer, and their judgements; all queries count as one split."""
    corpus = load_builtin(Settings().assets_dir)
    documents = corpus.documents[:: max(1, len(corpus) // n_documents)]
    there = {doc.id for doc in documents}
    queries = [replace(query, split="") for query in corpus.queries if there.intersection(corpus.judgements[query.id])]
    judgements = {query.id: corpus.judgements[query.id] for query in queries}
    return make_corpus("builtin-part", "Part of the built-in collection", documents, queries, judgements)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, default=2_400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Time both ways in turns, compare their vectors and scores, print."""
    args = _parsed(arguments)
    corpus = thin_builtin(args.documents)
    texts = [doc.content for doc in corpus.documents]
    encoder = SentenceEncoder(MINILM, verified_base_dir, bulk_threads=args.threads)
    model = encoder.model()

    def peer(part: list[str]) -> FloatMatrix:
        with torch_threads(args.threads):
            return normalise(model.encode(part, show_progress_bar=False))

    vectors, times = timed({"peer": peer, "ours": encoder.encode_documents}, texts, args.rounds)
    queries = peer([query.text for query in judged_set(corpus).queries])
    read = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)["input_ids"]
    tokens = sum(len(ids) for ids in read)
    print(
        f"{len(texts):,} passages, {tokens:,} tokens, {len(queries):,} queries; {args.threads} threads; "
        f"{describe_hardware()}"
    )
    print(f"bfloat16 in hardware: {'yes' if has_bf16() else 'no'}")
    for name, label in (("peer", "SentenceTransformer.encode"), ("ours", "encode_documents")):
        middle = median(times[name])
        rounds = ", ".join(f"{each:.1f}" for each in times[name])
        print(f"{label}: {len(texts) / middle:.0f} texts/s, {tokens / middle:,.0f} tokens/s ({rounds} s)")
    difference = largest_difference(corpus, queries, vectors)
    cosine = float(np.einsum("nd,nd->n", vectors["peer"], vectors["ours"]).min())
    print(f"least cosine of a passage's two vectors: {cosine:.6f}")
    speedup = median(times["peer"]) / median(times["ours"])
    figures = {"speedup": round(speedup, 2), "max_ndcg_difference": round(difference, 5)}
    print(json.dumps(figures) if args.json else figures)


def timed(
    sides: dict[str, Callable[[list[str]], FloatMatrix]], texts: list[str], rounds: int
) -> tuple[dict[str, FloatMatrix], dict[str, list[float]]]:
    """Vectors of each side and the seconds of each of its rounds, after a warm-up."""
    vectors: dict[str, FloatMatrix] = {}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for encode in sides.values():
        encode(texts[:32])
    for _ in range(rounds):
        produced, taken = encode_in_turns(sides, texts)
        vectors |= produced
        for name in sides:
            times[name].append(taken[name])
    return vectors, times


def largest_difference(corpus: Corpus, queries: FloatMatrix, vectors: dict[str, FloatMatrix]) -> float:
    """Print nDCG@10 of both sides at every length, and return their largest difference."""
    before, after = (ndcg_by_dimension(corpus, queries, vectors[name]) for name in ("peer", "ours"))
    for dim in DEFAULT_DIMS:
        print(f"nDCG@10 at {dim:>3}: {before[dim]:.4f} float32, {after[dim]:.4f} ours, {after[dim] - before[dim]:+.4f}")
    return max(abs(after[dim] - before[dim]) for dim in DEFAULT_DIMS)


if __name__ == "__main__":
    main()
