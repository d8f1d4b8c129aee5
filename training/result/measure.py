"""Before and after: the rows of a sweep that compare two of its arms, their table, and the parts of a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mrl_demo.arms.catalogue import baselines
from mrl_demo.evaluation.sweeps.plan import UNCUT_BASE
from mrl_demo.evaluation.sweeps.results import SweepResult

METRICS = ("ndcg@10", "mrr@10", "recall@10")
CONTROL = "tuned-plain"


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


@dataclass(frozen=True)
class CardSection:
    """One table of a card: `names` before and after, `setting` says in a sentence how it was measured."""

    title: str
    setting: str
    names: tuple[str, str]
    rows: tuple[BeforeAfter, ...]


def card_sections(result: SweepResult, name: str, max_tokens: int) -> list[CardSection]:
    """What the card shows of one arm on one corpus: nDCG@10 against the baselines, the control, and uncut base."""
    parts = []
    for other in (*baselines(), CONTROL, UNCUT_BASE):
        rows = tuple(row for row in paired_rows(result, other, name) if row.metric == METRICS[0])
        if rows:
            setting = describe_setting(result, max_tokens)
            parts.append(CardSection(f"{result.corpus}: against {other}", setting, (other, name), rows))
    return parts


def describe_setting(result: SweepResult, max_tokens: int) -> str:
    """How it was measured, in a sentence."""
    return (
        f"{result.n_queries:,} judged queries over all {result.n_documents:,} documents of {result.corpus}, cut at "
        f"{max_tokens} tokens; exact search; paired bootstrap intervals (95%) over queries."
    )
