"""What the Curves tab's components call: new values for its outputs; only a vanished list raises."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import TRAINED_DIMS, Progress
from mrl_demo.evaluation.speed import SpeedResult
from mrl_demo.evaluation.worst import BrokenQueries
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.ui.components.dimension import dimension_markup
from mrl_demo.ui.components.examples import notice
from mrl_demo.ui.components.text import escape
from mrl_demo.ui.curves import files as curves_files
from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves import words as curves_words
from mrl_demo.ui.curves.data import Choice, Figures
from mrl_demo.ui.shared.jobs import Job, Jobs
from mrl_demo.ui.shared.widgets import Control

logger = logging.getLogger(__name__)

_NOTHING = "Nothing is measured for this collection yet: press “Measure anew on this machine”."


@dataclass(frozen=True)
class Seen:
    """What one visitor has measured: sweeps by corpus, times by number of vectors."""

    sweeps: Mapping[str, CurveSet] = field(default_factory=dict)
    speeds: Mapping[int, SpeedResult] = field(default_factory=dict)


class CurveEvents:
    """Handlers over one service; the inputs of each are those of `Controls.all`, in that order."""

    def __init__(self, service: CurvesService) -> None:
        self.service = service
        self._jobs = Jobs()

    # What stands on the page -----------------------------------------------------------------------------------

    def first_choice(self, corpus: str) -> Choice:
        """All arms on, the best contender chosen where one arm is asked for."""
        figures = self._figures(Seen(), corpus)
        names = tuple(name for _, name in self.arm_choices(corpus))
        best = (curves_view.contender(figures) if figures else None) or names[0]
        return Choice(corpus, arms=names, cost_arm=best, lost_arm=best)

    def arm_choices(self, corpus: str, seen: Seen | None = None, with_length: bool = False) -> list[tuple[str, str]]:
        """Menu entries: the arms that were measured, or those that would be."""
        figures = self._figures(seen or Seen(), corpus)
        if figures:
            found = [(arm.label, arm.name) for arm in figures.arms if arm.full_dim or not with_length]
        else:
            found = [(arm.label, arm.name) for arm in self.service.lab.arms()]
        return found

    def first_notice(self, corpus: str) -> str:
        """Why nothing is shown, empty where something is."""
        return "" if self._figures(Seen(), corpus) else notice(_NOTHING, "hint")

    def quality_parts(self, seen: Seen, choice: Choice) -> tuple[str, go.Figure, str, str, str]:
        """Headline, chart, table, provenance, published figures."""
        figures = self._figures(seen, choice.corpus)
        headline = curves_words.headline(figures, choice) if figures else escape(_NOTHING)
        origin = ""
        if figures:
            origin = curves_words.provenance(figures.curves) + curves_view.notes_html(figures.curves.sweep.notes)
        return (
            f'<p class="curve-words" role="status">{headline}</p>',
            curves_view.quality_chart(figures, choice),
            curves_view.quality_table(figures, choice),
            f'<div class="origin">{origin}</div>' if origin else "",
            curves_view.published_html(choice),
        )

    def before_after_part(self, seen: Seen, choice: Choice) -> tuple[str]:
        """The before-and-after table."""
        return (curves_view.before_after(self._figures(seen, choice.corpus)),)

    def cost_parts(self, seen: Seen, choice: Choice, size: int) -> tuple[go.Figure, str]:
        """Chart and words of quality against cost."""
        timed = self._speed(seen, size) or self._shipped_speed()
        return curves_view.cost(self._figures(seen, choice.corpus), choice, timed)

    def speed_parts(self, seen: Seen, size: int) -> tuple[str, go.Figure, str]:
        """Words, chart and table of search times."""
        found = self._speed(seen, size)
        words = f"{size:,} vectors are not timed yet: press “Time it on this machine” (up to a minute)."
        if found:
            words = curves_words.speed_words(found, here=size in seen.speeds)
        return f'<p class="lead">{words}</p>', curves_view.speed(found), curves_view.speed_table(found)

    def lost_part(self, seen: Seen, choice: Choice) -> tuple[str]:
        """The list of queries that break."""
        figures = self._figures(seen, choice.corpus)
        return (curves_view.lost_html(figures, self._lost(seen, choice)),)

    # Events ----------------------------------------------------------------------------------------------------

    def show_quality(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Redraw the first section."""
        return self.quality_parts(seen, choice_of(*controls))

    def show_metric(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Redraw what depends on the measure."""
        return (*self.show_quality(seen, *controls), *self.show_cost(seen, *controls))

    def show_cost(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Redraw quality against cost."""
        return self.cost_parts(seen, choice_of(*controls), _size(controls))

    def show_speed(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Redraw the times, and the costs that come from them."""
        return (*self.speed_parts(seen, _size(controls)), *self.show_cost(seen, *controls))

    def show_lost(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Redraw the list of queries that break."""
        return self.lost_part(seen, choice_of(*controls))

    def show_all(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Redraw everything, in the order of `CurveOutputs.all`."""
        choice, size = choice_of(*controls), _size(controls)
        return (
            *self.quality_parts(seen, choice),
            *self.before_after_part(seen, choice),
            *self.cost_parts(seen, choice, size),
            *self.speed_parts(seen, size),
            *self.lost_part(seen, choice),
        )

    def change_corpus(self, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Menus of arms for another corpus or a new measurement; arms that were off stay off."""
        choice = choice_of(*controls)
        every = self.arm_choices(choice.corpus, seen)
        long = self.arm_choices(choice.corpus, seen, with_length=True)
        names, cut = [name for _, name in every], [name for _, name in long]
        kept = [name for name in names if name in choice.arms] or names
        cost = choice.cost_arm if choice.cost_arm in cut else cut[0]
        lost = choice.lost_arm if choice.lost_arm in cut else cut[0]
        return (
            gr.CheckboxGroup(choices=every, value=kept),
            gr.Dropdown(choices=long, value=cost),
            gr.Dropdown(choices=long, value=lost),
        )

    def open_lost(self, event: gr.EventData, seen: Seen, *controls: Control) -> tuple[Any, ...]:
        """Values for the Compare tab's controls: the clicked query where it breaks, its arm beside base."""
        choice = choice_of(*controls)
        lost = self._lost(seen, choice)
        position = event.position if isinstance(event.position, int) else 0
        if lost is None or not lost.worst:
            raise gr.Error("That list is gone: choose an arm again.", print_exception=False)
        query = lost.worst[position % len(lost.worst)]
        names = [arm.name for arm in self.service.lab.arms()]
        right = lost.arm if lost.arm in names and lost.arm != names[0] else gr.skip()
        full = TRAINED_DIMS[-1]
        slider = gr.HTML(value=query.breaks_at, markup=dimension_markup(query.breaks_at, full, TRAINED_DIMS))
        return query.text, choice.corpus, names[0], right, slider

    def file_of(self, section: str) -> Callable[..., Any]:
        """The handler of one section's download buttons."""

        def make(event: gr.EventData, seen: Seen, *controls: Control) -> Any:  # noqa: ANN401 - a Gradio update
            """The file of the kind that was clicked, or nothing where nothing was measured."""
            kind = "csv" if event.kind == "csv" else "json"
            name, text = self._text(section, kind, seen, choice_of(*controls), _size(controls))
            return gr.HTML(payload=curves_files.payload(name, kind, text)) if text else gr.skip()

        return make

    def stopper(self, kind: str) -> Callable[..., None]:
        """The handler of a Stop button; the stopped job itself says how it ends."""

        def stop(request: gr.Request) -> None:
            self._jobs.stop((_owner(request), kind))

        return stop

    # Long work -------------------------------------------------------------------------------------------------

    def measure(self, request: gr.Request, seen: Seen, corpus: str, *_controls: Control) -> Iterator[tuple[Any, ...]]:
        """Measure every arm on the chosen corpus, with progress."""
        job: Job[CurveSet] = Job(lambda progress: self.service.measure(corpus, progress))

        def keep(result: CurveSet) -> Seen:
            return replace(seen, sweeps={**seen.sweeps, corpus: result})

        yield from self._long("sweep", job, keep, request)

    def time(self, request: gr.Request, seen: Seen, *controls: Control) -> Iterator[tuple[Any, ...]]:
        """Time searches over as many vectors as chosen, with progress."""
        corpus, size = choice_of(*controls).corpus, _size(controls)

        def work(progress: Progress) -> SpeedResult:
            return self.service.speed(size, progress, corpus=corpus)

        def keep(result: SpeedResult) -> Seen:
            return replace(seen, speeds={**seen.speeds, size: result})

        yield from self._long("speed", Job(work), keep, request)

    def _long(self, kind: str, job: Job, keep: Callable[[Any], Seen], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        for share, line in self._jobs.follow((_owner(request), kind), job):
            yield progress_html(share, line), gr.Button(interactive=False), gr.Button(interactive=True), gr.skip()
        idle = gr.Button(interactive=True), gr.Button(interactive=False)
        if job.result is None:
            yield notice(job.problem, "info" if job.was_stopped else "error"), *idle, gr.skip()
        else:
            yield "", *idle, keep(job.result)

    # Where things come from ------------------------------------------------------------------------------------

    def _figures(self, seen: Seen, corpus: str) -> Figures | None:
        try:
            found = seen.sweeps.get(corpus) or self.service.shipped(corpus)
        except CorpusError:
            logger.exception("The shipped curves of %s cannot be read", corpus)
            return None
        return Figures.of(found) if found else None

    def _lost(self, seen: Seen, choice: Choice) -> BrokenQueries | None:
        figures = self._figures(seen, choice.corpus)
        return figures.curves.lost.get(choice.lost_arm) if figures else None

    def _speed(self, seen: Seen, size: int) -> SpeedResult | None:
        shipped = self._shipped_speed()
        return seen.speeds.get(size) or (shipped if shipped and shipped.n == size else None)

    def _shipped_speed(self) -> SpeedResult | None:
        try:
            return self.service.shipped_speed()
        except LabError:
            logger.exception("The shipped times cannot be read")
            return None

    def _text(self, section: str, kind: str, seen: Seen, choice: Choice, size: int) -> tuple[str, str]:
        figures, speed, lost = self._figures(seen, choice.corpus), self._speed(seen, size), self._lost(seen, choice)
        if section == "speed":
            return f"speed-{size}", curves_files.speed_text(speed, kind) if speed else ""
        if section == "lost":
            return f"queries-that-break-{choice.lost_arm}", curves_files.lost_text(lost, kind) if lost else ""
        return f"curves-{choice.corpus}", curves_files.sweep_text(figures, kind) if figures else ""


def choice_of(
    corpus: str,
    metric: str,
    mode: str,
    arms: list[str] | None,
    published: bool,
    cost_arm: str,
    cost: str,
    lost_arm: str,
    *_: Control,
) -> Choice:
    """The controls as one value."""
    return Choice(corpus, metric, mode == "Share kept", tuple(arms or ()), bool(published), cost_arm, cost, lost_arm)


def progress_html(share: float, line: str) -> str:
    """A bar with its line."""
    return (
        f'<div class="curves-progress"><progress max="1" value="{share:.3f}" aria-label="Progress"></progress>'
        f"<span>{share:.0%} {escape(line)}</span></div>"
    )


def _size(controls: tuple[Any, ...]) -> int:
    return int(controls[8])


def _owner(request: gr.Request | None) -> str:
    return str(getattr(request, "session_hash", "") or "")
