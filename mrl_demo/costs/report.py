"""Costs side by side for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mrl_demo.costs.model import CostComparison

#: Heads of the table that page, report and terminal show.
COST_HEADS = ("way", "memory", "disk", "read a query", "memory a month", "disk a month", "a month")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def print_costs(costs: CostComparison, console: Console | None = None) -> None:
    """Print the answer, the table and where the prices are from; `console` is the terminal by default."""
    out = console or Console()
    out.print(f"[bold]{escape(costs.sentence())}[/]")
    table = Table(title=escape(cost_caption(costs)), title_justify="left", header_style="bold")
    for name in COST_HEADS:
        table.add_column(name, justify="left" if name == "way" else "right")
    for row in cost_rows(costs):
        table.add_row(*row)
    out.print(table)
    out.print(escape(price_source(costs)))


def cost_caption(costs: CostComparison) -> str:
    """What is served."""
    deployment = costs.deployment
    times = f"{deployment.replicas:,} replicas" if deployment.replicas > 1 else "1 replica"
    return f"{deployment.vectors:,} vectors, {times}, {deployment.index_bytes:g} bytes of index a vector"


def price_source(costs: CostComparison) -> str:
    """Unit prices with their source and date."""
    prices = costs.prices
    return (
        f"Prices: {prices.memory_gib_month:g} {prices.currency} a GiB of memory and {prices.disk_gb_month:g} a GB of "
        f"disk a month ({prices.source}; {prices.date}). Machines, network and encoding are not in it."
    )


def cost_rows(costs: CostComparison) -> list[tuple[str, ...]]:
    """The cells of the table."""
    currency = costs.prices.currency
    return [
        (
            way.label,
            bytes_text(way.memory_bytes),
            bytes_text(way.disk_bytes),
            bytes_text(way.read_bytes) if way.read_bytes else "nothing",
            *(f"{value:,.2f} {currency}" for value in (way.memory_money, way.disk_money, way.money)),
        )
        for way in costs.ways
    ]


def bytes_text(n_bytes: float) -> str:
    """Three significant digits in decimal units.

    >>> bytes_text(256_000_000), bytes_text(1_536)
    ('256 MB', '1.54 kB')
    """
    unit = 0
    while n_bytes >= 999.5 and unit < len(_UNITS) - 1:
        n_bytes, unit = n_bytes / 1000, unit + 1
    return f"{n_bytes:.3g} {_UNITS[unit]}"
