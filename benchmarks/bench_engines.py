"""PostgreSQL beside our embedded indexes: loading, the index on the first 64 numbers, bytes, recall and time.

The documents are those of the collections given (`--corpus`, several times if need be; the built-in one by default),
encoded by MiniLM, turned by the PCA of the documents and tiled to `--n` rows with noise of their own, as in
`bench_funnel.py`; the queries are documents with twice that noise. A PostgreSQL with pgvector is started for the run
in a folder of its own and stopped again, with its own defaults (128 MB of shared buffers). Recall is the share of the
exact first ten by all numbers. Searches are timed one after the other, warm. Under `--json` the last line is `{"rows":
[{"name", "recall_at_10", "p50_ms", "p95_ms", "queries"}], "loads": [{"name", "load_s", "rows_per_s", "build_s",
"vector_bytes", "index_bytes"}], "n", "real", "dim", "hardware", "what"}`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.bench_funnel import NOISE, real_vectors, tile_with_noise
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.search.cascade import parse_cascade
from mrl_demo.search.engines import postgresql as postgresql_engine
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.engines.loading import VectorRows, load_collection
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import READY, CollectionCard, CollectionLayout, VectorEngine, content_key
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.funnel import FunnelIndex

_K = 10
_SHORTLISTS = (40, 100, 200, 500)
#: The page gives up a search after seconds; here a scan of a million rows from a cold disk is to be timed.
postgresql_engine.SEARCH_SECONDS = 600


@dataclass(frozen=True)
class EngineTime:
    """One way to search: its recall of the exact first ten, median and 95th percentile in ms."""

    name: str
    recall_at_10: float
    p50_ms: float
    p95_ms: float
    queries: int


@dataclass(frozen=True)
class LoadTime:
    """One index: seconds to load and to build, and the bytes that it takes."""

    name: str
    load_s: float
    rows_per_s: float
    build_s: float
    vector_bytes: int
    index_bytes: int


@dataclass(frozen=True)
class MeasuredEngine:
    """What one engine's searches and its loading took."""

    times: list[EngineTime]
    loads: list[LoadTime]


@dataclass
class Contest:
    """What everything is measured against: the exact first ten of every query."""

    queries: FloatMatrix
    exact: IntMatrix

    def time(self, name: str, search: Callable[[FloatMatrix], IntMatrix], queries: int = 0) -> EngineTime:
        """Time a search of one query for the rows of its first ten."""
        chosen = self.queries[: queries or len(self.queries)]
        search(chosen[0])
        times, found = [], []
        for query, wanted in zip(chosen, self.exact, strict=False):
            started = time.perf_counter()
            rows = search(query)
            times.append((time.perf_counter() - started) * 1e3)
            found.append(len({*rows.tolist()} & {*wanted.tolist()}) / _K)
        p50, p95 = np.quantile(times, (0.5, 0.95))
        row = EngineTime(name, float(np.mean(found)), round(float(p50), 2), round(float(p95), 2), len(chosen))
        print(f"{name:48} recall {row.recall_at_10:.3f}  p50 {row.p50_ms:9.2f}  p95 {row.p95_ms:9.2f} ms", flush=True)
        return row


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL of this run's own."""
    import pgserver

    with tempfile.TemporaryDirectory(prefix="mrl-bench-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def load(
    engine: VectorEngine, layout: CollectionLayout, rows: VectorRows, name: str
) -> tuple[CollectionIndex, LoadTime]:
    """Load a collection and tell what it took; building the index is timed apart."""
    took = {}
    finish = engine.finish

    def timed() -> None:
        started = time.perf_counter()
        finish()
        took["build"] = time.perf_counter() - started

    engine.finish = timed  # type: ignore[method-assign]
    card = CollectionCard("bench", "f", "base", "m", "", layout, len(rows.keys))
    started = time.perf_counter()
    load_collection(engine, card, rows)
    seconds = time.perf_counter() - started - took["build"]
    stored = engine.stats()
    speed = round(len(rows.keys) / seconds)
    told = LoadTime(name, round(seconds, 1), speed, round(took["build"], 1), stored.vectors or 0, stored.indexes or 0)
    print(
        f"{name}: loaded in {told.load_s} s ({speed:,} a second), built in {told.build_s} s, "
        f"{told.vector_bytes / 1e6:,.0f} MB of vectors, {told.index_bytes / 1e6:,.0f} MB of indexes",
        flush=True,
    )
    return CollectionIndex(engine, card.with_state(READY), rows.keys), told


def measure_embedded(vectors: FloatMatrix, contest: Contest) -> MeasuredEngine:
    """Our own indexes in memory."""
    started = time.perf_counter()
    index = ExactIndex(vectors)
    index.warm_up()
    built = time.perf_counter() - started
    d = vectors.shape[1]
    rows = [contest.time("embedded, exact", lambda q: index.search(q, d, _K).indices[0])]
    funnel = FunnelIndex(index.scan)
    for keep in _SHORTLISTS:
        cascade = parse_cascade(f"64:{keep},full:{_K}", d)
        rows.append(contest.time(f"embedded, 64:{keep},full", lambda q, c=cascade: funnel.search(q, c, _K).indices[0]))
    return MeasuredEngine(rows, [LoadTime("embedded", 0.0, 0, round(built, 1), index.nbytes, 0)])


def measure_engine_rows(index: CollectionIndex, contest: Contest, name: str, few: int) -> list[EngineTime]:
    """Searches in an engine: a funnel from 64 numbers, the full length as it comes, and 64 numbers alone."""
    d = index.dimension
    rows = []
    for keep in _SHORTLISTS:
        cascade = parse_cascade(f"64:{keep},full:{_K}", d)
        rows.append(
            contest.time(f"{name}, 64:{keep},full", lambda q, c=cascade: index.funnel(q, c, _K).indices[0], few)
        )
    rows.append(contest.time(f"{name}, full length", lambda q: index.search(q, d, _K).indices[0], few))
    return rows


def measure_file(rows: VectorRows, contest: Contest) -> MeasuredEngine:
    """A folder of vectors, memory-mapped."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"file:{folder}/vectors")
        index, told = load(engine, CollectionLayout(rows.vectors.shape[1]), rows, "file")
        times = measure_engine_rows(index, contest, "file", 0)
        del index
        engine.close()
    return MeasuredEngine(times, [told])


def measure_postgresql(rows: VectorRows, contest: Contest, precision: str, few: int) -> MeasuredEngine:
    """One table: first without an index, on `few` queries, then with HNSW on the first 64 numbers."""
    d = rows.vectors.shape[1]
    with postgresql() as address:
        url = f"{address}{'&' if '?' in address else '?'}collection=plain"
        engine = open_engine(url)
        index, told = load(engine, CollectionLayout(d, (64,)), rows, "PostgreSQL, no index")
        times = measure_engine_rows(index, contest, "PostgreSQL, no index", few)
        engine.close()
        name = f"PostgreSQL, HNSW on 64 numbers ({precision})"
        indexed, built = add_graph(url, CollectionLayout(d, (64,), is_approximate=True, precision=precision), rows)
        stored = indexed.engine.stats()
        graph = replace(told, name=name, build_s=built, index_bytes=stored.indexes or 0)
        megabytes = graph.index_bytes / 1e6
        print(f"{name}: built in {built} s, {megabytes:,.0f} MB of indexes with that of the keys", flush=True)
        times += measure_engine_rows(indexed, contest, name, 0)
        indexed.engine.close()
    return MeasuredEngine(times, [told, graph])


def add_graph(url: str, layout: CollectionLayout, rows: VectorRows) -> tuple[CollectionIndex, float]:
    """Give a table that is loaded another layout and build its indexes; gives it and the seconds that took."""
    card = CollectionCard("bench", "f", "base", "m", "", layout, len(rows.keys), READY)
    engine = open_engine(url)
    engine.write_card(card)
    engine.read_card()
    started = time.perf_counter()
    engine.finish()
    return CollectionIndex(engine, card, rows.keys), round(time.perf_counter() - started, 1)


def make_contest(real: FloatMatrix, vectors: FloatMatrix, queries: int) -> Contest:
    """Documents with twice the noise of the copies as queries, and the exact first ten of each."""
    random = np.random.default_rng(1)
    chosen = vectors[random.choice(len(vectors), queries, replace=False)]
    spread = np.abs(real).mean(axis=0)
    noisy = chosen + 2 * NOISE * random.standard_normal(chosen.shape, dtype=np.float32) * spread
    exact = ExactIndex(vectors).search(noisy, vectors.shape[1], _K).indices
    return Contest(noisy.astype(np.float32), exact)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", default=[], help="a collection's name or folder")
    parser.add_argument("--n", type=int, default=100_000, help="vectors")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--few", type=int, default=5, help="queries of searches that compare every row")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--precision", default="float32", help="of the HNSW index: float32, float16, binary")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Load, index and search the same vectors in each engine, and print what it took."""
    options = read_options()
    real = real_vectors(options.corpus or ["builtin"], options.max_tokens)
    vectors = tile_with_noise(real, options.n)
    print(f"{options.n:,} vectors of {vectors.shape[1]} numbers, tiled from {len(real):,} real ones", flush=True)
    contest = make_contest(real, vectors, options.queries)
    rows = VectorRows([content_key(str(row)) for row in range(options.n)], vectors, [{}] * options.n)
    parts = [
        measure_embedded(vectors, contest),
        measure_file(rows, contest),
        measure_postgresql(rows, contest, options.precision, options.few),
    ]
    if options.json:
        names = ", ".join(Path(name).name for name in options.corpus) or "builtin"
        told = {
            "rows": [asdict(row) for part in parts for row in part.times],
            "loads": [asdict(row) for part in parts for row in part.loads],
            "n": options.n,
            "real": len(real),
            "dim": int(vectors.shape[1]),
            "hardware": describe_hardware(),
            "what": f"{options.n:,} vectors: {names} by MiniLM ({options.max_tokens} tokens), turned by their PCA, "
            f"tiled with noise from {len(real):,} real ones",
        }
        print(json.dumps(told))


if __name__ == "__main__":
    main()
