"""A recommendation for the terminal: the sentence, the frontier of settings, rivals and notes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mrl_demo.advisor.bands import HOLDS, LIKELY
from mrl_demo.advisor.losses import LostQuery
from mrl_demo.advisor.recommend import Recommendation, Setting, setting_name

_SIGNS = {HOLDS: "[green]holds[/]", LIKELY: "[yellow]too few queries to say[/]"}


def print_recommendation(recommendation: Recommendation, console: Console | None = None) -> None:
    """Print the answer and what it rests on; `console` is the terminal by default."""
    out = console or Console()
    out.print(f"[bold]{escape(recommendation.sentence())}[/]")
    out.print(escape(recommendation.settlement.sentence()))
    if recommendation.kind == "agreement":
        out.print("[yellow]Agreement, not quality:[/] the collection has no judged queries for this metric.")
    if recommendation.kind == "estimate":
        out.print(f"[yellow]An estimate:[/] {recommendation.stand_ins} stand in for queries that nobody has judged.")
    out.print(settings_table(frontier_of(recommendation.settings)))
    for line in aside_lines(recommendation):
        out.print(escape(line))
    _print_groups(recommendation, out)
    _print_losses(recommendation, out)
    for note in recommendation.notes:
        out.print(f"[yellow]Note:[/] {escape(str(note))}")


def aside_lines(recommendation: Recommendation) -> list[str]:
    """Rivals, runners-up and blind verdicts in words."""
    lines = []
    if recommendation.best is not None and recommendation.rivals:
        lines.append(f"Smaller still, perhaps: {_named_list(recommendation.rivals)}.")
    for runner in recommendation.runners_up:
        tie = "a tie with the best" if runner.is_tie else "more than the best" if runner.low > 0 else "less"
        gain = f"{runner.difference:+.1%}, {runner.low:+.1%} to {runner.high:+.1%}"
        lines.append(
            f"Runner-up: {setting_name(runner.setting)}, {runner.setting.bytes_searched:,} bytes: {gain}: {tie}."
        )
    if recommendation.n_verdicts:
        lines.append(f"{recommendation.n_verdicts:,} blind verdicts are put in place of the labels.")
    return lines


def loss_line(lost: LostQuery) -> str:
    """One lost query in words."""
    instead = f'; "{lost.displaced_by}" stands before it now' if lost.displaced_by else ""
    places = f"from rank {lost.rank_before:,} to {lost.rank_now:,}"
    return f'"{lost.text}": "{lost.answer}" falls {places}{instead}'


def _print_groups(recommendation: Recommendation, out: Console) -> None:
    groups = recommendation.groups
    if not groups.groups and not groups.n_small:
        return
    out.print(escape(groups.sentence(recommendation.advice.target)))
    if not groups.groups:
        return
    table = Table(title="Groups of queries, worst first", title_justify="left", header_style="bold")
    for name in ("group", "queries", "kept", "between", "target"):
        table.add_column(name, justify="left" if name in {"group", "target"} else "right")
    for group in groups.groups:
        between = f"{group.low:.1%} to {group.high:.1%}"
        table.add_row(escape(group.name), f"{group.n_queries:,}", f"{group.share:.1%}", between, group.verdict)
    out.print(table)


def _print_losses(recommendation: Recommendation, out: Console) -> None:
    if not recommendation.n_lost:
        return
    out.print(f"{recommendation.n_lost:,} of {recommendation.n_queries:,} queries lose their answer altogether:")
    for lost in recommendation.lost[:5]:
        out.print(f"  {escape(loss_line(lost))}")


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
