"""What every query's ranking looks like and is worth at each length of a ladder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.core.vectors import check_dimension
from mrl_demo.evaluation.judging.metrics import Metric
from mrl_demo.evaluation.judging.ranked import MeasuredArm, RankedList
from mrl_demo.search.prefix import PrefixIndex

#: Close enough that two of them mixed are hardly worse than a length between them.
LADDER_DIMS = (16, 32, 64, 96, 128, 192, 256)
_DEPTH = 11
_TEMPERATURE = 0.05
_TIMED = 20


@dataclass(frozen=True)
class Ladder:
    """Rising lengths, the last one full: `values` `(queries, rungs)` of each query's ranking there.

    `features` `(queries, rungs, f)` describe the ranking's scores, `margins` `(queries, rungs)` is the first score less
    the second; `ms` is the median time of one search.
    """

    dims: tuple[int, ...]
    values: FloatMatrix
    features: FloatMatrix
    margins: FloatMatrix
    ms: tuple[float, ...]

    def part(self, rows: NDArray[np.int64]) -> Ladder:
        """The same for some of the queries."""
        return Ladder(self.dims, self.values[rows], self.features[rows], self.margins[rows], self.ms)


def check_ladder(dims: Sequence[int], full: int) -> tuple[int, ...]:
    """Rising lengths that end with the full one; raises `LabError` if there is no other, or one is not possible."""
    lengths = tuple(sorted({*(check_dimension(dim, full) for dim in dims), full}))
    if len(lengths) < 2:
        raise LabError(f"A ladder needs a length below the full {full}: give one or more, as in 16,64.").about("dims")
    return lengths


def climb(measured: MeasuredArm, dims: Sequence[int], metric: Metric, progress: Progress | None = None) -> Ladder:
    """Search every query at every length; without judgements a ranking is worth its agreement with the full one."""
    say = progress or (lambda _share, _text: None)
    lengths = check_ladder(dims, measured.full_dim)
    scan = PrefixIndex(measured.vectors.documents)
    depth = max(_DEPTH, (metric.k or 100) + 1)
    lists: list[list[RankedList]] = []
    for place, dim in enumerate(lengths):
        say(place / len(lengths), f"Searching with {dim} numbers")
        lists.append(_search(measured, scan, dim, depth))
    is_quality = measured.judged.is_judged and not metric.is_agreement
    values = [measured.values(ranked, metric) if is_quality else _agreement(ranked, lists[-1]) for ranked in lists]
    features = np.stack(
        [_describe(ranked, measured.vectors.queries, dim) for ranked, dim in zip(lists, lengths, strict=True)], 1
    )
    margins = np.stack([_margins(ranked) for ranked in lists], axis=1)
    times = tuple(_median_ms(scan, measured.vectors.queries, dim) for dim in lengths)
    return Ladder(lengths, np.stack(values, axis=1), features, margins, times)


def _search(measured: MeasuredArm, scan: PrefixIndex, dim: int, depth: int) -> list[RankedList]:
    top = scan.search(measured.vectors.queries, dim, depth + 1)
    lists = []
    for documents, scores, own in zip(top.indices, top.scores, measured.judged.own_document, strict=True):
        is_other = documents != own
        lists.append(RankedList(documents[is_other][:depth], scores[is_other][:depth]))
    return lists


def _agreement(lists: Sequence[RankedList], full: Sequence[RankedList]) -> FloatMatrix:
    shares = [
        len({*one.documents[:10].tolist()} & {*other.documents[:10].tolist()}) / max(1, len(other.documents[:10]))
        for one, other in zip(lists, full, strict=True)
    ]
    return np.array(shares, dtype=np.float32)


def _describe(lists: Sequence[RankedList], queries: FloatMatrix, dim: int) -> FloatMatrix:
    """Margins, level, spread and entropy of the first ten scores, and how much of the query the prefix holds."""
    held = np.linalg.norm(queries[:, :dim], axis=1)
    rows = []
    for ranked, share in zip(lists, held, strict=True):
        scores = np.pad(ranked.scores[:_DEPTH], (0, max(0, _DEPTH - len(ranked.scores))), mode="edge")
        ten = scores[:10]
        weights = np.exp((ten - ten[0]) / _TEMPERATURE)
        weights /= weights.sum()
        entropy = float(-(weights * np.log(weights + 1e-12)).sum())
        rows.append(
            [ten[0], ten[0] - ten[1], ten[0] - ten[4], ten[0] - ten[9], ten[9] - scores[10], ten.std(), entropy, share]
        )
    return np.array(rows, dtype=np.float32)


def _margins(lists: Sequence[RankedList]) -> FloatMatrix:
    gaps = [ranked.scores[0] - ranked.scores[1] if len(ranked.scores) > 1 else 1.0 for ranked in lists]
    return np.array(gaps, dtype=np.float32)


def _median_ms(scan: PrefixIndex, queries: FloatMatrix, dim: int) -> float:
    times = []
    for query in queries[:_TIMED]:
        started = time.perf_counter()
        scan.search(query, dim, 10)
        times.append((time.perf_counter() - started) * 1e3)
    return float(np.median(times))
