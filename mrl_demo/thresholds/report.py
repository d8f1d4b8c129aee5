"""A translated cut-off for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mrl_demo.evaluation.stats import Interval
from mrl_demo.thresholds.measure import TranslatedThreshold
from mrl_demo.thresholds.translate import PassRates

#: Heads of the table that page, report and terminal show.
THRESHOLD_HEADS = (
    "rule",
    "cut-off",
    "95% interval",
    "precision",
    "on new queries",
    "related kept",
    "unrelated passing",
)


def print_threshold(translated: TranslatedThreshold, console: Console | None = None) -> None:
    """Print the answer, the table of rules, and what it rests on; `console` is the terminal by default."""
    out = console or Console()
    out.print(f"[bold]{escape(translated.sentence())}[/]")
    table = Table(title=threshold_caption(translated), title_justify="left", header_style="bold")
    for name in THRESHOLD_HEADS:
        table.add_column(name, justify="left" if name == "rule" else "right")
    for row in threshold_rows(translated):
        table.add_row(*row)
    out.print(table)
    for note in translated.notes:
        out.print(f"[yellow]Note:[/] {escape(note)}")


def threshold_caption(translated: TranslatedThreshold) -> str:
    """What the figures of the table are made from."""
    kind = f"{translated.stand_ins} as queries" if translated.stand_ins else "judged queries"
    return (
        f"{translated.arm}, {translated.dim} numbers in {translated.precision}: {translated.n_queries:,} {kind}, "
        f"{translated.related_pairs:,} related and {translated.unrelated_pairs:,} unrelated pairs"
    )


def threshold_rows(translated: TranslatedThreshold) -> list[tuple[str, ...]]:
    """The cells of the table, first what passes at full length today."""
    today = f"today at {translated.full_dim}"
    rows: list[tuple[str, ...]] = [(today, f"{translated.given:.3f}", "", *_rate_cells(translated.at_full, None))]
    for answer in translated.rules():
        if answer.cutoff is None:
            rows.append((answer.rule, "none reaches it", "", "", "", "", ""))
            continue
        interval = "" if answer.rule == "unchanged" else _range(answer.interval, 3)
        rows.append((answer.rule, f"{answer.cutoff:.3f}", interval, *_rate_cells(answer.rates, answer.precision)))
    return rows


def _rate_cells(rates: PassRates | None, precision: Interval | None) -> tuple[str, str, str, str]:
    if rates is None:
        return ("", "", "", "")
    known = "" if rates.precision is None else f"{rates.precision:.1%}"
    return known, _range(precision, 1, is_share=True), f"{rates.related:.1%}", f"{rates.unrelated:.3%}"


def _range(interval: Interval | None, digits: int, *, is_share: bool = False) -> str:
    if interval is None:
        return ""
    unit = "%" if is_share else "f"
    return f"{interval.low:.{digits}{unit}} to {interval.high:.{digits}{unit}}"
