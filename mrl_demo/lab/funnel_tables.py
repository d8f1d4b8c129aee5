"""Tables for the terminal of what funnels, proofs, gates and budgets came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from rich.markup import escape
from rich.table import Table

from mrl_demo.advisor.budget import ByteBudget
from mrl_demo.funnels.cheapest import CheapestCascade, cheapest_shown
from mrl_demo.funnels.measure import FunnelReport
from mrl_demo.funnels.proof import ProofReport
from mrl_demo.gating.allocation import GateReport

CHOICE_NAMES = {
    "gate": "gate (classifier)",
    "margin": "gate (margin alone)",
    "static": "static, by memory",
    "dynamic": "dynamic, by load",
    "performance": "by performance",
}


def report_table(report: object) -> Table:
    """The figures of a report as a table."""
    if isinstance(report, FunnelReport):
        return _table("Stage by stage", *funnel_cells(report))
    if isinstance(report, CheapestCascade):
        return _table("No cheaper cascade keeps as much", *cheapest_cells(report))
    if isinstance(report, ProofReport):
        return _table("Proven by length", *proof_cells(report))
    if isinstance(report, GateReport):
        return _table("The same held-out queries", *gate_cells(report))
    if isinstance(report, ByteBudget):
        return _table("What fits and is not dominated", *budget_cells(report))
    raise TypeError(f"there is no table of {type(report).__name__}")


#: Heads and rows of a table.
Cells: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]


def funnel_cells(report: FunnelReport) -> Cells:
    """Heads and rows of a funnel's stages."""
    heads = ("stage", "in", "out", "known answers in", "lost here", "ms", "bytes read")
    rows = [
        (
            stage.name,
            f"{stage.entering:,}",
            f"{stage.leaving:,}",
            f"{stage.answers_entering:,}",
            f"{stage.answers_lost:,}",
            f"{stage.ms:.2f}",
            f"{stage.bytes_read:,}",
        )
        for stage in report.stages
    ]
    return heads, rows


def cheapest_cells(report: CheapestCascade) -> Cells:
    """Heads and rows of the cascades that no cheaper one matches."""
    heads = ("bytes a query", "cascade", "kept", "at least", "agreement", "target")
    rows = [
        (
            f"{option.bytes_read:,}",
            option.cascade,
            f"{option.share:.1%}",
            f"{option.lower:.1%}",
            f"{option.agreement:.1%}",
            option.verdict,
        )
        for option in cheapest_shown(report.options)
    ]
    return heads, rows


def proof_cells(report: ProofReport) -> Cells:
    """Heads and rows of the lengths of a proof."""
    heads = ("numbers", "proven", "documents left", "99% bound: settled", "documents left by it")
    proof, loose = report.proof, report.calibrated
    columns = zip(proof.dims, proof.settled, proof.left, loose.settled, loose.left, strict=True)
    return heads, [(str(dim), f"{a:.1%}", f"{b:.1%}", f"{c:.1%}", f"{d:.1%}") for dim, a, b, c, d in columns]


def gate_cells(report: GateReport) -> Cells:
    """Heads and rows of the ways to choose a length."""
    heads = (
        "way",
        "mean numbers",
        report.metric,
        "against fixed, same cost",
        "stopped wrongly",
        "needlessly long",
        "how",
    )
    rows = [
        (
            CHOICE_NAMES[choice.name],
            f"{choice.point.mean_length:.0f}",
            f"{choice.point.value:.3f} [{choice.point.low:.3f}, {choice.point.high:.3f}]",
            f"{choice.against_fixed.value:+.3f} [{choice.against_fixed.low:+.3f}, {choice.against_fixed.high:+.3f}]",
            f"{choice.stopped_wrongly:.0%}",
            f"{choice.went_needlessly:.0%}",
            choice.how,
        )
        for choice in report.choices
    ]
    return heads, rows


def budget_cells(budget: ByteBudget) -> Cells:
    """Heads and rows of the frontier up to the budget."""
    heads = ("bytes", budget.metric, "arm", "numbers", "precision", "rescoring keeps")
    rows = [
        (
            f"{one.bytes_searched:,}",
            f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]",
            one.arm,
            str(one.dim),
            one.precision,
            f"{one.bytes_rescored:,}" if one.bytes_rescored else "",
        )
        for one in budget.settings
        if not one.is_dominated and one.bytes_searched <= budget.bytes_a_vector
    ]
    return heads, rows


def _table(title: str, heads: Iterable[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for head in heads:
        table.add_column(escape(head))
    for row in rows:
        table.add_row(*map(escape, row))
    return table
