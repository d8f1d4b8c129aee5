"""The section that spends a budget of bytes a vector: all precisions are measured once, the slider only chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup

from mrl_demo.advisor.budget import ByteBudget, byte_plan, spend_bytes
from mrl_demo.core.types import Progress
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.lab.funnel_tables import budget_cells
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.decide.state import DECIDE_METRICS, DecideState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import LIGHT, LIVE
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html
from mrl_demo.ui.shared.work import LongWork, small_button

_HINT = html(
    '<p class="notice hint">Press “Measure every precision”, then move the slider: what is the best way to spend'
    " so many bytes a vector?</p>"
)
#: The end of the slider: the full vector of the models that ship.
BUDGET_END = 1_536
#: More judged queries than this are sampled: a page must answer within half a minute.
_MOST_SPENT_ON = 2_000


@dataclass(frozen=True)
class BudgetSection:
    """What is laid out for the section, with its control."""

    slider: gr.Slider
    work: LongWork
    shown: Section[DecideState]

    def wire(self, lab: LabProtocol, form: Form[DecideState], decided: gr.State) -> None:
        """Answer the button, and the slider at once."""
        show = form.bind(self.shown.show), form.inputs, self.shown.outputs
        self.work.wire(form, Spending(lab, self.work, decided).run, {decided}).then(*show, **LIGHT)
        self.slider.input(*show, **LIVE)


def lay_out_budget(first: DecideState, heavy: HeavyLine) -> BudgetSection:
    """Lay out the section here."""
    slider = gr.Slider(
        1, BUDGET_END, value=first.budget, step=1, label="I have so many bytes a vector", elem_id=Id.DECIDE_BUDGET
    )
    with gr.Row(elem_classes="curves-row measure-row"):
        start = small_button("Measure every precision", Id.DECIDE_SPEND, 200)
        stop = small_button("Stop", Id.DECIDE_SPEND_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_SPEND_NOTICE)
    shown = Section(draw_budget, first)
    shown.add_html(Id.DECIDE_BUDGET_ANSWER)
    shown.add_html(Id.DECIDE_BUDGET_TABLE)
    return BudgetSection(slider, LongWork("budget", start, stop, line, heavy, "measuring every precision"), shown)


def draw_budget(state: DecideState) -> Mapping[Id, Any]:
    """The best setting within the budget, or what is wrong with it; a hint before anything was measured."""
    result = state.decided.by_bytes
    if result is None:
        return {Id.DECIDE_BUDGET_ANSWER: _HINT, Id.DECIDE_BUDGET_TABLE: NOTHING}

    def draw() -> Mapping[Id, Any]:
        """The answer and its table."""
        budget = spend_bytes(result, state.budget, state.metric)
        labels = {arm.name: arm.label for arm in result.arms}
        budget = budget.labelled(labels, DECIDE_METRICS.get(budget.metric, budget.metric))
        said = html('<div class="curve-words"><p>{sentence}</p></div>', sentence=budget.sentence())
        return {Id.DECIDE_BUDGET_ANSWER: said, Id.DECIDE_BUDGET_TABLE: _budget_table(budget)}

    return guarded(
        draw, lambda error: {Id.DECIDE_BUDGET_ANSWER: notice(str(error), "error"), Id.DECIDE_BUDGET_TABLE: NOTHING}
    )


@dataclass(frozen=True)
class Spending:
    """Measures the methods at every length and precision."""

    lab: LabProtocol
    work: LongWork
    decided: gr.State

    async def run(self, state: DecideState, request: gr.Request) -> AsyncIterator[Updates]:
        """Measure, with progress in the line."""

        def measure(progress: Progress) -> SweepResult:
            """Measure every way to spend the bytes, over a bounded number of queries."""
            plan = byte_plan(state.arms, state.metric)
            plan = replace(plan, precisions=tuple(map(state.with_rescored, plan.precisions)))
            if len(self.lab.corpus(state.corpus, progress).queries) > _MOST_SPENT_ON:
                plan = replace(plan, queries=_MOST_SPENT_ON)
            return self.lab.evaluate(state.corpus, plan, progress)

        def keep(result: SweepResult) -> Updates:
            """Keep the figures for any budget."""
            return {self.decided: replace(state.decided, by_bytes=result)}

        async for updates in self.work.follow(measure, keep, request):
            yield updates


def _budget_table(budget: ByteBudget) -> Markup:
    heads, rows = budget_cells(budget)
    body = (
        html(
            '<tr><th scope="row">{first}</th>{others}</tr>',
            first=row[0],
            others=join_html(html("<td>{cell}</td>", cell=cell) for cell in row[1:]),
        )
        for row in rows
    )
    return figure_table("What fits, and nothing cheaper is as good", heads, body)
