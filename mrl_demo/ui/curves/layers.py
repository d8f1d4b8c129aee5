"""The section on layers: quality over layers and lengths of one method, and the time of each number of layers."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Progress
from mrl_demo.corpora.shipped import builtin
from mrl_demo.layers.grid import LayerCell, LayerGrid
from mrl_demo.layers.neurons import NeuronFigures, shipped_neurons
from mrl_demo.layers.report import layers_sentence
from mrl_demo.plots.layers import LayerBand, layers_figure
from mrl_demo.plots.style import describe_source
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.curves.downloads import DownloadBar
from mrl_demo.ui.curves.files import TextFile
from mrl_demo.ui.curves.measuring import Measurement
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState, Seen, metric_label, unit_label
from mrl_demo.ui.curves.view import headline_without
from mrl_demo.ui.curves.words import day
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html, menu
from mrl_demo.ui.shared.work import LongWork, small_button

logger = logging.getLogger(__name__)
_NOT_MEASURED = (
    "This method is not measured by layer on this collection yet: press “Measure every layer”. The documents are "
    "encoded once for each number of layers, so it takes three to four times as long as encoding them once."
)


@dataclass(frozen=True)
class LayersSection:
    """What is laid out for the section, with its controls and the work they start."""

    arm: gr.Dropdown
    work: LongWork
    shown: Section[CurvesState]
    bar: DownloadBar


def lay_out_layers(results: Results, first: CurvesState, heavy: HeavyLine) -> LayersSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row measure-row"):
        arm = menu("Method", results.layer_entries(first), first.choice.layer_arm, Id.CURVES_LAYER_ARM, min_width=240)
        start = small_button("Measure every layer", Id.CURVES_LAYERS_MEASURE, 200)
        stop = small_button("Stop", Id.CURVES_LAYERS_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.CURVES_LAYERS_NOTICE)
    work = LongWork("layers", start, stop, line, heavy, "measuring layers")
    shown = Section(partial(draw_layers, results), first)
    shown.add_html(Id.CURVES_LAYERS_WORDS)
    shown.add_chart(Id.CURVES_LAYERS)
    bar = DownloadBar(partial(layers_file, results), Id.CURVES_LAYERS_FILES, "layers", Id.CURVES_LAYERS)
    shown.add_html(Id.CURVES_LAYERS_TABLE)
    return LayersSection(arm, work, shown, bar)


def draw_layers(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Words, heat map and table of the chosen method."""
    grid = results.layers(state)
    return {
        Id.CURVES_LAYERS_WORDS: _words(results, state, grid),
        Id.CURVES_LAYERS: layers_chart(grid),
        Id.CURVES_LAYERS_TABLE: layers_table(grid) + _neurons(results, state),
    }


def layers_file(results: Results, state: CurvesState, kind: str) -> TextFile | None:
    """The figures of the chosen method."""
    grid = results.layers(state)
    if grid is None:
        return None
    return TextFile(f"layers-{grid.arm}", kind, grid.to_csv() if kind == "csv" else json.dumps(grid.to_dict()))


def _words(results: Results, state: CurvesState, grid: LayerGrid | None) -> Markup:
    if grid is None:
        return headline_without(_NOT_MEASURED)
    queries = f"{grid.stand_ins} standing in for queries" if grid.stand_ins else unit_label(grid.metric)
    stale = html(" <b>The collection has changed since: measure anew.</b>")
    return html(
        '<p class="curve-words" role="status">{sentence}</p><p class="lead">{label}: {metric}, {n:,} {queries} over'
        " {documents:,} documents; times are of one query and of 48 documents, the least of three rounds. Measured"
        " {day}, {hardware}.{stale} A row costs equal time and a column equal bytes; red lines join equal shares of the"
        " best figure.</p>{notes}",
        sentence=layers_sentence(grid),
        label=grid.label,
        metric=metric_label(grid.metric),
        n=grid.n_queries,
        queries=queries,
        documents=grid.n_documents,
        day=day(grid.date),
        hardware=grid.hardware,
        stale=stale if results.has_changed(state, grid) else NOTHING,
        notes=join_html(html('<p class="lead">{note}</p>', note=note) for note in grid.notes),
    )


def layers_chart(grid: LayerGrid | None) -> go.Figure:
    """The heat map."""
    if grid is None:
        return layers_figure((), (), "")
    figures = {(cell.layers, cell.dim): cell.value for cell in grid.cells}
    bands = [
        LayerBand(layers, tuple(figures.get((layers, dim)) for dim in grid.dims), grid.speed_up(layers))
        for layers in grid.depths
    ]
    measure = metric_label(grid.metric)
    source = f"{grid.corpus}: {grid.n_documents:,} documents, {grid.n_queries:,} queries. {day(grid.date)}"
    title = f"{grid.label}: {measure} over layers and vector lengths"
    return describe_source(layers_figure(grid.dims, bands, measure), title, f"{source}, {grid.hardware}")


def layers_table(grid: LayerGrid | None) -> Markup:
    """A line for each number of layers: figures with intervals, shares of all layers', and times."""
    if grid is None:
        return NOTHING
    rows = (
        html(
            '<tr><th scope="row">{layers}</th>{cells}{times}</tr>',
            layers=layers,
            cells=join_html(_cell(grid, layers, dim) for dim in grid.dims),
            times=_times(grid, layers),
        )
        for layers in grid.depths
    )
    heads = ("Layers", *(f"{dim} ({4 * dim} B)" for dim in grid.dims), "Query, ms", "Documents/s", "Times as fast")
    caption = (
        f"{metric_label(grid.metric)} by layers and numbers kept; beneath each figure its 95% interval and the share "
        "of what all layers have at that length"
    )
    return figure_table(caption, heads, rows)


def _cell(grid: LayerGrid, layers: int, dim: int) -> Markup:
    cell: LayerCell | None = next((c for c in grid.cells if (c.layers, c.dim) == (layers, dim)), None)
    if cell is None:
        return html("<td>–</td>")
    return html(
        "<td>{value:.3f}<small>{low:.3f}–{high:.3f}<br>{kept:.0%}</small></td>",
        value=cell.value,
        low=cell.low,
        high=cell.high,
        kept=grid.kept(layers, dim),
    )


def _times(grid: LayerGrid, layers: int) -> Markup:
    timed, faster = grid.time_of(layers), grid.speed_up(layers)
    if timed is None or faster is None:
        return html("<td>–</td><td>–</td><td>–</td>")
    return html(
        "<td>{query:.1f}</td><td>{pace:,.0f}</td><td>{faster:.2f}</td>",
        query=timed.query_ms,
        pace=timed.documents_a_second,
        faster=faster,
    )


def _neurons(results: Results, state: CurvesState) -> Markup:
    """What fewer neurons instead of fewer layers keep, under the built-in collection that it was measured on."""
    if state.choice.corpus != builtin.NAME:
        return NOTHING
    try:
        figures = shipped_neurons(results.service.lab.settings.assets_dir)
    except LabError:
        logger.exception("The shipped figures by neurons cannot be read")
        return NOTHING
    return neurons_html(figures) if figures else NOTHING


def neurons_html(figures: NeuronFigures) -> Markup:
    """A fold with the table of shares of the neurons."""
    dims = sorted(figures.rows[0].quality)
    whole = figures.rows[0]
    rows = (
        html(
            '<tr><th scope="row">{share:.0%} ({neurons:,})</th>{cells}<td>{cosine:.2f}</td><td>{faster:.2f}</td></tr>',
            share=row.share,
            neurons=row.neurons,
            cells=join_html(html("<td>{value:.3f}</td>", value=row.quality[dim]) for dim in dims),
            cosine=row.cosine,
            faster=whole.document_ms / row.document_ms,
        )
        for row in figures.rows
    )
    caption = (
        f"Base with its most important neurons alone: nDCG@10 of {figures.n_queries:,} validation questions over "
        f"{figures.n_documents:,} passages; {figures.date}, {figures.hardware}"
    )
    heads = ("Neurons of a layer", *(f"{dim} numbers" for dim in dims), "Cosine with all", "Times as fast")
    return html(
        '<details class="fold"><summary>Fewer neurons instead of fewer layers (MatFormer)</summary><p class="lead">'
        "{sentence}</p>{table}</details>",
        sentence=figures.sentence(),
        table=figure_table(caption, heads, rows),
    )


class LayerMeasuring(Measurement[LayerGrid]):
    """Measures the chosen method at every number of layers on the chosen collection."""

    def measure(self, state: CurvesState, progress: Progress) -> LayerGrid:
        """Quality and time of every number of layers."""
        choice = state.choice
        return self.results.service.lab.layers(choice.corpus, choice.layer_arm, None, progress)

    def with_figures(self, state: CurvesState, figures: LayerGrid) -> Seen:
        """Layers are kept by corpus and method."""
        key = state.choice.corpus, state.choice.layer_arm
        return replace(state.seen, layers={**state.seen.layers, key: figures})
