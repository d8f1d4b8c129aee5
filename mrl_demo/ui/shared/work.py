"""Long work that a visitor starts and may stop: two buttons and the line that says how it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Progress
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice, progress_bar
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import Caller, HeavyLine, HeavyTask
from mrl_demo.ui.shared.listeners import LISTENERS
from mrl_demo.ui.shared.queues import FOLLOW, LIGHT

_Result = TypeVar("_Result")
_State = TypeVar("_State")


@dataclass(frozen=True)
class LongWork:
    """The controls of one kind of work; each visitor has at most one of a kind under way.

    `doing` tells those who wait, of this visit and of others, what it is.
    """

    kind: str
    start: gr.Button
    stop: gr.Button
    line: gr.HTML
    heavy: HeavyLine
    doing: str = "measuring"

    def wire(
        self, form: Form[_State], run: Callable[[_State, gr.Request], AsyncIterator[Updates]], kept: set[Block]
    ) -> gr.events.Dependency:
        """Connect both buttons; `run` works by `follow`, and `kept` is what it fills besides these controls."""
        self.stop.click(self.cancel, None, None, **LIGHT)
        outputs = {self.line, self.start, self.stop, *kept}
        return self.start.click(form.bind(run), form.inputs, outputs, **FOLLOW)

    async def follow(
        self, run: Callable[[Progress], _Result], keep: Callable[[_Result], Updates], request: gr.Request | None
    ) -> AsyncIterator[Updates]:
        """Do the work in turn, its progress in the line; `keep` makes updates of what it gave."""
        caller = caller_of(request)
        try:
            turn = self.heavy.join(caller, self.kind, HeavyTask(object(), self.doing, run))
        except LabError as error:
            yield {self.line: notice(str(error), "error"), **self._buttons(is_running=False)}
            return
        async for now in turn.follow():
            yield {self.line: progress_bar(now.share, now.line), **self._buttons(is_running=True)}
        if turn.result is None:
            said = notice(turn.problem, "info" if turn.was_stopped else "error")
            yield {self.line: said, **self._buttons(is_running=False)}
        else:
            yield {self.line: NOTHING, **self._buttons(is_running=False), **keep(turn.result)}

    def cancel(self, request: gr.Request) -> None:
        """Stop the visitor's work; the work itself says how it ends."""
        if turn := self.heavy.find(caller_of(request).session, self.kind):
            turn.stop()

    def _buttons(self, *, is_running: bool) -> Updates:
        return {self.start: gr.Button(interactive=not is_running), self.stop: gr.Button(interactive=is_running)}


def small_button(label: str, elem_id: Id, min_width: int, *, is_active: bool = True) -> gr.Button:
    """A button beside a control."""
    return gr.Button(label, size="sm", scale=0, min_width=min_width, interactive=is_active, elem_id=elem_id)


def caller_of(request: gr.Request | None) -> Caller:
    """Who sent an event."""
    session = str(getattr(request, "session_hash", "") or "")
    client = getattr(request, "client", None)
    return Caller(session, str(getattr(client, "host", "") or ""), partial(LISTENERS.hears, session))
