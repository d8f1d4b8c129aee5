"""The section that recommends a setting and shows what that rests on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import advice_plan
from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.reports.figures import recommendation_figure
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.decide.state import MOST_QUERIES, Decided, DecideState
from mrl_demo.ui.decide.view import NOT_MEASURED, groups_html, lost_queries_html, recommendation_html, settings_html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.work import LongWork


def lay_out_advice(first: DecideState) -> Section[DecideState]:
    """Lay out the section here."""
    shown = Section(draw_advice, first)
    shown.add_html(Id.DECIDE_ANSWER)
    shown.add_chart(Id.DECIDE_FIGURE)
    for elem_id in (Id.DECIDE_SETTINGS, Id.DECIDE_GROUPS, Id.DECIDE_LOST):
        shown.add_html(elem_id)
    return shown


def draw_advice(state: DecideState) -> Mapping[Id, Any]:
    """Answer, figure and tables; a hint before anything was measured."""
    advised = state.decided.advised
    if advised is None:
        nothing = dict.fromkeys((Id.DECIDE_SETTINGS, Id.DECIDE_GROUPS, Id.DECIDE_LOST), NOTHING)
        return {Id.DECIDE_ANSWER: NOT_MEASURED, Id.DECIDE_FIGURE: None, **nothing}
    recommendation = advised.recommendation
    return {
        Id.DECIDE_ANSWER: recommendation_html(recommendation),
        Id.DECIDE_FIGURE: recommendation_figure(recommendation),
        Id.DECIDE_SETTINGS: settings_html(recommendation),
        Id.DECIDE_GROUPS: groups_html(recommendation),
        Id.DECIDE_LOST: lost_queries_html(recommendation),
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

        def measure(progress: Progress) -> Consultation:
            return consult_page(self.lab, state, progress)

        async for updates in self.work.follow(measure, self._keep, request):
            yield updates

    def _keep(self, consultation: Consultation) -> Updates:
        nearest = consultation.recommendation.nearest
        chosen = {"arm": nearest.arm, "dim": nearest.dim, "precision": nearest.precision} if nearest else {}
        return {self.decided: Decided(consultation), **{self.setting[name]: value for name, value in chosen.items()}}


def consult_page(lab: LabProtocol, state: DecideState, progress: Progress | None = None) -> Consultation:
    """What the page measures: the command line's plan, of many judged queries a sample."""
    plan = advice_plan(state.advice, state.arms)
    if len(lab.corpus(state.corpus, progress).queries) > MOST_QUERIES:
        plan = replace(plan, queries=MOST_QUERIES)
    return lab.consult(state.corpus, state.advice, plan, progress)
