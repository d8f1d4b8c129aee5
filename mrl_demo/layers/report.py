"""A grid of layers by lengths for the terminal: quality, what is kept, and the times."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from mrl_demo.layers.grid import LayerGrid


def layers_report(grid: LayerGrid) -> RenderableType:
    """The table, when and on what it was measured, and the notes."""
    size = f"{grid.n_documents:,} documents, {grid.n_queries:,} {grid.stand_ins or 'queries'}"
    head = f"[bold]{escape(grid.corpus)}[/]: {escape(grid.label)}, {size}; {escape(grid.hardware)}; {grid.date}"
    notes = [f"[yellow]Note:[/] {escape(note)}" for note in grid.notes]
    return Group(head, _table(grid), layers_sentence(grid), *notes)


def _table(grid: LayerGrid) -> Table:
    table = Table(title=f"{grid.metric}, and the share of all layers' at that length", title_justify="left")
    table.add_column("layers", justify="right")
    for dim in grid.dims:
        table.add_column(f"{dim}\n{4 * dim} B", justify="right")
    for name in ("query ms", "documents/s", "times as fast"):
        table.add_column(name, justify="right")
    for layers in grid.depths:
        timed, faster = grid.time_of(layers), grid.speed_up(layers)
        times = (f"{timed.query_ms:.1f}", f"{timed.documents_a_second:,.0f}") if timed else ("", "")
        table.add_row(str(layers), *_figures(grid, layers), *times, f"{faster:.2f}" if faster else "")
    return table


def _figures(grid: LayerGrid, layers: int) -> list[str]:
    known = {cell.dim: cell for cell in grid.cells if cell.layers == layers}
    return [f"{known[dim].value:.3f}\n{grid.kept(layers, dim):.0%}" if dim in known else "" for dim in grid.dims]


def layers_sentence(grid: LayerGrid, dim: int = 64) -> str:
    """What half of the layers keep at one length (the nearest there is) and how much faster they are."""
    dim = min(grid.dims, key=lambda each: abs(each - dim))
    whole = grid.depths[-1]
    half = min(grid.depths, key=lambda each: abs(each - whole / 2))
    faster = grid.speed_up(half)
    pace = f" and encode{'s' if half == 1 else ''} documents {faster:.1f} times as fast" if faster else ""
    count = "1 layer" if half == 1 else f"{half} layers"
    keeps = "keeps" if half == 1 else "keep"
    return f"{count} of {whole} {keeps} {grid.kept(half, dim):.0%} of the quality of all at {dim} numbers{pace}."
