"""A part of a tab that shows a state: what fills it when the page is built is what fills it on every event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import gradio as gr
from gradio.blocks import Block

from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.widgets import static_html

_State = TypeVar("_State")


class Section(Generic[_State]):
    """Components filled by `draw`, which gives for a state the content of each by its id: HTML or a figure."""

    def __init__(self, draw: Callable[[_State], Mapping[Id, Any]], first: _State) -> None:
        self._draw = draw
        self._content = dict(draw(first))
        self._blocks: dict[Id, Block] = {}

    def add_html(self, elem_id: Id, script: str | None = None) -> gr.HTML:
        """Lay out a piece of HTML here."""
        block = static_html(self._content[elem_id], elem_id, script)
        self._blocks[elem_id] = block
        return block

    def add_chart(self, elem_id: Id) -> gr.Plot:
        """Lay out a figure here."""
        block = gr.Plot(self._content[elem_id], show_label=False, elem_id=elem_id, elem_classes="curves-chart")
        self._blocks[elem_id] = block
        return block

    @property
    def outputs(self) -> set[Block]:
        """What `show` fills."""
        return set(self._blocks.values())

    def show(self, state: _State) -> Updates:
        """The section for another state."""
        return {self._blocks[elem_id]: content for elem_id, content in self._draw(state).items()}


def show_all(sections: Iterable[Section[_State]], state: _State) -> Updates:
    """Several sections for one state."""
    return {block: content for section in sections for block, content in section.show(state).items()}
