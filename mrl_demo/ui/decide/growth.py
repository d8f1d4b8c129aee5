"""The section that says what the setting keeps as the collection grows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup
from plotly.graph_objects import Figure

from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.plots.growth import GrowthLine, growth_figure
from mrl_demo.scale.growth import Growth, KeptShare, LengthGrowth
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.decide.state import DecideState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html
from mrl_demo.ui.shared.work import LongWork, small_button

_HINT = html(
    '<p class="notice hint">A short vector keeps less of full quality in a larger collection. Press “Measure growth”:'
    " the setting above is measured on parts of this collection and on all of it.</p>"
)
_CAUTION = (
    "Lines through parts of three real collections, each held against a fourfold larger whole, were mostly a little too"
    " low and nine times in ten within five points (docs/scale.md); nobody has measured how they do much further."
)


@dataclass(frozen=True)
class GrowthSection:
    """What is laid out for the section, with its control."""

    grow_to: gr.Number
    work: LongWork
    shown: Section[DecideState]

    def wire(self, lab: LabProtocol, form: Form[DecideState], decided: gr.State) -> None:
        """Answer the button."""
        done = self.work.wire(form, Growing(lab, self.work, decided).run, {decided})
        done.then(form.bind(self.shown.show), form.inputs, self.shown.outputs, **LIGHT)


def lay_out_growth(first: DecideState, heavy: HeavyLine) -> GrowthSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row measure-row"):
        grow_to = gr.Number(
            first.grow_to,
            label="Documents one day (0: no matter)",
            precision=0,
            minimum=0,
            min_width=210,
            elem_id=Id.DECIDE_GROW_TO,
        )
        start = small_button("Measure growth", Id.DECIDE_GROW, 150)
        stop = small_button("Stop", Id.DECIDE_GROW_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_GROW_NOTICE)
    shown = Section(draw_growth, first)
    shown.add_html(Id.DECIDE_GROWTH_ANSWER)
    shown.add_chart(Id.DECIDE_GROWTH_FIGURE)
    shown.add_html(Id.DECIDE_GROWTH_TABLE)
    return GrowthSection(grow_to, LongWork("growth", start, stop, line, heavy, "measuring growth"), shown)


def draw_growth(state: DecideState) -> Mapping[Id, Any]:
    """Words, picture and table; a hint before anything was measured."""
    growth = state.decided.growth
    if growth is None:
        return {Id.DECIDE_GROWTH_ANSWER: _HINT, Id.DECIDE_GROWTH_FIGURE: None, Id.DECIDE_GROWTH_TABLE: NOTHING}
    lines = [growth.sentence(), growth.target_sentence(float(state.target)), *([_CAUTION] if growth.grow_to else [])]
    said = join_html(html("<p>{line}</p>", line=line) for line in lines)
    return {
        Id.DECIDE_GROWTH_ANSWER: html('<div class="curve-words">{said}</div>', said=said),
        Id.DECIDE_GROWTH_FIGURE: _figure(growth),
        Id.DECIDE_GROWTH_TABLE: _table(growth),
    }


@dataclass(frozen=True)
class Growing:
    """Measures the setting on parts of the collection."""

    lab: LabProtocol
    work: LongWork
    decided: gr.State

    async def run(self, state: DecideState, request: gr.Request) -> AsyncIterator[Updates]:
        """Measure, with progress in the line."""

        def measure(progress: Progress) -> Growth:
            """Measure at growing sizes."""
            return self.lab.growth(state.corpus, state.growth_question, progress)

        def keep(growth: Growth) -> Updates:
            """Keep the growth curve."""
            return {self.decided: replace(state.decided, growth=growth)}

        async for updates in self.work.follow(measure, keep, request):
            yield updates


def _figure(growth: Growth) -> Figure:
    lines = [
        GrowthLine(
            str(length.dim),
            tuple(share.value for share in length.kept),
            tuple(share.low for share in length.kept),
            tuple(share.high for share in length.kept),
            _end_of_line(growth, length),
            length.dim == growth.dim,
        )
        for length in growth.lengths
    ]
    return growth_figure(growth.sizes, growth.grow_to, lines)


def _end_of_line(growth: Growth, length: LengthGrowth) -> tuple[float, float] | None:
    """Where a length's line ends: at the size asked for, or before it where nothing is left."""
    if length.then is None:
        return None
    documents, slope = float(growth.grow_to), length.per_tenfold.value
    if slope < 0:
        documents = min(documents, growth.sizes[-1] * 10 ** min(12.0, -length.kept[-1].value / slope))
    return documents, length.then.value


def _table(growth: Growth) -> Markup:
    has_end = growth.chosen.then is not None
    heads = ("Numbers", *(f"{n:,} documents" for n in growth.sizes), "for ten times as many")
    rows = (
        html(
            '<tr><th scope="row">{dim}</th>{cells}</tr>',
            dim=length.dim,
            cells=join_html(
                [
                    *(_cell(share, "{:.1%}") for share in length.kept),
                    _cell(length.per_tenfold, "{:+.1%}"),
                    *([_cell(length.then, "{:.0%}")] if length.then else []),
                ]
            ),
        )
        for length in growth.lengths
    )
    caption = f"Share of {growth.arm}'s full-length {growth.metric} kept in {growth.precision}"
    line = (f"line at {growth.grow_to:,}",) if has_end else ()
    return figure_table(caption, (*heads, *line), rows)


def _cell(share: KeptShare, form: str) -> Markup:
    numbers = (round(number, 4) + 0.0 for number in (share.value, share.low, share.high))  # No "-0.0".
    value, low, high = (form.format(number).replace("-", "−") for number in numbers)
    return html("<td>{value}<small>{low} to {high}</small></td>", value=value, low=low, high=high)
