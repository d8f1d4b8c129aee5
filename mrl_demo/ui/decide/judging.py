"""The section where a visitor judges pairs of answers blind; the verdicts stay in the session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.advisor.blind import BlindPair, Preference, write_pairs
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.decide.state import Decided, DecideState
from mrl_demo.ui.decide.view import pair_html, verdict_words
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.saving import SaveButton, SavedText
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html
from mrl_demo.ui.shared.work import LongWork, small_button


@dataclass(frozen=True)
class JudgingSection:
    """What is laid out for the section."""

    work: LongWork
    shown: Section[DecideState]
    buttons: Mapping[Preference, gr.Button]
    file: SaveButton

    def wire(self, lab: LabProtocol, form: Form[DecideState], decided: gr.State, others: Section[DecideState]) -> None:
        """Answer clicks; a verdict redraws the recommendation too."""
        drawing = PairDrawing(lab, self.work, decided)
        drawn = self.work.wire(form, drawing.run, {decided})
        drawn.then(form.bind(self.shown.show), form.inputs, self.shown.outputs, **LIGHT)
        for preference, button in self.buttons.items():
            said = button.click(form.bind(partial(_judge, decided, preference)), form.inputs, {decided}, **LIGHT)
            said.then(form.bind(self.shown.show), form.inputs, self.shown.outputs, **LIGHT).then(
                form.bind(others.show), form.inputs, others.outputs, **LIGHT
            )
        self.file.wire(form, verdicts_file)


def lay_out_judging(first: DecideState, heavy: HeavyLine) -> JudgingSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row measure-row"):
        start = small_button("Draw pairs", Id.DECIDE_DRAW, 160)
        stop = small_button("Stop", Id.DECIDE_DRAW_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_DRAW_NOTICE)
    shown = Section(draw_pair, first)
    shown.add_html(Id.DECIDE_PAIR)
    with gr.Row(elem_classes="curves-row measure-row"):
        buttons = {
            Preference.LEFT: small_button("Left is better", Id.DECIDE_LEFT, 130),
            Preference.SAME: small_button("As good", Id.DECIDE_SAME, 130),
            Preference.RIGHT: small_button("Right is better", Id.DECIDE_RIGHT, 130),
        }
    shown.add_html(Id.DECIDE_VERDICTS)
    file = SaveButton("Save pairs and verdicts", Id.DECIDE_VERDICTS_FILE, "First draw pairs.")
    work = LongWork("pairs", start, stop, line, heavy, "drawing pairs to judge")
    return JudgingSection(work, shown, buttons, file)


def draw_pair(state: DecideState) -> Mapping[Id, Any]:
    """The next pair, and what the verdicts have changed."""
    return {Id.DECIDE_PAIR: pair_html(state.decided), Id.DECIDE_VERDICTS: verdict_words(state.decided)}


def verdicts_file(state: DecideState) -> SavedText | None:
    """Pairs and verdicts as `mrl recommend --verdicts` reads them; None if no pair was drawn."""
    decided = state.decided
    if not decided.pairs:
        return None
    return SavedText("blind-pairs.json", "application/json", write_pairs(decided.pairs, decided.verdicts))


@dataclass(frozen=True)
class PairDrawing:
    """Draws the pairs whose judging would tell most."""

    lab: LabProtocol
    work: LongWork
    decided: gr.State

    async def run(self, state: DecideState, request: gr.Request) -> AsyncIterator[Updates]:
        """Draw them, with progress in the line."""
        decided = state.decided

        def draw(progress: Progress) -> tuple[BlindPair, ...]:
            """Draw pairs of rankings to judge blind; raises `LabError` before a recommendation."""
            if decided.advised is None:
                raise LabError("Nothing is recommended yet: press “Recommend” first.")
            progress(0.2, "Ranking a few questions")
            return self.lab.blind_pairs(decided.advised)

        def keep(pairs: tuple[BlindPair, ...]) -> Updates:
            """Add those that are new."""
            known = {(pair.query_id, pair.setting) for pair in decided.pairs}
            fresh = tuple(pair for pair in pairs if (pair.query_id, pair.setting) not in known)
            updates: Updates = {self.decided: replace(decided, pairs=(*decided.pairs, *fresh))}
            return updates

        async for updates in self.work.follow(draw, keep, request):
            yield updates


def _judge(decided: Block, preference: Preference, state: DecideState) -> Updates:
    judged: Decided = state.decided.judged(preference)
    return {decided: judged}
