"""Before and after: every query's values at every prefix, paired differences with intervals, and the table of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrl_demo.evaluation.stats import PairedBootstrap
from training.fit.validation import METRICS, Scores


@dataclass(frozen=True)
class Compared:
    """One figure: the mean before and after, and the paired 95% interval `low`..`high` of their difference."""

    metric: str
    dim: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_holm: float
    verdict: str

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Compared:
        """Read what `asdict` wrote."""
        return cls(**raw)


def compare(before: Scores, after: Scores, dims: Sequence[int], *, before_dim: int | None = None) -> list[Compared]:
    """Compare two arms on the same queries at each of `dims`; `before_dim` holds the first one at that dimension."""
    keys = [(dim, metric) for metric in METRICS for dim in dims]
    left = np.stack([before[before_dim or dim, metric] for dim, metric in keys], axis=1)
    right = np.stack([after[key] for key in keys], axis=1)
    found = PairedBootstrap(len(left)).differences(right - left, [metric for _, metric in keys])
    return [
        Compared(metric, dim, float(b), float(a), each.value, each.low, each.high, each.p_holm, each.verdict)
        for (dim, metric), b, a, each in zip(keys, left.mean(0), right.mean(0), found, strict=True)
    ]


def table(rows: Sequence[Compared], names: tuple[str, str] = ("before", "after")) -> str:
    """The rows as a plain text table, one block a metric."""
    lines = []
    for metric in METRICS:
        lines.append(f"{metric:>10}  {'dim':>5} {names[0]:>9} {names[1]:>9} {'change':>8}  95% interval")
        lines += [
            f"{'':>10}  {row.dim:>5} {row.before:9.4f} {row.after:9.4f} {row.difference:+8.4f}  "
            f"{row.low:+.4f} .. {row.high:+.4f}"
            for row in rows
            if row.metric == metric
        ]
    return "\n".join(lines)


def as_dicts(rows: Sequence[Compared]) -> list[dict[str, Any]]:
    """Plain JSON types."""
    return [asdict(row) for row in rows]
