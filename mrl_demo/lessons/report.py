"""The pitfalls of a corpus, an arm and a length for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mrl_demo.lessons.pitfalls import PitfallEffect, PitfallReport


def print_pitfalls(report: PitfallReport, console: Console | None = None) -> None:
    """Print a line for every mistake with its cost, the fix below; `console` is the terminal by default."""
    out = console or Console()
    first = report.effects[0]
    title = f"{report.arm} at {report.dim} numbers on {report.corpus}: {first.metric}, {first.n_queries:,} queries"
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for name in ("mistake", "right", "wrong", "costs", "95%"):
        table.add_column(name, justify="left" if name == "mistake" else "right")
    for effect in report.effects:
        table.add_row(*pitfall_cells(effect))
    out.print(table)
    out.print(escape(threshold_sentence(report)))
    for effect in report.effects:
        out.print(f"[bold]{escape(effect.pitfall.label)}[/]: {escape(effect.pitfall.fix)}")
    out.print(f"The wrong prompt here: {escape(report.prompt)}.")


def pitfall_cells(effect: PitfallEffect) -> tuple[str, ...]:
    """Label, value done right, done wrong, the difference and its interval."""
    gap = effect.difference
    return (
        effect.pitfall.label,
        f"{effect.right:.3f}",
        f"{effect.wrong:.3f}",
        f"{gap.value:+.3f}",
        f"{gap.low:+.3f} to {gap.high:+.3f}",
    )


def threshold_sentence(report: PitfallReport) -> str:
    """What the old threshold lets pass, in words."""
    effect = report.threshold
    answers = (
        ""
        if effect.answers_before is None or effect.answers_after is None
        else f" Right answers that pass: {effect.answers_before:.1%} before, {effect.answers_after:.1%} after."
    )
    return (
        f"Threshold {effect.threshold:.3f}, kept from full length: {effect.strangers_before:.1%} of unrelated pairs "
        f"passed, now {effect.strangers_after:.1%} do ({effect.n_pairs:,} pairs).{answers}"
    )
