"""The section on quality by group of queries, as by language: a line a group of one method, and a table of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo.core.style import Style
from mrl_demo.core.types import DEFAULT_DIM
from mrl_demo.evaluation.sweeps.query_groups import GroupRow
from mrl_demo.evaluation.sweeps.results import NO_PRECISION
from mrl_demo.plots.curves import Axes, Curve, Marks, Point, quality_figure
from mrl_demo.plots.style import describe_source
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.downloads import DownloadBar
from mrl_demo.ui.curves.pickers import metric_menu
from mrl_demo.ui.curves.quality import NOTHING_MEASURED, sweep_file
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState, metric_label
from mrl_demo.ui.curves.view import figure_html, headline_without, measured_source
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import menu

#: More lines than this cannot be told apart: the groups with the most queries are drawn, all are in the table.
MOST_DRAWN = 8
_NO_GROUPS = (
    "The questions of this collection have no groups. A column “language” of your documents or questions makes some,"
    " as does any column of the questions of a BEIR folder with two to thirty values."
)
#: Mid-tones with 3:1 contrast on white and on near black, told apart by sign and dash too.
_STYLES = (
    Style("#3c78b4", "circle"),
    Style("#c0603a", "square", "dash"),
    Style("#3d8a80", "diamond", "dot"),
    Style("#9a6392", "triangle-up", "dashdot"),
    Style("#8c7a2f", "cross", "longdash"),
    Style("#56708c", "star", "longdashdot"),
    Style("#b0567a", "hexagon", "dot"),
    Style("#6f8a3d", "pentagon", "dash"),
)


@dataclass(frozen=True)
class GroupsSection:
    """What is laid out for the section, with its controls."""

    field: gr.Dropdown
    arm: gr.Dropdown
    metric: gr.Dropdown
    shown: Section[CurvesState]
    bar: DownloadBar


def lay_out_groups(results: Results, first: CurvesState) -> GroupsSection:
    """Lay out the section here."""
    choice = first.choice
    with gr.Row(elem_classes="curves-row"):
        entries = [(name, name) for name in results.group_entries(first)]
        field = gr.Dropdown(
            entries, value=choice.group_field or None, label="By", min_width=150, elem_id=Id.CURVES_GROUP_FIELD
        )
        arm = menu("Method", results.cut_arm_entries(first), choice.group_arm, Id.CURVES_GROUP_ARM, min_width=240)
        metric = metric_menu(choice.group_metric, Id.CURVES_GROUP_METRIC)
    shown = Section(partial(draw_groups, results), first)
    shown.add_html(Id.CURVES_GROUPS_WORDS)
    shown.add_chart(Id.CURVES_GROUPS)
    bar = DownloadBar(partial(sweep_file, results), Id.CURVES_GROUPS_FILES, "curves-groups", Id.CURVES_GROUPS)
    shown.add_html(Id.CURVES_GROUPS_TABLE)
    return GroupsSection(field, arm, metric, shown, bar)


def draw_groups(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Words, a line for each group of the chosen method, and a table of every method."""
    figures = results.figures(state)
    metric = results.metric(state, state.choice.group_metric)
    field = results.group_field(state)
    view = GroupsView(figures, state.choice.group_arm, metric, field)
    return {
        Id.CURVES_GROUPS_WORDS: view.words(),
        Id.CURVES_GROUPS: view.chart(),
        Id.CURVES_GROUPS_TABLE: view.table(),
    }


@dataclass(frozen=True)
class GroupsView:
    """Figures of one measure by the values of one column of the queries; `arm` is the method that is drawn."""

    figures: Figures | None
    arm: str
    metric: str
    field: str

    def rows(self, arm: str = "") -> list[GroupRow]:
        """Float32 figures of the column and measure, of one method or of all."""
        groups = self.figures.curves.groups if self.figures else ()
        return [
            row
            for row in groups
            if (row.field, row.metric) == (self.field, self.metric)
            and row.precision in {"float32", NO_PRECISION}
            and arm in {"", row.arm}
        ]

    def words(self) -> Markup:
        """The best and the worst group at the usual length, or why there is none."""
        if self.figures is None:
            return headline_without(NOTHING_MEASURED)
        rows = [row for row in self.rows(self.arm) if row.dim]
        if not rows:
            return headline_without(_NO_GROUPS)
        dim = min({row.dim or 0 for row in rows}, key=lambda each: abs(each - DEFAULT_DIM))
        here = sorted((row for row in rows if row.dim == dim), key=lambda row: row.value)
        worst, best = here[0], here[-1]
        return headline_without(
            f"{self.figures.label(self.arm)} at {dim} numbers, {metric_label(self.metric)} by {self.field}: highest for"
            f" {shorten(best.group, 40)} with {best.value:.3f} ({best.low:.3f} to {best.high:.3f}), lowest for"
            f" {shorten(worst.group, 40)} with {worst.value:.3f} ({worst.low:.3f} to {worst.high:.3f})."
        )

    def chart(self) -> go.Figure:
        """A line for each group; of many groups those with the most queries."""
        axes = Axes("numbers kept", metric_label(self.metric))
        rows = self.rows(self.arm)
        counts = {row.group: row.n_queries for row in rows}
        drawn = sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_DRAWN])
        curves = [
            Curve(name, shorten(name, 24), _points(rows, name), style=style)
            for name, style in zip(drawn, _STYLES, strict=False)
        ]
        figure = quality_figure(curves, axes, marks=Marks(DEFAULT_DIM), nothing="No groups to draw.")
        if self.figures is None or not curves:
            return figure
        title = f"{self.figures.label(self.arm)}: {metric_label(self.metric)} against vector length by {self.field}"
        return describe_source(figure, title, measured_source(self.figures, self.metric))

    def table(self) -> Markup:
        """A line a group, a column a length; the other methods in a fold."""
        others = [row for row in self.rows() if row.arm != self.arm]
        if not others:
            return self._table(self.rows(self.arm))
        return html(
            '{own}<details class="fold"><summary>The other methods</summary>{others}</details>',
            own=self._table(self.rows(self.arm)),
            others=self._table(others),
        )

    def _table(self, rows: Sequence[GroupRow]) -> Markup:
        if self.figures is None or not rows:
            return NOTHING
        dims = sorted({row.dim for row in self.rows() if row.dim is not None})
        cells = {(row.group, row.arm, row.dim): row for row in rows}
        lines = (
            html(
                '<tr><th scope="row">{group}: {label}</th>{cells}</tr>',
                group=user_text(group),
                label=self.figures.label(arm),
                cells=join_html(html("<td>{figure}</td>", figure=_figure_of(cells, group, arm, dim)) for dim in dims),
            )
            for group, arm in dict.fromkeys((row.group, row.arm) for row in rows)
        )
        n = max(row.n_queries for row in rows)
        measured = f"{metric_label(self.metric)} by {self.field}, up to {n:,} queries each"
        caption = f"{measured}; beneath each figure its 95% interval"
        return figure_table(caption, (f"By {self.field}", *dims), lines)


def _points(rows: Sequence[GroupRow], group: str) -> tuple[Point, ...]:
    own = sorted((row for row in rows if row.group == group), key=lambda row: row.dim or 0)
    return tuple(
        Point(
            row.dim or 0,
            row.value,
            row.low,
            row.high,
            f"95% interval {row.low:.3f} to {row.high:.3f}, {row.n_queries:,} queries",
        )
        for row in own
    )


def _figure_of(cells: Mapping[tuple[str, str, int | None], GroupRow], group: str, arm: str, dim: int) -> object:
    row = cells.get((group, arm, dim)) or cells.get((group, arm, None))
    return figure_html(Point(dim, row.value, row.low, row.high), as_share=False) if row else "–"
