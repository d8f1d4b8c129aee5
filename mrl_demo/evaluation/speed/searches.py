"""Search time against dimension on this machine, now: real vectors tiled to a size, median and p95, GB/s."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.search.engine import ScanEngine
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.flat import FlatIndex

SIZES = (10_000, 100_000, 1_000_000)
SPEED_DIMS = (8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
#: Above this many vectors only float32 is timed: every other precision needs a copy at each length.
ALL_PRECISIONS_UP_TO = 100_000
TOP_K = 10
_FEWEST_RUNS, _MOST_RUNS, _SECONDS_A_ROW = 20, 200, 0.3
_JITTER = 0.02


@dataclass(frozen=True)
class SpeedRow:
    """One query, the first 10 of all vectors, warm: `median_ms` and `p95_ms` over `n_runs`.

    `gb_per_s` is what a search reads by the median: the `n` cut vectors in this precision, or the int8 sketch that an
    exact search of many float32 vectors goes through instead.
    """

    dim: int
    precision: str
    median_ms: float
    p95_ms: float
    n_runs: int
    gb_per_s: float


@dataclass(frozen=True)
class SpeedResult:
    """All rows of one size.

    `n` vectors of `full_dim` numbers, tiled from `n_source` real ones; `bandwidth_gb_s` is the fastest plain
    read of one such float32 matrix in the same run; `date` is ISO 8601 in UTC.
    """

    corpus: str
    n: int
    n_source: int
    full_dim: int
    bandwidth_gb_s: float
    hardware: str
    date: str
    seconds: float
    rows: tuple[SpeedRow, ...]

    def row(self, dim: int, precision: str) -> SpeedRow | None:
        """The row of that length and precision, None if it was not timed."""
        return next((row for row in self.rows if (row.dim, row.precision) == (dim, precision)), None)


@dataclass(frozen=True)
class SpeedPlan:
    """How many vectors, which lengths and precisions; `free_bytes` None means what the system says is free."""

    n: int
    dims: tuple[int, ...] = SPEED_DIMS
    precisions: tuple[str, ...] = ("float32", "float16", "int8", "binary")
    free_bytes: int | None = None


def measure_speed(
    corpus: str,
    documents: FloatMatrix,
    queries: FloatMatrix,
    plan: SpeedPlan,
    hardware: str,
    progress: Progress | None = None,
) -> SpeedResult:
    """Time exact search for one query at a time over `(m, D)` documents tiled to `plan.n` rows.

    float32 is `ExactIndex`, which gives Compare its hits; the other precisions are faiss' flat indexes over cut
    vectors. Raises `LabError` if memory is too short for the size, and whatever `progress` raises: that cancels.
    """
    say = progress or (lambda _share, _text: None)
    check_memory(plan.n, documents.shape[1], plan.free_bytes)
    started = time.perf_counter()
    dims = [dim for dim in plan.dims if dim <= documents.shape[1]]
    precisions = plan.precisions if plan.n <= ALL_PRECISIONS_UP_TO else ("float32",)
    say(0.02, f"Tiling {len(documents):,} vectors to {plan.n:,}")
    tiled = tile(documents, plan.n)
    bandwidth = measure_bandwidth(tiled)
    say(0.15, "Building the index")
    index = ExactIndex(tiled)
    engines: dict[str, ScanEngine] = {p: index if p == "float32" else FlatIndex(tiled, p) for p in precisions}
    del tiled  # At a million vectors the second copy is worth giving back: only the flat indexes refer to it.
    gc.collect()
    index.warm_up()
    rows: list[SpeedRow] = []
    for step, (precision, dim) in enumerate((p, d) for p in precisions for d in dims):
        say(0.2 + 0.8 * step / (len(precisions) * len(dims)), f"Timing {dim} numbers, {precision}")
        rows.append(_time_search(engines[precision], queries, dim, precision))
    say(1.0, "Done")
    return SpeedResult(
        corpus=corpus,
        n=plan.n,
        n_source=len(documents),
        full_dim=int(documents.shape[1]),
        bandwidth_gb_s=bandwidth,
        hardware=hardware,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 1),
        rows=tuple(rows),
    )


def check_memory(n: int, dim: int, free_bytes: int | None = None) -> None:
    """Raise `LabError` if two float32 copies of `(n, dim)` and half a copy more do not fit into free memory."""
    needed = int(4 * n * dim * 2.5)
    free = measure_free_memory() if free_bytes is None else free_bytes
    if free is not None and needed > free:
        raise LabError(
            f"{n:,} vectors of {dim} numbers need {needed / 1e9:.1f} GB while they are indexed, and this machine has "
            f"{free / 1e9:.1f} GB free: choose fewer vectors."
        )


def measure_free_memory() -> int | None:
    """Bytes of memory that can still be had without swapping, within the container's limit; None if unknown."""
    free: list[int] = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
    except (OSError, ValueError):
        pass
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        free.append(max(0, limit - int((group / "memory.current").read_text(encoding="ascii"))))
    except (OSError, ValueError):  # No container, or one without a limit ("max").
        pass
    if not free and hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        free.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(free) if free else None


def tile(vectors: FloatMatrix, n: int, seed: int = 0) -> FloatMatrix:
    """Repeat `(m, D)` rows to `(n, D)` float32, each whole copy moved a little so that copies do not tie."""
    rng = np.random.default_rng(seed)
    m, full = vectors.shape
    tiled = np.empty((n, full), dtype=np.float32)
    for start in range(0, n, m):
        part = tiled[start : start + m]
        shift = rng.standard_normal(full, dtype=np.float32) * np.float32(_JITTER / np.sqrt(full) if start else 0)
        np.add(vectors[: len(part)], shift, out=part)
    return tiled


def measure_bandwidth(matrix: FloatMatrix, runs: int = 5) -> float:
    """GB/s of the fastest of two plain passes over a matrix: its sum, and its product with a vector."""
    ones = np.ones(matrix.shape[1], dtype=np.float32)
    passes: tuple[Callable[[], object], ...] = (matrix.sum, lambda: matrix @ ones)
    fastest = min(_seconds(read) for read in passes for _ in range(runs))
    return round(matrix.nbytes / fastest / 1e9, 2)


def _time_search(engine: ScanEngine, queries: FloatMatrix, dim: int, precision: str) -> SpeedRow:
    engine.search(queries[0], dim, TOP_K)  # Warm: codes, norms, threads and pages are there.
    times: list[float] = []
    deadline = time.perf_counter() + _SECONDS_A_ROW
    while len(times) < _FEWEST_RUNS or (len(times) < _MOST_RUNS and time.perf_counter() < deadline):
        query = queries[len(times) % len(queries)]
        started = time.perf_counter()
        engine.search(query, dim, TOP_K)
        times.append((time.perf_counter() - started) * 1e3)
    middle, late = _quantiles(times, (0.5, 0.95))
    speed = round(engine.bytes_read(dim) / middle / 1e6, 3)
    return SpeedRow(dim, precision, round(middle, 4), round(late, 4), len(times), speed)


def _quantiles(values: Sequence[float], shares: tuple[float, float]) -> tuple[float, float]:
    low, high = np.quantile(np.asarray(values), shares)
    return float(low), float(high)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
