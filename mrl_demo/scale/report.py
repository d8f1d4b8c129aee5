"""How figures change as a collection grows, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from mrl_demo.scale.evaluate import ShardedResult


def growth_tables(result: ShardedResult) -> Iterator[Table]:
    """For each arm and precision the share of full length's first metric that every length keeps, a line a size."""
    kept = [row for row in result.growth[-1].retentions if row.metric == _first_metric(result)]
    for arm, precision in dict.fromkeys((row.arm, row.precision) for row in kept):
        dims = sorted({row.dim for row in kept if (row.arm, row.precision) == (arm, precision)})
        metric = _first_metric(result)
        title = f"{arm}, {precision}: share of full length's {metric} as the collection grows"
        table = Table(title=escape(title), title_justify="left", header_style="bold")
        for name in ("documents", "full length", *map(str, dims)):
            table.add_column(name, justify="right")
        for point in result.growth:
            full = next((row.value for row in point.rows if row.key == (arm, dims[-1], "float32", metric)), None)
            shares = (point.retention(arm, dim, metric, precision) for dim in dims)
            cells = (f"{share.value:.1%}" if share else "" for share in shares)
            table.add_row(f"{point.n:,}", "" if full is None else f"{full:.3f}", *cells)
        yield table


def _first_metric(result: ShardedResult) -> str:
    return next((row.metric for row in result.growth[-1].retentions), "")
