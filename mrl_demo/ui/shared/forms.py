"""Components as one frozen state: every handler is told it whole, and answers by naming what it changes."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Generic, TypeAlias, TypeVar

import gradio as gr
from gradio.blocks import Block

_State = TypeVar("_State")
_Wider = TypeVar("_Wider")
#: New values by component; those that are not in it stay as they are.
Updates: TypeAlias = dict[Block, Any]


def told_by(event: gr.EventData, name: str) -> Any:  # noqa: ANN401 - whatever was sent
    """What the browser says of an event under a name; None if it says nothing, as whatever a program sends.

    >>> told_by(gr.EventData(None, {"position": 3}), "position"), told_by(gr.EventData(None, True), "position")
    (3, None)
    """
    return event._data.get(name) if isinstance(event._data, dict) else None


class Form(Generic[_State]):
    """The components that together hold a state: `make` builds it from their values, each under its name here.

    Names are compared with the parameters of `make` at once, so that a forgotten component ends in a `TypeError`
    when the page is built.
    """

    def __init__(self, make: Callable[..., _State], parts: Mapping[str, Block]) -> None:
        inspect.signature(make).bind(**parts)
        self._make = make
        self._parts = dict(parts)

    @property
    def inputs(self) -> set[Block]:
        """Inputs of every event of the form; as a set, which Gradio hands over by component."""
        return set(self._parts.values())

    def extended(self, make: Callable[..., _Wider], name: str, parts: Mapping[str, Block]) -> Form[_Wider]:
        """A form of this one's components and some more; `make` gets this state under `name`.

        Raises `ValueError` for a name that is taken.
        """
        if taken := self._parts.keys() & parts.keys():
            raise ValueError(f"The form has these parts already: {sorted(taken)}")
        own = self._make

        def make_wider(**values: object) -> _Wider:
            """A state with the added parts."""
            more = {part: values.pop(part) for part in parts}
            return make(**{name: own(**values)}, **more)

        return Form(make_wider, {**self._parts, **parts})

    def read(self, values: Mapping[Block, Any]) -> _State:
        """The state behind the components' values."""
        return self._make(**{name: values[part] for name, part in self._parts.items()})

    def bind(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """`handler(state, ...)` as Gradio calls it; what else it takes (`gr.EventData`, `gr.Request`) stays.

        The handler returns `Updates`, or yields them; an empty one changes nothing.
        """

        @wraps(handler)
        def answer(values: Mapping[Block, Any], *others: Any) -> Updates:  # noqa: ANN401
            """Call a handler that gives its updates at once."""
            return handler(self.read(values), *others) or gr.skip()

        @wraps(handler)
        def answers(values: Mapping[Block, Any], *others: Any) -> Iterator[Updates]:  # noqa: ANN401
            """Call a handler that gives updates one after another."""
            yield from handler(self.read(values), *others)

        @wraps(handler)
        async def answers_in_time(values: Mapping[Block, Any], *others: Any) -> AsyncIterator[Updates]:  # noqa: ANN401
            """Call an asynchronous handler."""
            async for updates in handler(self.read(values), *others):
                yield updates

        if inspect.isasyncgenfunction(handler):
            return answers_in_time
        return answers if inspect.isgeneratorfunction(handler) else answer
