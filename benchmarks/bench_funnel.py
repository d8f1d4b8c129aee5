"""One query over many real vectors: the funnel beside exact full search, faiss flat, HNSW and IVF-PQ at equal recall.

The documents are those of the collections given (`--corpus`, several times if need be; the built-in one by default),
encoded by MiniLM, turned by the PCA of the documents and tiled to `--n` rows, every row of a copy with noise of its own
so that copies are near each other and not the same. The queries are documents with twice that noise. Each contender
takes the fastest of its settings whose recall of the exact first ten reaches `--recall`, or its best one if none does,
which the table says. Then the chosen ones are timed: one query after the other, warm, on this machine, contenders in
turns query by query. A search uses as many threads as its library gives one query. Under `--json` the last line is
`{"rows": [{"name", "dim", "recall_at_10", "ms", "of_funnel", "build_s"}], "n", "hardware", "what"}`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
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
_IVF_ROUNDS = 10
_HNSW_LINKS, _HNSW_EFFORT = 16, 64
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
    """One contender at one setting: what it reads first, its recall of the exact first ten, its median ms.

    `of_funnel` is its time divided by the best cascade's; `build_s` is what its index took, in seconds.
    """

    name: str
    dim: int
    recall_at_10: float
    ms: float
    of_funnel: float
    build_s: float


@dataclass(frozen=True)
class TimedSearch:
    """A search of one query for the rows of its first ten."""

    name: str
    setting: str
    dim: int
    search: Callable[[FloatMatrix], IntMatrix]


@dataclass(frozen=True)
class Chosen:
    """The setting that a contender is timed at."""

    search: TimedSearch
    recall: float
    build_s: float

    @property
    def name(self) -> str:
        """Contender and setting."""
        return f"{self.search.name} {self.search.setting}".strip()


def real_vectors(corpora: list[str], max_tokens: int) -> FloatMatrix:
    """Documents of the collections by MiniLM, turned by their own PCA: `(m, D)` float32 unit rows."""
    lab = Lab(Settings.from_environment())
    encoder = lab.builder.with_token_limit(lab.builder.menu.find("base"), max_tokens).encoder
    parts = []
    for given in corpora:
        name = given if given in {choice.name for choice in lab.corpora()} else lab.add_corpus(Path(given))
        parts.append(lab.builder.documents(encoder, lab.corpus(name)))
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
    """Settings of one contender at a time, from cheap to dear."""
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
    lists = int(2 * np.sqrt(n))
    # "np": no polysemous training, which takes most of the time and which this search does not use.
    index = faiss.index_factory(d, f"IVF{lists},PQ{d // 8}x8np,RFlat", faiss.METRIC_INNER_PRODUCT)
    inner = faiss.downcast_index(faiss.extract_index_ivf(index))
    inner.cp.niter = inner.pq.cp.niter = _IVF_ROUNDS
    index.train(vectors[np.random.default_rng(0).permutation(n)[: 40 * lists]])
    index.add(vectors)

    def search(query: FloatMatrix, probes: int, factor: int) -> IntMatrix:
        inner.nprobe, index.k_factor = probes, factor
        return np.asarray(index.search(query[None], _K)[1][0])

    return [
        TimedSearch(f"faiss IVF{lists}-PQ", f"nprobe {p}, {f * _K} refined", d, lambda q, p=p, f=f: search(q, p, f))  # type: ignore[misc]
        for p, f in ((4, 10), (8, 10), (16, 20), (32, 20), (64, 20), (64, 50), (128, 50), (256, 100), (512, 200))
    ]


def _hnsw(vectors: FloatMatrix) -> list[TimedSearch]:
    index = faiss.IndexHNSWFlat(vectors.shape[1], _HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _HNSW_EFFORT
    index.add(vectors)

    def search(query: FloatMatrix, effort: int) -> IntMatrix:
        index.hnsw.efSearch = effort
        return np.asarray(index.search(query[None], _K)[1][0])

    efforts = (16, 32, 64, 128, 256, 512, 1024, 2048)
    return [
        TimedSearch(f"faiss HNSW{_HNSW_LINKS}", f"efSearch {e}", vectors.shape[1], lambda q, e=e: search(q, e))  # type: ignore[misc]
        for e in efforts
    ]


def recall(contender: TimedSearch, queries: FloatMatrix, truth: list[set[int]]) -> float:
    """Share of the exact first ten that it finds."""
    hits = [len({*contender.search(query).tolist()} & known) for query, known in zip(queries, truth, strict=True)]
    return float(np.mean(hits)) / _K


def median_ms(search: TimedSearch, queries: FloatMatrix) -> float:
    """Median time of one query, warm."""
    search.search(queries[0])
    return float(np.median([_time_once(search, query) for query in queries]))


def times_in_turns(chosen: list[Chosen], queries: FloatMatrix) -> list[float]:
    """Median ms of each, every query searched by all of them before the next one."""
    for one in chosen:
        one.search.search(queries[0])
    times = [[_time_once(one.search, query) for one in chosen] for query in queries]
    return [float(median) for median in np.median(times, axis=0)]


def _time_once(search: TimedSearch, query: FloatMatrix) -> float:
    started = time.perf_counter()
    search.search(query)
    return (time.perf_counter() - started) * 1e3


def choose_setting(
    settings: list[TimedSearch], queries: FloatMatrix, truth: list[set[int]], least: float, build_s: float
) -> Chosen:
    """The fastest setting that reaches the recall, or the best one; a funnel's settings are all tried."""
    tried = []
    for one in settings:
        share, ms = recall(one, queries, truth), median_ms(one, queries)
        tried.append((ms, Chosen(one, share, build_s)))
        print(f"  {tried[-1][1].name}: {share:.1%}, {ms:.3f} ms", file=sys.stderr, flush=True)
        if share >= least and one.name != "funnel":
            break
    enough = [row for row in tried if row[1].recall >= least]
    if enough:
        return min(enough, key=lambda row: row[0])[1]
    return max((chosen for _, chosen in tried), key=lambda chosen: chosen.recall)


def describe_winner(rows: list[SearchTime], least: float) -> str:
    """What beats the best cascade at the same recall, and by how much, in words."""
    beating = [row for row in rows if row.of_funnel < 1 and row.recall_at_10 >= least]
    if not beating:
        return f"At {least:.0%} of the exact first ten the cascade is the fastest."
    said = ", ".join(f"{row.name} ({1 / row.of_funnel:.1f} times faster)" for row in beating)
    return f"At {least:.0%} of the exact first ten the cascade is beaten by {said}."


def main() -> None:
    """Measure every contender at the same recall."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--corpus", nargs="+", action="extend", help="collections (default: builtin)")
    parser.add_argument("--max-tokens", type=int, default=0, help="cut texts at so many tokens (0: the model's limit)")
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--recall", type=float, default=0.99)
    parser.add_argument("--skip", nargs="*", default=[], choices=["hnsw", "ivf-pq"])
    args = parser.parse_args()
    source = real_vectors(args.corpus or ["builtin"], args.max_tokens)
    what = f"{args.n:,} vectors tiled with noise from {len(source):,} real ones"
    vectors = tile_with_noise(source, args.n)
    chosen = np.random.default_rng(1).permutation(len(source))[: args.queries]
    queries = tile_with_noise(np.concatenate([source[chosen], source[chosen]]), 2 * len(chosen), seed=2)[len(chosen) :]
    print(what, file=sys.stderr)
    rows = measure(vectors, queries, set(args.skip), args.recall)
    verdict = describe_winner(rows, args.recall)
    print(f"{describe_hardware()}; {what}\n{verdict}")
    for row in rows:
        short = "" if row.recall_at_10 >= args.recall else "  (does not reach the recall)"
        ratio = f"{row.of_funnel:.2f}x the funnel's time, built in {row.build_s:.0f} s"
        print(f"{row.name:<52} {row.dim:>4} numbers {row.recall_at_10:>7.1%} {row.ms:>9.2f} ms  {ratio}{short}")
    if args.json:
        said = [asdict(row) for row in rows]
        print(json.dumps({"what": f"{what}. {verdict}", "rows": said, "n": args.n, "hardware": describe_hardware()}))


def measure(vectors: FloatMatrix, queries: FloatMatrix, skip: set[str], least: float) -> list[SearchTime]:
    """Every contender at its setting, timed in turns."""
    truth = [{*row.tolist()} for row in PrefixIndex(vectors).search(queries, vectors.shape[1], _K).indices]
    chosen, started = [], time.perf_counter()
    for settings in contenders(vectors, skip):
        chosen.append(choose_setting(settings, queries, truth, least, time.perf_counter() - started))
        started = time.perf_counter()
    times = times_in_turns(chosen, queries)
    funnel = next(ms for one, ms in zip(chosen, times, strict=True) if one.search.name == "funnel")
    return [
        SearchTime(
            one.name, one.search.dim, round(one.recall, 4), round(ms, 3), round(ms / funnel, 3), round(one.build_s, 1)
        )
        for one, ms in zip(chosen, times, strict=True)
    ]


if __name__ == "__main__":
    main()
