"""Before and after: the rows of a sweep that compare two of its arms, and the table of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mrl_demo.evaluation.results import SweepResult

METRICS = ("ndcg@10", "mrr@10", "recall@10")


@dataclass(frozen=True)
class BeforeAfter:
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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def paired_rows(result: SweepResult, before: str, after: str) -> list[BeforeAfter]:
    """The paired differences of arm `after` against arm `before` ("uncut base" too), by metric and dimension."""
    values = {row.key: row.value for row in result.rows}
    rows = []
    for row in result.differences:
        if (row.arm, row.against) != (after, before):
            continue
        new = values[row.arm, row.dim, row.precision, row.metric]
        figures = (row.difference, row.low, row.high, row.p_holm, row.verdict)
        rows.append(BeforeAfter(row.metric, row.dim, new - row.difference, new, *figures))
    return rows


def before_after_table(rows: Sequence[BeforeAfter], names: tuple[str, str] = ("before", "after")) -> str:
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
