"""What the Train tab's components call; refuses where training is off, and never raises."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from mrl_demo.core.errors import LabError
from mrl_demo.jobs.events import RunProgress
from mrl_demo.jobs.line import TrainingJobs
from mrl_demo.jobs.process import FINISHED
from mrl_demo.jobs.request import TrainRequest
from mrl_demo.jobs.state import JobState
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.examples import notice
from mrl_demo.ui.shared.widgets import Control
from mrl_demo.ui.train import view as train_view
from mrl_demo.ui.train.presets import choice_named

logger = logging.getLogger(__name__)

BUILTIN, OWN = "builtin", "own"
POLL_SECONDS = 2.0
_UNEXPECTED = "That did not work, and it is our mistake. The details are in the server's log; please try again."


@dataclass(frozen=True)
class Drawn:
    """What a visitor's page shows, so that charts are sent again only when they changed."""

    job: str = ""
    status: str = ""
    steps: int = 0
    validations: int = 0


@dataclass(frozen=True)
class TrainEvents:
    """Handlers over the line of runs."""

    lab: LabProtocol
    line: TrainingJobs

    def check(self, *controls: Control) -> str:
        """Training's own dry run over the settings: the columns it read, or what to mend."""
        return _guarded(lambda: notice(" ".join(self.line.check(request_of(*controls))), "info"))

    def start(self, *controls: Control) -> tuple[str, Any, Any]:
        """Put a run in line; gives a notice, the chosen run and the timer."""
        started: list[str] = []

        def submit() -> str:
            started.append(self.line.submit(request_of(*controls)))
            return ""

        said = _guarded(submit)
        if not started:
            return said, gr.skip(), gr.skip()
        menu = gr.Dropdown(choices=self.choices(self.line.jobs()), value=started[0], visible=True)
        return said, menu, gr.Timer(active=True)

    def cancel(self, chosen: str | None) -> str:
        """Cancel the run that is shown."""

        def work() -> str:
            """Cancel it; an empty message where that went well."""
            if chosen:
                self.line.cancel(chosen)
            return ""

        return _guarded(work)

    def opened(self) -> tuple[Any, ...]:
        """A page was loaded: the run in progress or the last one, as `TrainOutputs.all` after the menu."""
        jobs = self._jobs()
        running = next((job for job in jobs if job.is_active), jobs[-1] if jobs else None)
        chosen = running.id if running else None
        menu = gr.Dropdown(choices=self.choices(jobs), value=chosen, visible=bool(jobs))
        return (menu, *self.shown(Drawn(), chosen))

    def shown(self, drawn: Drawn | None, chosen: str | None) -> tuple[Any, ...]:
        """The chosen run as it stands; charts are left alone where nothing was added to them."""
        jobs = self._jobs()
        job = next((each for each in jobs if each.id == chosen), None)
        progress = self.line.progress(job.id) if job else RunProgress()
        now = Drawn(chosen or "", job.status if job else "", len(progress.steps), len(progress.validations))
        same = drawn == now
        seen = bool(progress.steps or progress.validations or progress.base)
        return (
            train_view.state_html(job, progress),
            gr.Button(visible=bool(job and job.is_active)),
            gr.skip() if same else gr.Plot(train_view.losses(progress) if progress.steps else None, visible=seen),
            gr.skip() if same else gr.Plot(train_view.validation(progress), visible=seen),
            gr.skip() if same else train_view.before_after_html(self.line.metrics(job) if job else None),
            gr.Button(visible=bool(job and job.status == FINISHED)),
            train_view.line_html(jobs),
            gr.Timer(active=any(each.is_active for each in jobs)),
            now,
        )

    def compare_menus(self) -> tuple[Any, Any]:
        """The Compare tab's model menus with every model there is now; what is chosen there stays."""
        arms = [(arm.label, arm.name) for arm in self.lab.arms()]
        return gr.update(choices=arms), gr.update(choices=arms)

    def compare(self, chosen: str | None) -> tuple[Any, Any]:
        """Values for the Compare tab's menus: the run's model and, beside it, the base that it started from."""
        job = next((each for each in self._jobs() if each.id == chosen), None)
        if job is None or job.name not in {arm.name for arm in self.lab.arms()}:
            raise gr.Error("That model is not there any more: reload the page.", print_exception=False)
        base = self.lab.base_of(job.name)
        arms = [(arm.label, arm.name) for arm in self.lab.arms()]
        return gr.Dropdown(choices=arms, value=base), gr.Dropdown(choices=arms, value=job.name)

    def choices(self, jobs: Sequence[JobState]) -> list[tuple[str, str]]:
        """Entries of the menu of runs, newest first."""
        return [(f"{job.name}, {train_view.day_and_time(job.created)}", job.id) for job in reversed(jobs)]

    def _jobs(self) -> tuple[JobState, ...]:
        try:
            return self.line.jobs()
        except LabError:
            logger.exception("The line of runs cannot be read")
            return ()


def request_of(
    kind: str,
    upload: str | None,
    preset: str,
    name: str,
    dims: Sequence[int] | None,
    weights: str,
    steps: float | None,
    base: str,
    *columns: str,
) -> TrainRequest:
    """The controls as one value; raises `LabError` for what no control of ours sends."""
    if kind == OWN and not upload:
        raise LabError("Choose your file first: JSONL or CSV with a question and its answer in every row.")
    try:
        lengths = tuple(sorted(int(dim) for dim in dims or ()))
        count = None if steps is None else int(steps)
    except (TypeError, ValueError, OverflowError):
        raise LabError("Lengths and steps are whole numbers.") from None
    if not lengths:
        raise LabError("Choose at least one length.")
    shipped = "builtin" if choice_named(str(preset)).is_builtin else "preset"
    data: str | Path = Path(str(upload)) if kind == OWN else shipped
    named = [str(column or "") for column in columns] if kind == OWN else []
    other = (base or "").strip()
    return TrainRequest(
        (name or "").strip().lower(), str(preset), data, lengths, _tidy(weights), count, other, *named
    )  # fmt: skip


def _tidy(weights: str | None) -> str:
    """Numbers between spaces, commas or semicolons as the command line takes them: commas alone."""
    return ",".join(re.split(r"[\s,;]+", (weights or "").strip()))


def _guarded(work: Callable[[], str]) -> str:
    try:
        return work()
    except LabError as error:
        return notice(train_view.problem_text(error), "error")
    except Exception:
        logger.exception("An unexpected error reached the page.")
        return notice(_UNEXPECTED, "error")
