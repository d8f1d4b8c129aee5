"""A sweep for the terminal: tables by metric and precision, differences in words, and the notes."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from mrl_demo.evaluation.stats import BETTER, MARGIN, TOO_FEW, WORSE
from mrl_demo.evaluation.sweeps.results import NO_PRECISION, SweepResult, SweepRow

_MARKS = {BETTER: "[green]▲[/]", WORSE: "[red]▼[/]", TOO_FEW: "[yellow]?[/]"}


def print_report(result: SweepResult, console: Console | None = None) -> None:
    """Print the tables, the notes and what the signs mean; `console` is the terminal by default."""
    (console or Console()).print(report(result))


def report(result: SweepResult) -> RenderableType:
    """Everything `print_report` prints, as one rich renderable."""
    size = f"{result.n_documents:,} documents" + (f", {result.n_queries:,} queries" if result.n_queries else "")
    origin = f"{escape(result.hardware)}; {result.date}; {result.seconds:.1f} s"
    parts: list[RenderableType] = [f"[bold]{escape(result.corpus)}[/]: {size}; {origin}"]
    for metric in dict.fromkeys(row.metric for row in result.rows):
        parts += [table_of(result, metric), ""]
    parts.append(
        "Means over queries (accuracy: over held-out texts; spearman: over scored pairs) with the half width of their "
        "95% interval. Against base at the same dimension, paired, corrected over the dimensions (Holm): ▲ better, "
        f"▼ worse, each by more than {MARGIN:.2f}; ? too few to say."
    )
    parts += [f"[yellow]Note:[/] {escape(note)}" for note in result.notes]
    return Group(*parts)


def table_of(result: SweepResult, metric: str) -> Table:
    """One metric: a line for each arm and precision, a column for each dimension, one for arms without any."""
    rows = [row for row in result.rows if row.metric == metric]
    dims: list[int | None] = [*sorted({row.dim for row in rows if row.dim is not None})]
    if any(row.dim is None for row in rows):
        dims.append(None)
    table = Table(title=metric, title_justify="left", header_style="bold")
    table.add_column("arm")
    table.add_column("precision")
    for dim in dims:
        table.add_column("any length" if dim is None else str(dim), justify="right")
    cells = {row.key: _figure(row) + _mark(result, row) for row in rows}
    for arm, precision in dict.fromkeys((row.arm, row.precision) for row in rows):
        shown = "" if precision == NO_PRECISION else precision
        table.add_row(escape(arm), shown, *(cells.get((arm, dim, precision, metric), "") for dim in dims))
    return table


def _mark(result: SweepResult, row: SweepRow) -> str:
    difference = result.difference(row, "base")
    return _MARKS.get(difference.verdict, "") if difference else ""


def _figure(row: SweepRow) -> str:
    """Three places and half the interval: ".673±.028"."""
    half = (row.high - row.low) / 2
    return f"{row.value:.3f}±{half:.3f}".replace("0.", ".")
