"""One query over the exact index, beside faiss flat and torch mv on a contiguous cut copy.

Every row is timed in this run, the contenders in turns so that a noisy machine treats them alike; medians in ms. Two
plain reads of the whole float32 matrix (sum and maximum) with the same threads take part in the turns of every row: the
faster one of a turn is its bandwidth, and the median over all turns that of the run. A row also has its own. Two of
ours are timed: the search, whose first pass over many documents reads int8, and the scan that scores every document
from the float32 prefixes. `bandwidth_fraction` and `scan_fraction` are the bytes that each goes through over its time,
as a share of the run's bandwidth. Under `--json` the last line is `{"bandwidth_gb_s", "rows": [{"n", "dim", "ours_ms",
"faiss_flat_ms", "torch_mv_ms", "scan_ms", "row_bandwidth_gb_s", "bandwidth_fraction", "scan_fraction"}]}`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import faiss
import numpy as np
import torch

from mrl_demo.core.vectors import truncate
from mrl_demo.search.exact import ExactIndex

FULL_LENGTH = 384
K = 10
TIMES = ("ours_ms", "faiss_flat_ms", "torch_mv_ms", "scan_ms")


@dataclass(frozen=True)
class Timed:
    """Medians of one size and length in ms, the bytes that the search goes through, the bandwidth of every turn."""

    n: int
    dim: int
    ours_ms: float
    faiss_flat_ms: float
    torch_mv_ms: float
    scan_ms: float
    bytes_read: int
    bandwidths: np.ndarray

    def row(self, bandwidth: float) -> dict[str, float]:
        """What `--json` says of it, given the run's bandwidth in GB/s: see above."""
        figures = {name: round(getattr(self, name), 4) for name in TIMES}
        shares = {
            "bandwidth_fraction": self.bytes_read / self.ours_ms,
            "scan_fraction": self.n * self.dim * 4 / self.scan_ms,
        }
        return {
            "n": self.n,
            "dim": self.dim,
            **figures,
            "row_bandwidth_gb_s": round(float(np.median(self.bandwidths)), 2),
            **{name: round(rate / bandwidth / 1e6, 3) for name, rate in shares.items()},
        }


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


def time_engines(index: ExactIndex, everything: np.ndarray, query: np.ndarray, dim: int, rounds: int) -> Timed:
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
            lambda: index.scan.ranking(query, dim),
            *plain_reads(torch.from_numpy(everything)),
        ],
        rounds,
    )
    medians = (float(ms) for ms in np.median(times[:, :4], axis=0))
    return Timed(index.n, dim, *medians, index.bytes_read(dim), everything.nbytes / times[:, 4:].min(axis=1) / 1e6)


def printed(rows: list[dict[str, float]], bandwidth: float) -> None:
    """The table."""
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {bandwidth:.1f} GB/s read")
    print(f"{'n':>9} {'dim':>4} {'ours':>9} {'faiss':>9} {'torch mv':>9} {'scan':>9}  shares: search, scan; GB/s")
    for row in rows:
        times = " ".join(f"{row[name]:>7.2f}ms" for name in TIMES)
        shares = " ".join(f"{row[name]:>5.0%}" for name in ("bandwidth_fraction", "scan_fraction"))
        ratio = row["faiss_flat_ms"] / row["ours_ms"]
        print(f"{row['n']:>9} {row['dim']:>4} {times}  {shares} {row['row_bandwidth_gb_s']:>5.1f}   {ratio:.1f}x faiss")


def main() -> None:
    """Measure every size at every length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dims", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256, 384])
    parser.add_argument("--rounds", type=int, default=21)
    args = parser.parse_args()
    vectors = np.random.default_rng(0).standard_normal((max(args.sizes), FULL_LENGTH), dtype=np.float32)
    query = np.random.default_rng(1).standard_normal(FULL_LENGTH, dtype=np.float32)
    timed = []
    for n in args.sizes:
        index = ExactIndex(vectors[:n])
        index.warm_up()
        for dim in args.dims:
            timed.append(time_engines(index, vectors, query, dim, args.rounds))
            print(f"timed {n:,} x {dim}", file=sys.stderr)
    bandwidth = float(np.median(np.concatenate([row.bandwidths for row in timed])))
    printed(rows := [row.row(bandwidth) for row in timed], bandwidth)
    if args.json:
        print(json.dumps({"bandwidth_gb_s": round(bandwidth, 2), "rows": rows}))


if __name__ == "__main__":
    main()
