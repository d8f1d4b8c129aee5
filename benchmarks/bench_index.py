"""One query over the prefix index, beside faiss flat and torch mv on a contiguous cut copy.

Every row is timed in this run, the contenders in turns so that a noisy machine treats them alike; medians in ms. The
bandwidth is that of the faster of two plain reads of the whole float32 matrix (sum, and matrix times vector) with the
same threads. Two of ours are timed: the search, whose first pass over many documents reads int8, and the scan that
scores every document from the float32 prefixes. `bandwidth_fraction` is the float32 bytes of the prefixes over the
search's time (above 1 it answers sooner than those bytes can be read), `read_fraction` the bytes that the search does
go through over its time, `scan_fraction` the float32 bytes over the time of the scan, which reads them all. Under
`--json` the last line is `{"bandwidth_gb_s", "rows": [{"n", "dim", "ours_ms", "faiss_flat_ms", "torch_mv_ms",
"scan_ms", "bandwidth_fraction", "read_fraction", "scan_fraction"}]}`.
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
    bandwidth_fraction: float
    read_fraction: float
    scan_fraction: float


def once_ms(work: Callable[[], object]) -> float:
    """Wall time of one call, in ms."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def medians_ms(contenders: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median of each contender; the rounds go through all of them in turn."""
    for work in contenders:
        work()
    samples = [[once_ms(work) for work in contenders] for _ in range(rounds)]
    return [median(column) for column in zip(*samples, strict=True)]


def bandwidth_gb_s(vectors: torch.Tensor, rounds: int) -> float:
    """Bytes read a second, in GB, by the faster of two plain passes over the whole matrix: median of each."""
    ones = torch.ones(vectors.shape[1])
    best = min(medians_ms([lambda: torch.mv(vectors, ones), vectors.sum], rounds))
    return vectors.numel() * 4 / best / 1e6


def measure(index: PrefixIndex, vectors: np.ndarray, query: np.ndarray, dim: int, rounds: int, speed: float) -> Row:
    """Time the contenders on `(n, D)` vectors cut to `dim`; `speed` is the bandwidth in GB/s."""
    cut = truncate(vectors, dim)
    flat = faiss.IndexFlatIP(dim)
    flat.add(cut)
    contiguous, wanted = torch.from_numpy(cut), truncate(query[None], dim)
    row = torch.from_numpy(wanted[0])
    times = medians_ms(
        [
            lambda: index.search(query, dim, K),
            lambda: flat.search(wanted, K),
            lambda: torch.topk(torch.mv(contiguous, row), K),
            lambda: index.ranking(query, dim),
        ],
        rounds,
    )
    whole = len(vectors) * dim * 4
    moved = ((whole, times[0]), (index.bytes_read(dim), times[0]), (whole, times[3]))
    fractions = (round(size / (ms * speed * 1e6), 3) for size, ms in moved)
    return Row(len(vectors), dim, *(round(ms, 4) for ms in times), *fractions)


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
    speed = bandwidth_gb_s(torch.from_numpy(vectors), args.rounds)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {speed:.1f} GB/s read")
    print(f"{'n':>9} {'dim':>4} {'ours':>9} {'faiss':>9} {'torch mv':>9} {'scan':>9}  bandwidth: search, read, scan")
    rows = []
    for n in args.sizes:
        part = vectors[:n]
        index = PrefixIndex(part)
        for dim in args.dims:
            row = measure(index, part, query, dim, args.rounds, speed)
            rows.append(asdict(row))
            ratio = row.faiss_flat_ms / row.ours_ms
            print(
                f"{n:>9} {dim:>4} {row.ours_ms:>7.2f}ms {row.faiss_flat_ms:>7.2f}ms {row.torch_mv_ms:>7.2f}ms "
                f"{row.scan_ms:>7.2f}ms  {row.bandwidth_fraction:>8.0%} {row.read_fraction:>5.0%} "
                f"{row.scan_fraction:>5.0%}   {ratio:.1f}x faiss",
                flush=True,
            )
    if args.json:
        print(json.dumps({"bandwidth_gb_s": round(speed, 2), "rows": rows}))


if __name__ == "__main__":
    main()
