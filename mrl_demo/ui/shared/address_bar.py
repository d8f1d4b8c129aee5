"""Keeps the page and its address in step: a tab adds a row for each control that a link may set.

The browser's half is `static/links.js`: it writes the address while one works, and for a link, Back or Forward it
sends the texts of a tab's parameters here, where they are checked and set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.ui.address.kinds import Kind
from mrl_demo.ui.address.reading import AddressReading, link_hint, read_parameters
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Updates, told_by
from mrl_demo.ui.shared.guard import UNEXPECTED, guarded
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.scripts import read_script

#: Tells the browser's half what a parameter is now; `value` is the argument of the event's script.
_SAY = (
    "(value) => {{ document.dispatchEvent(new CustomEvent('address',"
    " {{ detail: {{ name: '{name}', value: ({read})(value) }} }})); }}"
)
_DONE = "() => {{ document.dispatchEvent(new CustomEvent('address-restored', {{ detail: '{group}' }})); }}"
_SAME = "(value) => value"
EventMethod = Callable[..., gr.events.Dependency]


@dataclass(frozen=True)
class Parameter:
    """A name in the address and the control it sets.

    `heard` are the events after which the control's value belongs into the address (its `change` if empty); `read` is
    a JavaScript function from that value to what is written. A parameter that `pushes` makes a step of its own for
    Back and Forward, the others change the step they are in. One that `is_shared` goes into the links of every tab.
    """

    name: str
    kind: Kind
    component: Block
    pushes: bool = False
    heard: Sequence[EventMethod] = ()
    read: str = _SAME
    is_shared: bool = False


@dataclass(frozen=True)
class _Group:
    """The parameters of a tab, and what happens once they were read."""

    name: str
    parameters: Sequence[Parameter]
    update: Callable[[Mapping[str, Any]], Updates]
    outputs: frozenset[Block]
    follow: Callable[[gr.events.Dependency], gr.events.Dependency] | None

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each parameter, by name."""
        return {each.name: each.kind for each in self.parameters}


class AddressBar:
    """All parameters of the page; `wire` comes after the last tab was built."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._serial = count(1)

    def add(
        self,
        group: str,
        parameters: Sequence[Parameter],
        *,
        update: Callable[[Mapping[str, Any]], Updates] | None = None,
        outputs: set[Block] | None = None,
        follow: Callable[[gr.events.Dependency], gr.events.Dependency] | None = None,
    ) -> None:
        """Add a tab's parameters.

        `update` makes of the values read what changes (each control set to its value if None) and may raise `LabError`;
        `outputs` are components that it fills beside the controls; `follow` adds what comes after, such as a search,
        and gives its last event. Raises `ValueError` for a name that is taken.
        """
        taken = {name for each in self._groups for name in each.kinds}
        if twice := taken & {each.name for each in parameters}:
            raise ValueError(f"The address has these parameters already: {sorted(twice)}")
        controls = {each.name: each.component for each in parameters}
        every = frozenset({*controls.values(), *(outputs or ())})
        self._groups.append(_Group(group, parameters, update or partial(_set_controls, controls), every, follow))

    def wire(self) -> gr.HTML:
        """Lay out the place for hints and the script here, and answer what the script asks."""
        # Gradio knows events of our own by their names in the script, between double quotes.
        events = {group.name: f"restore_{group.name}" for group in self._groups}
        script = read_script("links.js", table=self._table(), events=events)
        bar = gr.HTML(
            html_template='<div role="status" aria-live="polite"></div>',  # The script fills it.
            elem_id=Id.ADDRESS,
            js_on_load=script,
            apply_default_css=False,
            **{_told(group.name): None for group in self._groups},
        )
        for group in self._groups:
            for parameter in group.parameters:
                _listen(parameter)
            restore = _Restorer(bar, group, self._serial).restore
            event = getattr(bar, events[group.name])(restore, None, {bar, *group.outputs}, **LIGHT)
            last = group.follow(event) if group.follow else event
            last.then(None, None, None, js=_DONE.format(group=group.name), **LIGHT)
        return bar

    def _table(self) -> dict[str, dict[str, object]]:
        """What the script is told of each parameter."""
        return {
            each.name: {
                "group": group.name,
                "pushes": each.pushes,
                "shared": each.is_shared,
                "first": each.kind.write(_first_value(each)),
            }
            for group in self._groups
            for each in group.parameters
        }


@dataclass(frozen=True)
class _Restorer:
    """Sets the controls of a group to what an address says."""

    bar: gr.HTML
    group: _Group
    serial: count[int]

    def restore(self, event: gr.EventData) -> Updates:
        """Check the texts that the browser sent, and set what is possible; never raises."""
        kinds = self.group.kinds
        reading = read_parameters(kinds, told_by(event, "values"))

        def update() -> tuple[Updates, AddressReading]:
            """Updates for what the address says."""
            return self.group.update(reading.values), reading

        updates, read = guarded(update, lambda error: ({}, AddressReading({}, (*reading.hints, _own_words(error)))))
        accepted = {name: kinds[name].write(value) for name, value in read.values.items()}
        told = {"serial": next(self.serial), "values": accepted, "hint": link_hint(read.hints)}
        return {**updates, self.bar: gr.HTML(**{_told(self.group.name): told})}


def _told(group: str) -> str:
    """The prop in which the script is told how a group was restored."""
    return f"told_{group}"


def _own_words(error: Exception) -> str:
    return UNEXPECTED.rstrip(".") if str(error) == UNEXPECTED else str(error).rstrip(".")


def _set_controls(controls: Mapping[str, Block], values: Mapping[str, Any]) -> Updates:
    return {
        control: gr.Tabs(selected=values[name]) if isinstance(control, gr.Tabs) else values[name]
        for name, control in controls.items()
        if name in values
    }


def _first_value(parameter: Parameter) -> Any:  # noqa: ANN401
    component = parameter.component
    return component.selected if isinstance(component, gr.Tabs) else getattr(component, "value", None)


def _listen(parameter: Parameter) -> None:
    component = parameter.component
    if isinstance(component, gr.Tabs):
        for tab in component.children:
            if isinstance(tab, gr.Tab):
                script = _SAY.format(name=parameter.name, read=f"() => '{tab.id}'")
                tab.select(None, None, None, js=script, **LIGHT)
        return
    script = _SAY.format(name=parameter.name, read=parameter.read)
    inputs = None if parameter.heard else [component]
    for heard in parameter.heard or (component.change,):
        heard(None, inputs, None, js=script, **LIGHT)
