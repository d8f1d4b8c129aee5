"""The section that translates a score cut-off to the chosen setting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.reports.figures import threshold_figure
from mrl_demo.thresholds.measure import TranslatedThreshold
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.decide.state import DecideState
from mrl_demo.ui.decide.view import threshold_html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html
from mrl_demo.ui.shared.work import LongWork, small_button

_HINT = html(
    '<p class="notice hint">A cut-off such as “cosine at least 0.70” means something else for shorter vectors. Write'
    " the one you use at full length and press “Translate”.</p>"
)


@dataclass(frozen=True)
class CutoffSection:
    """What is laid out for the section, with its control."""

    cutoff: gr.Number
    work: LongWork
    shown: Section[DecideState]

    def wire(self, lab: LabProtocol, form: Form[DecideState], decided: gr.State) -> None:
        """Answer the button."""
        done = self.work.wire(form, Translating(lab, self.work, decided).run, {decided})
        done.then(form.bind(self.shown.show), form.inputs, self.shown.outputs, **LIGHT)


def lay_out_cutoff(first: DecideState, heavy: HeavyLine) -> CutoffSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row measure-row"):
        cutoff = gr.Number(
            first.cutoff, label="Cosine cut-off at full length", step=0.01, min_width=190, elem_id=Id.DECIDE_CUTOFF
        )
        start = small_button("Translate", Id.DECIDE_TRANSLATE, 130)
        stop = small_button("Stop", Id.DECIDE_TRANSLATE_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_CUTOFF_NOTICE)
    shown = Section(draw_cutoff, first)
    shown.add_html(Id.DECIDE_CUTOFF_ANSWER)
    shown.add_chart(Id.DECIDE_CUTOFF_FIGURE)
    return CutoffSection(cutoff, LongWork("cutoff", start, stop, line, heavy, "translating a cut-off"), shown)


def draw_cutoff(state: DecideState) -> Mapping[Id, Any]:
    """Table and picture; a hint before anything was measured."""
    translated = state.decided.threshold
    if translated is None:
        return {Id.DECIDE_CUTOFF_ANSWER: _HINT, Id.DECIDE_CUTOFF_FIGURE: None}
    return {
        Id.DECIDE_CUTOFF_ANSWER: threshold_html(translated),
        Id.DECIDE_CUTOFF_FIGURE: threshold_figure(translated),
    }


@dataclass(frozen=True)
class Translating:
    """Scores the collection's pairs at both lengths and translates."""

    lab: LabProtocol
    work: LongWork
    decided: gr.State

    async def run(self, state: DecideState, request: gr.Request) -> AsyncIterator[Updates]:
        """Translate, with progress in the line."""

        def measure(progress: Progress) -> TranslatedThreshold:
            """Translate the cut-off."""
            return self.lab.translate_threshold(state.corpus, state.question, progress)

        def keep(translated: TranslatedThreshold) -> Updates:
            """Keep the translation."""
            return {self.decided: replace(state.decided, threshold=translated)}

        async for updates in self.work.follow(measure, keep, request):
            yield updates
