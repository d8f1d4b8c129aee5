"""The section with the queries that break, each a way into the Compare tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves.downloads import DownloadBar
from mrl_demo.ui.curves.files import TextFile, lost_text
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates, told_by
from mrl_demo.ui.shared.links import CompareDoor
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import dimension_update, menu


@dataclass(frozen=True)
class LostSection:
    """What is laid out for the section, with its menu."""

    arm: gr.Dropdown
    listed: gr.HTML
    shown: Section[CurvesState]
    bar: DownloadBar


def lay_out_lost(results: Results, first: CurvesState) -> LostSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row"):
        arm = menu("Method", results.cut_arm_entries(first), first.choice.lost_arm, Id.CURVES_LOST_ARM, min_width=160)
    shown = Section(partial(draw_lost, results), first)
    listed = shown.add_html(Id.CURVES_LOST, read_script("picks.js"))
    return LostSection(arm, listed, shown, DownloadBar(partial(lost_file, results), Id.CURVES_LOST_FILES))


def draw_lost(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """The list of the chosen arm."""
    return {Id.CURVES_LOST: curves_view.lost_html(results.figures(state), results.lost(state))}


def lost_file(results: Results, state: CurvesState, kind: str) -> TextFile | None:
    """The list of the chosen arm as a file."""
    lost = results.lost(state)
    return TextFile(f"queries-that-break-{state.choice.lost_arm}", kind, lost_text(lost, kind)) if lost else None


@dataclass(frozen=True)
class LostLink:
    """Opens a query of the list in Compare at the length where it breaks, its arm beside base."""

    results: Results
    door: CompareDoor

    def wire(self, listed: gr.HTML, form: Form[CurvesState]) -> None:
        """Answer clicks on the list."""
        self.door.search_after(listed.pick(form.bind(self.open), form.inputs, self.door.outputs, **LIGHT))

    def open(self, state: CurvesState, event: gr.EventData) -> Updates:
        """Show Compare with the clicked query; raises `gr.Error` if the list is gone."""
        lost = self.results.lost(state)
        position = told_by(event, "position")
        place = position if isinstance(position, int) else 0
        if lost is None or not lost.worst:
            raise gr.Error("That list is gone: choose a method again.", print_exception=False)
        query = lost.worst[place % len(lost.worst)]
        names = [arm.name for arm in self.results.service.lab.arms()]
        controls: Updates = {
            self.door.query: query.text,
            self.door.corpus: state.choice.corpus,
            self.door.left: names[0],
            self.door.dimension: dimension_update(query.breaks_at, TRAINED_DIMS[-1], TRAINED_DIMS),
        }
        if lost.arm in names and lost.arm != names[0]:
            controls[self.door.right] = lost.arm
        return self.door.open(controls)
