"""The calls of `mrl_demo.api` as the only public endpoints of the page, and so the only MCP tools."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gradio as gr

from mrl_demo.api.calls import CALLS, ApiCall, JsonAnswer
from mrl_demo.api.checking import check_arguments, parameters_of
from mrl_demo.api.limits import CallerLimit
from mrl_demo.core.errors import LabError
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.shared.guard import UNEXPECTED, guarded_async
from mrl_demo.ui.shared.heavy import Caller, HeavyLine, HeavyTask
from mrl_demo.ui.shared.queues import API

#: How long a call may take, its wait for others included.
MOST_SECONDS = 300.0
TOO_LONG = f"This took longer than {MOST_SECONDS:.0f} s and was stopped: ask for less, or use the command line."
ONE_AT_A_TIME = "A measurement or build of yours is under way: one at a time from one address, please."


@dataclass(frozen=True)
class ApiDesk:
    """Answers calls: searches at once, what measures or builds in the page's own lines, one at a time for a caller."""

    lab: LabProtocol
    builds: HeavyLine
    measurements: HeavyLine
    most_seconds: float = MOST_SECONDS

    @cached_property
    def limit(self) -> CallerLimit:
        """How often one address may ask."""
        return CallerLimit(self.lab.settings.api_per_minute)

    async def answer(self, call: Callable[..., ApiCall], given: dict[str, Any], address: str) -> JsonAnswer:
        """One call's answer; raises `LabError` in words for the caller."""
        self.limit.take(address)
        checked = call(self.lab, **check_arguments(call, given))
        try:
            async with asyncio.timeout(self.most_seconds):
                return await self._run(checked, address)
        except TimeoutError:
            raise LabError(TOO_LONG) from None

    async def _run(self, call: ApiCall, address: str) -> JsonAnswer:
        if call.is_heavy:
            return await self._follow(self.measurements, HeavyTask(call.key, "measuring", call.run), address)
        if not await asyncio.to_thread(self.lab.is_ready, call.corpus, call.arms):
            await self._follow(self.builds, self._build_for(call), address)
        return await asyncio.to_thread(call.run, _ignore_progress)

    def _build_for(self, call: ApiCall) -> HeavyTask[JsonAnswer]:
        def build(progress: Callable[[float, str], None]) -> JsonAnswer:
            """Make what the call reads ready."""
            self.lab.prepare(call.corpus, call.arms, progress)
            return {"ready": True}

        return HeavyTask(("api build", call.corpus, call.arms), f"building {call.corpus}", build)

    async def _follow(self, line: HeavyLine, task: HeavyTask[JsonAnswer], address: str) -> JsonAnswer:
        session = f"api {address}"
        before = line.find(session, "api")
        if before and not before.has_ended:
            raise LabError(ONE_AT_A_TIME)
        turn = line.join(Caller(session, address), "api", task)
        try:
            async for _ in turn.follow():
                pass
        finally:  # Who hangs up or runs out of time leaves the line.
            turn.leave_unless_ended()
        if turn.result is None:
            raise LabError(turn.problem or UNEXPECTED)
        return turn.result


@dataclass(frozen=True)
class Endpoint:
    """One call with the signature, types and words that Gradio and MCP show."""

    desk: ApiDesk
    name: str
    call: Callable[..., ApiCall]
    names: str = ""

    def function(self) -> Callable[..., Awaitable[JsonAnswer]]:
        """The function to register: named, typed and described as the call, and told the request."""
        parameters = parameters_of(self.call)

        async def respond(request: gr.Request, *values: object, **named: object) -> JsonAnswer:
            """Answer one request, or refuse it in a line."""
            given = {parameter.name: value for parameter, value in zip(parameters, values, strict=False)} | named
            address = str(getattr(getattr(request, "client", None), "host", "") or "")
            return await guarded_async(self.desk.answer(self.call, given, address), _refuse)

        request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
        listed = [parameter.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for parameter in parameters]
        respond.__name__ = respond.__qualname__ = self.name
        respond.__doc__ = self._words()
        respond.__signature__ = inspect.Signature([request, *listed], return_annotation=dict)  # type: ignore[attr-defined]
        respond.__annotations__ = {parameter.name: parameter.annotation for parameter in [request, *listed]}
        return respond

    def _words(self) -> str:
        words, _, arguments = inspect.cleandoc(self.call.__doc__ or "").partition("\n\nArgs:")
        return f"{' '.join(words.split())} {self.names}\n\nArgs:{arguments}"


def add_endpoints(desk: ApiDesk) -> None:
    """Register the calls; all other events of the page are private."""
    arms = ", ".join(arm.name for arm in desk.lab.builder.menu.contenders())
    corpora = ", ".join(choice.name for choice in desk.lab.corpora())
    for name, call in CALLS.items():
        endpoint = Endpoint(desk, name, call, f"Arms here: {arms}. Collections here: {corpora}.")
        gr.api(endpoint.function(), api_name=name, **API)


def _refuse(error: LabError) -> JsonAnswer:
    raise gr.Error(str(error), print_exception=False)


def _ignore_progress(_share: float, _line: str) -> None:
    """What is ready needs no telling."""
