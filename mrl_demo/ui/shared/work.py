"""Long work that a visitor starts and may stop: two buttons and the line that says how it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import gradio as gr
from gradio.blocks import Block

from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice, progress_bar
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.jobs import Job, Jobs
from mrl_demo.ui.shared.queues import LIGHT, MEASURE

_Result = TypeVar("_Result")
_State = TypeVar("_State")


@dataclass(frozen=True)
class LongWork:
    """The controls of one kind of work; each visitor has at most one of a kind under way."""

    kind: str
    start: gr.Button
    stop: gr.Button
    line: gr.HTML
    jobs: Jobs

    def wire(
        self, form: Form[_State], run: Callable[[_State, gr.Request], Iterator[Updates]], kept: set[Block]
    ) -> gr.events.Dependency:
        """Connect both buttons; `run` works by `follow`, and `kept` is what it fills besides these controls."""
        self.stop.click(self.cancel, None, None, **LIGHT)
        outputs = {self.line, self.start, self.stop, *kept}
        return self.start.click(form.bind(run), form.inputs, outputs, **MEASURE)

    def follow(
        self, job: Job[_Result], keep: Callable[[_Result], Updates], request: gr.Request | None
    ) -> Iterator[Updates]:
        """Run a job with its progress in the line; what it gave is kept by the updates that `keep` makes of it."""
        for share, line in self.jobs.follow((_owner(request), self.kind), job):
            yield {self.line: progress_bar(share, line), **self._buttons(is_running=True)}
        if job.result is None:
            said = notice(job.problem, "info" if job.was_stopped else "error")
            yield {self.line: said, **self._buttons(is_running=False)}
        else:
            yield {self.line: NOTHING, **self._buttons(is_running=False), **keep(job.result)}

    def cancel(self, request: gr.Request) -> None:
        """Stop the visitor's job; the job itself says how it ends."""
        self.jobs.stop((_owner(request), self.kind))

    def _buttons(self, *, is_running: bool) -> Updates:
        return {self.start: gr.Button(interactive=not is_running), self.stop: gr.Button(interactive=is_running)}


def small_button(label: str, elem_id: Id, min_width: int, *, is_active: bool = True) -> gr.Button:
    """A button beside a control."""
    return gr.Button(label, size="sm", scale=0, min_width=min_width, interactive=is_active, elem_id=elem_id)


def _owner(request: gr.Request | None) -> str:
    return str(getattr(request, "session_hash", "") or "")
