"""A recommendation for the terminal: the sentence, the frontier of settings, rivals and notes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mrl_demo.advisor.recommend import HOLDS, LIKELY, Recommendation, Setting

_SIGNS = {HOLDS: "[green]holds[/]", LIKELY: "[yellow]too few queries to say[/]"}


def print_recommendation(recommendation: Recommendation, console: Console | None = None) -> None:
    """Print the answer and what it rests on; `console` is the terminal by default."""
    out = console or Console()
    out.print(f"[bold]{escape(recommendation.sentence())}[/]")
    if recommendation.kind == "agreement":
        out.print("[yellow]Agreement, not quality:[/] the collection has no judged queries for this metric.")
    out.print(settings_table(frontier_of(recommendation.settings)))
    if recommendation.best is not None and recommendation.rivals:
        more = (
            f": about {recommendation.more_queries:,} more judged queries would settle it"
            if (recommendation.more_queries)
            else ""
        )
        out.print(f"Smaller still, perhaps: {escape(_named_list(recommendation.rivals))}{more}.")
    if recommendation.lost_queries:
        shown = ", ".join(recommendation.lost_queries[:5])
        out.print(f"{len(recommendation.lost_queries):,} queries lose their answer altogether ({escape(shown)}, ...).")
    for note in recommendation.notes:
        out.print(f"[yellow]Note:[/] {escape(str(note))}")


def frontier_of(settings: Sequence[Setting]) -> list[Setting]:
    """Settings that no cheaper one matches, cheapest first: the rest is dominated."""
    frontier: list[Setting] = []
    for setting in settings:  # Cheapest first.
        if not frontier or setting.share > frontier[-1].share:
            frontier.append(setting)
    return frontier


def settings_table(settings: Sequence[Setting]) -> Table:
    """One line a setting: what it costs, what it keeps, whether the target holds."""
    table = Table(title="No cheaper setting keeps as much", title_justify="left", header_style="bold")
    for name in ("bytes", "arm", "dimensions", "precision", "kept", "at least", "target"):
        table.add_column(name, justify="left" if name in {"arm", "precision", "target"} else "right")
    for setting in settings:
        figures = (f"{setting.share:.1%}", f"{setting.lower:.1%}", _SIGNS.get(setting.verdict, ""))
        table.add_row(f"{setting.bytes_searched:,}", escape(setting.arm), str(setting.dim), setting.precision, *figures)
    return table


def _named_list(settings: Sequence[Setting]) -> str:
    return "; ".join(f"{setting.arm} {setting.dim} {setting.precision}" for setting in settings)
