"""A map for the terminal: what each arm keeps by length, and the groups that break first and last."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from mrl_demo.maps.collection_map import CollectionMap, MapSide
from mrl_demo.maps.neighbours import NEIGHBOURS

_SHOWN = (8, 16, 32, 64, 128, 256)


def map_report(view: CollectionMap) -> RenderableType:
    """One table a side, groups that break first on top, and the notes."""
    size = f"{len(view.documents):,} documents, {len(view.grouping.names)} groups"
    parts: list[RenderableType] = [f"[bold]{escape(view.corpus)}[/]: {size}"]
    parts += [_side_table(view, side) for side in view.sides]
    parts.append(
        f"Of {NEIGHBOURS} nearest neighbours by the full vector so many are kept on average; a group holds from the "
        "length on which half of them are. Agreement with the full vector, not quality."
    )
    parts += [f"[yellow]Note:[/] {escape(note)}" for note in view.notes]
    return Group(*parts)


def _side_table(view: CollectionMap, side: MapSide) -> Table:
    columns = [place for place, dim in enumerate(view.dims) if dim in _SHOWN]
    table = Table(title=escape(side.label), title_justify="left", header_style="bold")
    table.add_column("group, the first to break on top")
    table.add_column("holds from", justify="right")
    for place in columns:
        table.add_column(str(view.dims[place]), justify="right")
    for fate in side.fates(view.grouping, view.dims):
        table.add_row(escape(fate.group), str(fate.holds_from), *(f"{fate.kept[place]:.1f}" for place in columns))
    mean = side.kept.mean(axis=0)
    table.add_row("all documents", "", *(f"{mean[place]:.1f}" for place in columns), style="bold")
    return table
