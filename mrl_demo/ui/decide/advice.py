"""The section that recommends a setting and shows what that rests on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.advisor.ceiling import Ceiling
from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import advice_plan
from mrl_demo.api.snippets import snippets_for
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.reports.figures import recommendation_figure
from mrl_demo.ui.components.code import code_drawer
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.decide.state import Decided, DecideState
from mrl_demo.ui.decide.view import (
    NOT_MEASURED,
    ceiling_html,
    groups_html,
    lost_queries_html,
    recommendation_html,
    settings_html,
)
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html
from mrl_demo.ui.shared.work import LongWork, small_button


@dataclass(frozen=True)
class AdviceSection:
    """What is laid out for the section: what it shows, and the button that measures the ceiling."""

    shown: Section[DecideState]
    ceiling: LongWork

    def wire(self, lab: LabProtocol, form: Form[DecideState], decided: gr.State) -> None:
        """Answer the button; the recommendation itself is asked for above the sections."""
        done = self.ceiling.wire(form, CeilingMeasuring(lab, self.ceiling, decided).run, {decided})
        done.then(form.bind(self.shown.show), form.inputs, self.shown.outputs, **LIGHT)


def lay_out_advice(first: DecideState, heavy: HeavyLine) -> AdviceSection:
    """Lay out the section here."""
    shown = Section(draw_advice, first)
    shown.add_html(Id.DECIDE_ANSWER)
    shown.add_chart(Id.DECIDE_FIGURE)
    with gr.Row(elem_classes="curves-row measure-row"):
        start = small_button("Measure what fitting could gain", Id.DECIDE_CEILING, 250)
        stop = small_button("Stop", Id.DECIDE_CEILING_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_CEILING_NOTICE)
    for elem_id in (Id.DECIDE_CEILING_WORDS, Id.DECIDE_SETTINGS, Id.DECIDE_GROUPS, Id.DECIDE_LOST, Id.DECIDE_CALL):
        shown.add_html(elem_id)
    return AdviceSection(shown, LongWork("ceiling", start, stop, line, heavy, "measuring how much there is to gain"))


def draw_advice(state: DecideState) -> Mapping[Id, Any]:
    """Answer, figure and tables; a hint before anything was measured."""
    advised, recommendation = state.decided.advised, state.decided.readable
    if advised is None or recommendation is None:
        nothing = dict.fromkeys(
            (Id.DECIDE_CEILING_WORDS, Id.DECIDE_SETTINGS, Id.DECIDE_GROUPS, Id.DECIDE_LOST, Id.DECIDE_CALL), NOTHING
        )
        return {Id.DECIDE_ANSWER: NOT_MEASURED, Id.DECIDE_FIGURE: None, **nothing}
    return {
        Id.DECIDE_ANSWER: recommendation_html(recommendation, state.decided.engine),
        Id.DECIDE_FIGURE: recommendation_figure(recommendation, state.decided.ceiling),
        Id.DECIDE_CEILING_WORDS: ceiling_html(state.decided.ceiling),
        Id.DECIDE_SETTINGS: settings_html(recommendation),
        Id.DECIDE_GROUPS: groups_html(recommendation),
        Id.DECIDE_LOST: lost_queries_html(recommendation),
        Id.DECIDE_CALL: code_drawer(snippets_for("recommend", _call_arguments(advised))),
    }


def _call_arguments(advised: Consultation) -> dict[str, object]:
    """What a program gives to get this recommendation."""
    advice, plan = advised.recommendation.advice, advised.plan
    return {
        "arms": [arm for arm in plan.arms if arm != advice.reference] or list(plan.arms),
        "target": advice.target,
        "metric": advice.metric,
        "reference": advice.reference,
        "most_bytes": advice.most_bytes,
        "precisions": list(plan.precisions),
        "corpus": advised.recommendation.corpus,
        "queries": plan.queries,
    }


@dataclass(frozen=True)
class Advising:
    """Measures and recommends; the chosen setting is put into the controls that price and export it."""

    lab: LabProtocol
    work: LongWork
    decided: gr.State
    setting: Mapping[str, Block]

    @property
    def filled(self) -> set[Block]:
        """What a recommendation fills besides the work's own line."""
        return {self.decided, *self.setting.values()}

    async def run(self, state: DecideState, request: gr.Request) -> AsyncIterator[Updates]:
        """Measure, with progress in the line."""

        def measure(progress: Progress) -> Decided:
            """Measure, recommend, and ask the engines how fast they are."""
            plan = replace(advice_plan(state.advice, state.arms), precisions=state.precisions_measured)
            consultation = self.lab.consult(state.corpus, state.advice, plan, progress)
            best = consultation.recommendation.nearest
            if best is None or not self.lab.indexes():
                return Decided(consultation)
            dims = sorted({best.dim, self.lab.full_dim([best.arm])})
            return Decided(consultation, engine=self.lab.engine_speed(state.corpus, best.arm, dims, progress))

        async for updates in self.work.follow(measure, self._keep, request):
            yield updates

    def _keep(self, decided: Decided) -> Updates:
        nearest = decided.consultation.recommendation.nearest if decided.consultation else None
        updates: Updates = {self.decided: decided}
        if nearest:
            stored = nearest.precision.partition("@")[0]  # The shortlist has a control of its own.
            chosen = {"arm": nearest.arm, "dim": nearest.dim, "precision": stored}
            updates |= {self.setting[name]: value for name, value in chosen.items()}
        return updates


@dataclass(frozen=True)
class CeilingMeasuring:
    """Fits three rotations and scores them: how much there is to gain at all."""

    lab: LabProtocol
    work: LongWork
    decided: gr.State

    async def run(self, state: DecideState, request: gr.Request) -> AsyncIterator[Updates]:
        """Measure, with progress in the line."""

        def measure(progress: Progress) -> Ceiling:
            """Measure what fitting could gain; raises `LabError` before a recommendation."""
            if state.decided.consultation is None:
                raise LabError("Nothing is recommended yet: press “Recommend” first.")
            return self.lab.ceiling(state.decided.consultation, progress)

        def keep(ceiling: Ceiling) -> Updates:
            """Keep it beside the recommendation."""
            return {self.decided: replace(state.decided, ceiling=ceiling)}

        async for updates in self.work.follow(measure, keep, request):
            yield updates
