"""The section on how long a search takes, timed here if asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from mrl_demo.core.types import Progress
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.evaluation.speed.searches import SIZES, SpeedResult
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves import words as curves_words
from mrl_demo.ui.curves.downloads import DownloadBar
from mrl_demo.ui.curves.files import TextFile, speed_text
from mrl_demo.ui.curves.measuring import Measurement
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState, Seen
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import live_html
from mrl_demo.ui.shared.work import LongWork, small_button


@dataclass(frozen=True)
class SpeedSection:
    """What is laid out for the section, with its controls and the work they start."""

    size: gr.Radio
    work: LongWork
    shown: Section[CurvesState]
    bar: DownloadBar


def lay_out_speed(results: Results, first: CurvesState, heavy: HeavyLine) -> SpeedSection:
    """Lay out the section here."""
    sizes = [(f"{size:,}", size) for size in SIZES]
    with gr.Row(elem_classes="curves-row measure-row"):
        size = gr.Radio(sizes, value=first.choice.size, label="Vectors", elem_id=Id.CURVES_SIZE)
        start = small_button("Time it on this machine", Id.CURVES_TIME, 200)
        stop = small_button("Stop", Id.CURVES_TIME_STOP, 80, is_active=False)
    work = LongWork("speed", start, stop, live_html(NOTHING, Id.CURVES_TIME_NOTICE), heavy, "timing searches")
    shown = Section(partial(draw_speed, results), first)
    shown.add_html(Id.CURVES_SPEED_WORDS)
    shown.add_chart(Id.CURVES_SPEED)
    bar = DownloadBar(partial(speed_file, results), Id.CURVES_SPEED_FILES, "speed", Id.CURVES_SPEED)
    shown.add_html(Id.CURVES_SPEED_TABLE)
    return SpeedSection(size, work, shown, bar)


def draw_speed(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Words, chart and table of search times."""
    speed, size = results.speed(state), state.choice.size
    hint = f"{size:,} vectors are not timed yet: press “Time it on this machine” (up to a minute)."
    words = html('<p class="lead">{hint}</p>', hint=hint)
    if speed:
        words = curves_words.speed_words(speed, here=size in state.seen.speeds)
    return {
        Id.CURVES_SPEED_WORDS: words,
        Id.CURVES_SPEED: curves_view.speed_chart(speed),
        Id.CURVES_SPEED_TABLE: curves_view.speed_table(speed)
        + curves_view.engine_tables(state.seen.engines.get(state.choice.corpus, {})),
    }


def speed_file(results: Results, state: CurvesState, kind: str) -> TextFile | None:
    """The times of the chosen number of vectors."""
    speed = results.speed(state)
    return TextFile(f"speed-{state.choice.size}", kind, speed_text(speed, kind)) if speed else None


@dataclass(frozen=True)
class _Timed:
    own: SpeedResult
    engines: Mapping[str, EngineSpeed]


class Timing(Measurement[_Timed]):
    """Times searches over as many vectors as chosen."""

    def measure(self, state: CurvesState, progress: Progress) -> _Timed:
        """Times of this page's own search, and of the engines that hold the collection."""
        choice, service = state.choice, self.results.service
        own = service.speed(choice.size, progress, corpus=choice.corpus)
        return _Timed(own, service.engine_speeds(choice.corpus, progress))

    def with_figures(self, state: CurvesState, figures: _Timed) -> Seen:
        """Times are kept by number of vectors, those of engines by corpus."""
        seen, choice = state.seen, state.choice
        speeds = {**seen.speeds, choice.size: figures.own}
        return replace(seen, speeds=speeds, engines={**seen.engines, choice.corpus: figures.engines})
