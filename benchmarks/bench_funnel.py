"""One query over many real vectors: the funnel beside exact full search, faiss flat, HNSW and IVF-PQ at equal recall.

The documents are those of the collections given (`--corpus`, several allowed; the built-in one by default), encoded by
MiniLM, turned by the PCA of the documents and tiled to `--n` rows, every row of a copy with noise of its own so that
copies are near each other and not the same. The queries are documents with twice that noise. Each contender takes the
cheapest of its settings whose recall of the exact first ten reaches `--recall`, or its best one if none does, which
the table says. Times are medians of one query after the other, warm, on this machine, contenders in turns. Under
`--json` the last line is `{"rows": [{"name", "dim", "recall_at_10", "ms"}], "n", "hardware"}`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import faiss
import numpy as np

from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.lab.lab import Lab
from mrl_demo.search.cascade import parse_cascade
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.funnel import FunnelIndex
from mrl_demo.search.prefix import PrefixIndex

_K = 10
NOISE = 0.25
CASCADES = (
    "16:2000,32:500,64:100,128:50,full:10",
    "32:200,full:10",
    "32:400,96:100,full:10",
    "32:2000,full:10",
    "48:400,full:10",
    "64:50,full:10",
    "64:200,full:10",
    "64:1000,full:10",
    "128:200,full:10",
    "int8@64:200,full:10",
    "binary-mean@full:200,full:10",
    "binary-mean@full:1000,full:10",
)


@dataclass(frozen=True)
class SearchTime:
    """One contender at one setting: what it reads first, its recall of the exact first ten, its median ms."""

    name: str
    dim: int
    recall_at_10: float
    ms: float


@dataclass(frozen=True)
class TimedSearch:
    """A search of one query for the rows of its first ten."""

    name: str
    setting: str
    dim: int
    search: Callable[[FloatMatrix], IntMatrix]


def real_vectors(corpora: list[str]) -> FloatMatrix:
    """Documents of the collections by MiniLM, turned by their own PCA: `(m, D)` float32 unit rows."""
    lab = Lab(Settings.from_environment())
    parts = []
    for given in corpora:
        name = given if given in {choice.name for choice in lab.corpora()} else lab.add_corpus(Path(given))
        parts.append(lab.builder.documents("minilm", lab.corpus(name)))
    vectors = np.concatenate(parts).astype(np.float64)
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return normalise((vectors @ axes[:, ::-1]).astype(np.float32))


def tile_with_noise(vectors: FloatMatrix, n: int, seed: int = 0) -> FloatMatrix:
    """`(n, D)` unit rows: the vectors as they are, then copies of them with noise of their own a row."""
    random = np.random.default_rng(seed)
    m, d = vectors.shape
    tiled = np.empty((n, d), dtype=np.float32)
    for start in range(0, n, m):
        part = vectors[: min(m, n - start)]
        noise = random.standard_normal(part.shape, dtype=np.float32) * np.float32(NOISE / np.sqrt(d) if start else 0)
        tiled[start : start + len(part)] = normalise(part + noise * np.abs(vectors).mean(axis=0) * np.sqrt(d))
    return tiled


def contenders(vectors: FloatMatrix, skip: set[str]) -> Iterator[list[TimedSearch]]:
    """Settings of one contender at a time, from cheap to dear; its index is freed before the next one is built."""
    yield _exact(vectors)
    yield _funnel(vectors)
    yield _flat(vectors)
    if "ivf-pq" not in skip:
        yield _ivf_pq(vectors)
    if "hnsw" not in skip:
        yield _hnsw(vectors)


def _exact(vectors: FloatMatrix) -> list[TimedSearch]:
    index, d = ExactIndex(vectors), vectors.shape[1]
    index.warm_up()
    return [TimedSearch("exact full search", "", d, lambda q: index.search(q, d, _K).indices[0])]


def _funnel(vectors: FloatMatrix) -> list[TimedSearch]:
    n, d = vectors.shape
    index = FunnelIndex(PrefixIndex(vectors))
    cascades = sorted((parse_cascade(text, d) for text in CASCADES), key=lambda cascade: cascade.bytes_read(n))
    return [
        TimedSearch("funnel", one.name, one.stages[0].dim, lambda q, one=one: index.run(q, one, _K).top(_K).documents)  # type: ignore[misc]
        for one in cascades
    ]


def _flat(vectors: FloatMatrix) -> list[TimedSearch]:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return [TimedSearch("faiss flat", "", vectors.shape[1], lambda q: index.search(q[None], _K)[1][0])]


def _ivf_pq(vectors: FloatMatrix) -> list[TimedSearch]:
    n, d = vectors.shape
    lists = int(4 * np.sqrt(n))
    index = faiss.index_factory(d, f"IVF{lists},PQ{d // 8}x8,RFlat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[np.random.default_rng(0).permutation(n)[: 40 * lists]])
    index.add(vectors)

    def search(query: FloatMatrix, probes: int, factor: int) -> IntMatrix:
        faiss.extract_index_ivf(index).nprobe, index.k_factor = probes, factor
        return np.asarray(index.search(query[None], _K)[1][0])

    return [
        TimedSearch("faiss IVF-PQ, refined", f"nprobe {p}, {f * _K} refined", d, lambda q, p=p, f=f: search(q, p, f))  # type: ignore[misc]
        for p, f in ((4, 10), (8, 10), (16, 20), (32, 20), (64, 40), (128, 40), (256, 100))
    ]


def _hnsw(vectors: FloatMatrix) -> list[TimedSearch]:
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 80
    index.add(vectors)

    def search(query: FloatMatrix, effort: int) -> IntMatrix:
        index.hnsw.efSearch = effort
        return np.asarray(index.search(query[None], _K)[1][0])

    efforts = (16, 32, 64, 128, 256, 512, 1024)
    return [
        TimedSearch("faiss HNSW", f"efSearch {e}", vectors.shape[1], lambda q, e=e: search(q, e))  # type: ignore[misc]
        for e in efforts
    ]


def recall(contender: TimedSearch, queries: FloatMatrix, truth: list[set[int]]) -> float:
    """Share of the exact first ten that it finds."""
    hits = [len({*contender.search(query).tolist()} & known) for query, known in zip(queries, truth, strict=True)]
    return float(np.mean(hits)) / _K


def median_ms(contender: TimedSearch, queries: FloatMatrix) -> float:
    """Median time of one query, warm."""
    contender.search(queries[0])
    times = []
    for query in queries:
        started = time.perf_counter()
        contender.search(query)
        times.append((time.perf_counter() - started) * 1e3)
    return float(np.median(times))


def measure(settings: list[TimedSearch], queries: FloatMatrix, truth: list[set[int]], least: float) -> list[SearchTime]:
    """The fastest setting that reaches the recall, or the best one; every setting of a funnel is timed."""
    rows = []
    for one in settings:
        share = recall(one, queries, truth)
        name = f"{one.name} {one.setting}".strip()
        rows.append(SearchTime(name, one.dim, round(share, 4), round(median_ms(one, queries), 3)))
        print(f"  {name}: {share:.1%}, {rows[-1].ms} ms", file=sys.stderr)
        if share >= least and one.name != "funnel":
            break
    enough = [row for row in rows if row.recall_at_10 >= least]
    return [min(enough, key=lambda row: row.ms)] if enough else [max(rows, key=lambda row: row.recall_at_10)]


def main() -> None:
    """Measure every contender at the same recall."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--corpus", nargs="+", default=["builtin"])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--recall", type=float, default=0.99)
    parser.add_argument("--skip", nargs="*", default=[], choices=["hnsw", "ivf-pq"])
    args = parser.parse_args()
    source = real_vectors(args.corpus)
    vectors = tile_with_noise(source, args.n)
    chosen = np.random.default_rng(1).permutation(len(source))[: args.queries]
    queries = tile_with_noise(np.concatenate([source[chosen], source[chosen]]), 2 * len(chosen), seed=2)[len(chosen) :]
    print(f"{args.n:,} vectors tiled with noise from {len(source):,} real ones", file=sys.stderr)
    truth = [{*row.tolist()} for row in PrefixIndex(vectors).search(queries, vectors.shape[1], _K).indices]
    rows: list[SearchTime] = []
    for settings in contenders(vectors, set(args.skip)):
        rows += measure(settings, queries, truth, args.recall)
        del settings
        gc.collect()
    print(f"{describe_hardware()}; {args.n:,} vectors tiled with noise from {len(source):,} real ones")
    funnel = next(row for row in rows if row.name.startswith("funnel"))
    for row in rows:
        short = "" if row.recall_at_10 >= args.recall else "  (does not reach the recall)"
        ratio = f"{row.ms / funnel.ms:.2f}x the funnel's time"
        print(f"{row.name:<52} {row.dim:>4} numbers {row.recall_at_10:>7.1%} {row.ms:>9.2f} ms  {ratio}{short}")
    if args.json:
        said = [row.__dict__ for row in rows]
        print(json.dumps({"rows": said, "n": args.n, "hardware": describe_hardware()}))


if __name__ == "__main__":
    main()
