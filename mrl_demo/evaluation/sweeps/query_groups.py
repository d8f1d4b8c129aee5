"""Quality by group of queries, as by language: a sweep's own values, averaged over each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Query
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.results import SweepResult

#: A column with more values than this makes no groups.
_MOST_GROUPS = 30


@dataclass(frozen=True)
class GroupRow:
    """One figure of a group: the mean over its `n_queries` queries and its 95% interval `low`..`high`.

    `dim` is None for an arm without vectors.
    """

    field: str
    group: str
    arm: str
    dim: int | None
    precision: str
    metric: str
    value: float
    low: float
    high: float
    n_queries: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def group_fields(queries: Sequence[Query]) -> tuple[str, ...]:
    """The columns of queries that make groups: two values or more, and no more than thirty.

    >>> group_fields([Query("a", "x", fields=(("language", "en"),)), Query("b", "y", fields=(("language", "de"),))])
    ('language',)
    """
    values: dict[str, set[str]] = {}
    for query in queries:
        for name, value in query.fields:
            values.setdefault(name, set()).add(value)
    return tuple(name for name, there in values.items() if 1 < len(there) <= _MOST_GROUPS)


def check_group_field(queries: Sequence[Query], field: str) -> None:
    """Raise `LabError` naming the columns there are if `field` makes no groups."""
    there = group_fields(queries)
    if field not in there:
        named = f"choose one of {', '.join(there)}" if there else "this collection's queries have no such columns"
        raise LabError(f"There are no groups by {field!r}: {named}.")


def rows_by_group(sweep: SweepResult, queries: Sequence[Query], field: str) -> tuple[GroupRow, ...]:
    """The figures of a sweep that keeps its values per query, by the values of a column of the queries.

    Raises `LabError` naming the columns there are.
    """
    check_group_field(queries, field)
    value_of = {query.id: dict(query.fields).get(field, "") for query in queries}
    groups = np.array([value_of.get(name, "") for name in sweep.query_ids])
    rows: list[GroupRow] = []
    for group in sorted(filter(None, set(groups.tolist()))):
        chosen = groups == group
        bootstrap = PairedBootstrap(int(chosen.sum()))
        keys = list(sweep.per_query)
        columns = np.stack([sweep.per_query[key][chosen] for key in keys], axis=1)
        for (arm, dim, precision, metric), interval in zip(keys, bootstrap.intervals(columns), strict=True):
            bounds = float(interval.value), float(interval.low), float(interval.high)
            rows.append(GroupRow(field, str(group), arm, dim, precision, metric, *bounds, int(chosen.sum())))
    return tuple(rows)


def print_groups(rows: Sequence[GroupRow], console: Console | None = None) -> None:
    """Print a table for each arm, precision and measure: a line a group, a column a length."""
    out = console or Console()
    for arm, precision, metric in dict.fromkeys((row.arm, row.precision, row.metric) for row in rows):
        own = [row for row in rows if (row.arm, row.precision, row.metric) == (arm, precision, metric)]
        dims = list(dict.fromkeys(row.dim for row in own))
        says = f"{arm}, {precision}, {metric} by {own[0].field}"
        table = Table(title=escape(says), title_justify="left", header_style="bold")
        table.add_column(escape(own[0].field))
        table.add_column("queries", justify="right")
        for dim in dims:
            table.add_column("any length" if dim is None else str(dim), justify="right")
        for group in dict.fromkeys(row.group for row in own):
            cells = {row.dim: row for row in own if row.group == group}
            figures = (f"{cells[dim].value:.3f}±{(cells[dim].high - cells[dim].low) / 2:.3f}" for dim in dims)
            table.add_row(escape(group), str(next(iter(cells.values())).n_queries), *figures)
        out.print(table)
