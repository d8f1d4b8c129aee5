"""The run that is watched: where it stands, its charts and its result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.jobs.events import RunProgress
from mrl_demo.jobs.line import TrainingJobs
from mrl_demo.jobs.process import FINISHED, INTERRUPTED
from mrl_demo.jobs.state import JobState
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import CompareDoor
from mrl_demo.ui.shared.queues import LIGHT, STATE_SECONDS, TRAINING
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import caller_of
from mrl_demo.ui.train import view as train_view
from mrl_demo.ui.train.settings import problem_notice
from mrl_demo.ui.train.state import Drawn, WatchState

logger = logging.getLogger(__name__)
POLL_SECONDS = 2.0
_CANCEL, _DISCARD = "Cancel this run", "Discard it"


@dataclass(frozen=True)
class WatchParts:
    """The components that show a run; `said` is the line under the settings."""

    menu: gr.Dropdown
    state: gr.HTML
    cancel: gr.Button
    resume: gr.Button
    losses: gr.Plot
    validation: gr.Plot
    before_after: gr.HTML
    shares: gr.Plot
    share_box: gr.Column
    share_words: gr.HTML
    share: gr.Slider
    rescale: gr.Button
    compare: gr.Button
    line: gr.HTML
    timer: gr.Timer
    drawn: gr.State

    @property
    def form(self) -> Form[WatchState]:
        """The chosen run as a state."""
        return Form(WatchState, {"chosen": self.menu, "drawn": self.drawn, "share": self.share})

    @property
    def view(self) -> set[Block]:
        """What every look at the run fills."""
        return {
            self.state,
            self.cancel,
            self.resume,
            self.losses,
            self.validation,
            self.before_after,
            self.shares,
            self.share_box,
            self.share_words,
            self.share,
            self.compare,
            self.line,
            self.timer,
            self.drawn,
        }


def lay_out_watch() -> WatchParts:
    """Lay out an empty view here; it is filled when the page is loaded, with runs of other visitors and days too."""
    with gr.Column(elem_id=Id.TRAIN_RUN):
        with gr.Row(elem_classes="curves-row"):
            runs = menu("Run", [], None, Id.TRAIN_MENU, min_width=240, is_visible=False)
            resume = gr.Button(
                "Resume it", variant="primary", scale=0, min_width=150, visible=False, elem_id=Id.TRAIN_RESUME
            )
            cancel = gr.Button(_CANCEL, scale=0, min_width=150, visible=False, elem_id=Id.TRAIN_CANCEL)
        state = live_html(NOTHING, Id.TRAIN_STATE)
        with gr.Row(elem_classes="train-charts"):
            losses = _chart("Loss", Id.TRAIN_LOSS)
            validation = _chart("Validation", Id.TRAIN_VALIDATION)
        table = static_html(NOTHING, Id.TRAIN_BEFORE_AFTER)
        shares = _chart("Specialist or generalist", Id.TRAIN_SHARES)
        with gr.Column(visible=False, elem_id=Id.TRAIN_SHARE_BOX) as share_box:
            share_words = live_html(NOTHING, Id.TRAIN_SHARE_WORDS)
            with gr.Row(elem_classes="curves-row"):
                share = gr.Slider(
                    0, 1, value=1, step=0.05, label="Share of the training to keep: 0 generalist, 1 specialist",
                    min_width=300, elem_id=Id.TRAIN_SHARE,
                )  # fmt: skip
                rescale = gr.Button("Keep this share", scale=0, min_width=180, elem_id=Id.TRAIN_RESCALE)
        compare = gr.Button(
            "Compare it with base", variant="primary", visible=False, min_width=190, elem_id=Id.TRAIN_COMPARE
        )
        line = static_html(NOTHING, Id.TRAIN_LINE)
    return WatchParts(
        menu=runs,
        state=state,
        cancel=cancel,
        resume=resume,
        losses=losses,
        validation=validation,
        before_after=table,
        shares=shares,
        share_box=share_box,
        share_words=share_words,
        share=share,
        rescale=rescale,
        compare=compare,
        line=line,
        timer=gr.Timer(POLL_SECONDS, active=False),
        drawn=gr.State(Drawn(), time_to_live=STATE_SECONDS),
    )


def _chart(label: str, elem_id: Id) -> gr.Plot:
    return gr.Plot(None, label=label, show_label=False, visible=False, min_width=320, elem_id=elem_id)


@dataclass(frozen=True)
class WatchEvents:
    """Handlers over the line of runs; `said` is where a refusal to cancel is told."""

    lab: LabProtocol
    line: TrainingJobs
    parts: WatchParts
    said: gr.HTML

    def show(self, state: WatchState, request: gr.Request | None = None) -> Updates:
        """The chosen run as it stands; charts are left alone if nothing was added to them."""
        jobs = self._jobs()
        job = next((job for job in jobs if job.id == state.chosen), None)
        progress = self.line.progress(job.id) if job else RunProgress()
        metrics = self.line.metrics(job) if job else None
        kept = ((metrics or {}).get("share") or {}).get("kept")
        is_own = job is not None and self.line.may_change(job.id, caller_of(request).session)
        drawn = Drawn(
            state.chosen or "",
            job.status if job else "",
            len(progress.steps),
            len(progress.validations) + len(progress.shares),
            kept,
        )
        updates: Updates = {
            self.parts.state: train_view.state_html(job, progress),
            self.parts.cancel: _cancel_button(job, is_own),
            self.parts.resume: gr.Button(visible=bool(job and job.can_resume and is_own)),
            self.parts.compare: gr.Button(visible=bool(job and job.status == FINISHED)),
            self.parts.line: train_view.line_html(jobs),
            self.parts.timer: gr.Timer(active=any(job.is_active for job in jobs)),
            self.parts.drawn: drawn,
        }
        return updates if drawn == state.drawn else updates | self._charts(metrics, progress)

    def _charts(self, metrics: Mapping[str, Any] | None, progress: RunProgress) -> Updates:
        has_figures = bool(progress.steps or progress.validations or progress.base)
        is_validated = has_figures and bool(progress.validations or progress.base)
        losses = train_view.losses(progress) if progress.steps else None
        return {
            self.parts.losses: gr.Plot(losses, visible=has_figures),
            self.parts.validation: gr.Plot(train_view.validation(progress), visible=is_validated),
            self.parts.before_after: train_view.before_after_html(metrics),
            **self._shares(metrics, progress),
        }

    def _shares(self, metrics: Mapping[str, Any] | None, progress: RunProgress) -> Updates:
        """The curve of shares as soon as some are measured, and the slider once the run has finished."""
        rows = train_view.shares_of(metrics) or progress.shares
        kept = metrics["share"]["kept"] if metrics and rows and "share" in metrics else None
        return {
            self.parts.shares: gr.Plot(train_view.share_chart(rows, kept) if rows else None, visible=bool(rows)),
            self.parts.share_box: gr.Column(visible=kept is not None),
            self.parts.share_words: train_view.share_words(metrics),
            self.parts.share: gr.skip() if kept is None else gr.Slider(value=kept),
        }

    def say_rescaling(self) -> Updates:
        """The line while a run is rescaled."""
        return {self.said: notice("Keeping another share of the training …")}

    def rescale(self, state: WatchState, request: gr.Request | None = None) -> Updates:
        """Keep the slider's share of the run that is shown."""

        def work() -> Updates:
            """Rescale the chosen run."""
            if state.chosen and state.share is not None:
                self.line.rescale(state.chosen, state.share, caller_of(request).session)
            return {self.said: NOTHING}

        return guarded(work, lambda error: {self.said: problem_notice(error)})

    def open(self, request: gr.Request | None = None) -> Updates:
        """A page was loaded: the run in progress or the last one."""
        jobs = self._jobs()
        running = next((job for job in jobs if job.is_active), jobs[-1] if jobs else None)
        chosen = running.id if running else None
        runs = gr.Dropdown(choices=_run_entries(jobs), value=chosen, visible=bool(jobs))
        return {self.parts.menu: runs, **self.show(WatchState(chosen), request)}

    def choose(self, job_id: str) -> Updates:
        """The updates that choose a run just put in line and keep an eye on it."""
        runs = gr.Dropdown(choices=_run_entries(self._jobs()), value=job_id, visible=True)
        return {self.parts.menu: runs, self.parts.timer: gr.Timer(active=True)}

    def cancel(self, state: WatchState, request: gr.Request | None = None) -> Updates:
        """Cancel the run that is shown, or discard what an interrupted one left."""
        return self._change(self.line.cancel, state, request)

    def resume(self, state: WatchState, request: gr.Request | None = None) -> Updates:
        """Resume the interrupted run that is shown."""
        return self._change(self.line.resume, state, request)

    def _change(self, change: Callable[[str, str], None], state: WatchState, request: gr.Request | None) -> Updates:
        def work() -> Updates:
            """Change the chosen run."""
            if state.chosen:
                change(state.chosen, caller_of(request).session)
            return {self.said: NOTHING}

        return guarded(work, lambda error: {self.said: problem_notice(error)})

    def wire(self, started: gr.events.Dependency, page: gr.Blocks) -> None:
        """Look at the run whenever it may have changed, and when the page is loaded."""
        parts, form = self.parts, self.parts.form
        look = form.bind(self.show), form.inputs, parts.view
        started.then(*look, **LIGHT)
        for button, change in ((parts.cancel, self.cancel), (parts.resume, self.resume)):
            button.click(form.bind(change), form.inputs, {self.said}, **TRAINING).then(*look, **LIGHT)
        parts.menu.input(*look, **LIGHT)
        rescaling = parts.rescale.click(self.say_rescaling, None, {self.said}, **LIGHT)
        rescaling.then(form.bind(self.rescale), form.inputs, {self.said}, **TRAINING).then(*look, **LIGHT)
        parts.timer.tick(*look, **LIGHT)
        page.load(self.open, None, {parts.menu, *parts.view}, **LIGHT)

    def wire_compare(self, door: CompareDoor) -> None:
        """The way into Compare with the run's model."""
        form = self.parts.form

        def compare(state: WatchState) -> Updates:
            """Open the chosen run in Compare."""
            return self.compare(state, door)

        door.search_after(self.parts.compare.click(form.bind(compare), form.inputs, door.outputs, **TRAINING))

    def compare(self, state: WatchState, door: CompareDoor) -> Updates:
        """Show Compare with the run's model beside the base that it started from; raises `gr.Error` if it is gone."""
        job = next((job for job in self._jobs() if job.id == state.chosen), None)
        if job is None or job.name not in {arm.name for arm in self.lab.arms()}:
            raise gr.Error("That model is not there any more: reload the page.", print_exception=False)
        base = self.lab.base_of(job.name)
        arms = [(arm.label, arm.name) for arm in self.lab.arms()]
        return door.open(
            {
                door.left: gr.Dropdown(choices=arms, value=base),
                door.right: gr.Dropdown(choices=arms, value=job.name),
            }
        )

    def _jobs(self) -> tuple[JobState, ...]:
        try:
            return self.line.jobs()
        except LabError:
            logger.exception("The line of runs cannot be read")
            return ()


def _cancel_button(job: JobState | None, is_own: bool) -> gr.Button:
    """Ends a run that is in line, or removes what an interrupted one left behind."""
    is_interrupted = job is not None and job.status == INTERRUPTED
    is_shown = bool(is_own and job and (job.is_active or is_interrupted))
    return gr.Button(_DISCARD if is_interrupted else _CANCEL, visible=is_shown)


def _run_entries(jobs: Sequence[JobState]) -> list[tuple[str, str]]:
    """Entries of the menu of runs, newest first."""
    return [(f"{job.name}, {train_view.day_and_time(job.created)}", job.id) for job in reversed(jobs)]
