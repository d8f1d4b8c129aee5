"""One query over the prefix index, beside faiss flat and torch mv on a contiguous cut copy.

Every row is timed in this run, the contenders in turns so that a noisy machine treats them alike; medians in ms. Two
plain reads of the whole float32 matrix (sum and maximum) with the same threads take turns with them: the
faster one is the bandwidth of that round, and a share is the median over the rounds of what compares times of the same
second. Two of ours are timed: the search, whose first pass over many documents reads int8, and the scan that scores
every document from the float32 prefixes. `bandwidth_fraction` is the float32 bytes of the prefixes over the search's
time (above 1 it answers sooner than those bytes can be read), `read_fraction` the bytes that the search does go
through over its time, `scan_fraction` the float32 bytes over the time of the scan, which reads them all. Under `--json`
the last line is `{"bandwidth_gb_s", "rows": [{"n", "dim", "ours_ms", "faiss_flat_ms", "torch_mv_ms", "scan_ms",
"bandwidth_gb_s", "bandwidth_fraction", "read_fraction", "scan_fraction"}]}`, the first figure the median of those of
the rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import faiss
import numpy as np
import torch

from mrl_demo.index import PrefixIndex
from mrl_demo.vectors import truncate

FULL = 384
K = 10


@dataclass(frozen=True)
class Row:
    """Medians of one size and length, and shares of the bandwidth: see above."""

    n: int
    dim: int
    ours_ms: float
    faiss_flat_ms: float
    torch_mv_ms: float
    scan_ms: float
    bandwidth_gb_s: float
    bandwidth_fraction: float
    read_fraction: float
    scan_fraction: float


def once_ms(work: Callable[[], object]) -> float:
    """Wall time of one call, in ms."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def rounds_ms(contenders: list[Callable[[], object]], rounds: int) -> np.ndarray:
    """Times of every contender in every round, `(rounds, contenders)`.

    Each round has an order of its own: what is called just after a pass over much memory finds the caches empty.
    """
    for work in contenders:
        work()
    random, times = np.random.default_rng(2), np.empty((rounds, len(contenders)))
    for row in times:
        for i in random.permutation(len(contenders)):
            row[i] = once_ms(contenders[i])
    return times


def plain_reads(vectors: torch.Tensor) -> list[Callable[[], object]]:
    """Passes over a whole matrix that do as little as they can with it: the fastest of ten tried."""
    return [vectors.sum, vectors.max]


def measure(index: PrefixIndex, everything: np.ndarray, query: np.ndarray, dim: int, rounds: int) -> Row:
    """Time the contenders on the first vectors of `(N, D)`, those of the index, cut to `dim`, and reads of them all."""
    cut = truncate(everything[: index.n], dim)
    flat = faiss.IndexFlatIP(dim)
    flat.add(cut)
    contiguous, wanted = torch.from_numpy(cut), truncate(query[None], dim)
    row = torch.from_numpy(wanted[0])
    times = rounds_ms(
        [
            lambda: index.search(query, dim, K),
            lambda: flat.search(wanted, K),
            lambda: torch.topk(torch.mv(contiguous, row), K),
            lambda: index.ranking(query, dim),
            *plain_reads(torch.from_numpy(everything)),
        ],
        rounds,
    )
    search, scan, plain = times[:, 0], times[:, 3], times[:, 4:].min(axis=1)
    speed = everything.nbytes / plain / 1e6
    moved = ((cut.nbytes, search), (index.bytes_read(dim), search), (cut.nbytes, scan))
    fractions = (round(float(np.median(size / (ms * speed * 1e6))), 3) for size, ms in moved)
    medians = (round(float(ms), 4) for ms in np.median(times[:, :4], axis=0))
    return Row(index.n, dim, *medians, round(float(np.median(speed)), 2), *fractions)


def described(row: Row) -> str:
    """One line of the table."""
    times = " ".join(f"{ms:>7.2f}ms" for ms in (row.ours_ms, row.faiss_flat_ms, row.torch_mv_ms, row.scan_ms))
    shares = (
        f"{row.bandwidth_gb_s:>5.1f} {row.bandwidth_fraction:>5.0%} {row.read_fraction:>5.0%} {row.scan_fraction:>5.0%}"
    )
    return f"{row.n:>9} {row.dim:>4} {times}  {shares}   {row.faiss_flat_ms / row.ours_ms:.1f}x faiss"


def main() -> None:
    """Measure every size at every length, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dims", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256, 384])
    parser.add_argument("--rounds", type=int, default=21)
    args = parser.parse_args()
    vectors = np.random.default_rng(0).standard_normal((max(args.sizes), FULL), dtype=np.float32)
    query = np.random.default_rng(1).standard_normal(FULL, dtype=np.float32)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")
    print(
        f"{'n':>9} {'dim':>4} {'ours':>9} {'faiss':>9} {'torch mv':>9} {'scan':>9}  bandwidth: GB/s, search, read, scan"
    )
    rows = []
    for n in args.sizes:
        index = PrefixIndex(vectors[:n])
        for dim in args.dims:
            rows.append(row := measure(index, vectors, query, dim, args.rounds))
            print(described(row), flush=True)
    if args.json:
        speed = median(row.bandwidth_gb_s for row in rows)
        print(json.dumps({"bandwidth_gb_s": round(speed, 2), "rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()
