"""The Map tab: the collection of Compare in two dimensions, coloured by what both methods keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.maps.page import map_script
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.map.state import MapRequest, MapState
from mrl_demo.ui.map.view import intro, waiting_words
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.queues import FOLLOW, STATE_SECONDS
from mrl_demo.ui.shared.widgets import live_html, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

if TYPE_CHECKING:
    from mrl_demo.maps.collection_map import CollectionMap


@dataclass(frozen=True)
class MapParts:
    """What the tab lays out; `board` draws its `payload`, `drawn` says what that is."""

    work: LongWork
    board: gr.HTML
    drawn: gr.State


def build(page: Page, compare: CompareDoor) -> None:
    """Lay out the tab inside the page; it follows the controls of Compare."""
    with gr.Tab("Map", id=TabName.MAP) as tab, gr.Column(elem_id=Id.MAP):
        parts = _lay_out(page.builds)
    controls = {"query": compare.query, "corpus": compare.corpus, "left": compare.left, "right": compare.right}
    form = Form(MapState, {**controls, "drawn": parts.drawn})
    drawing = Drawing(page.lab, parts)
    parts.work.wire(form, drawing.run, {parts.board, parts.drawn})
    outputs = {parts.work.line, parts.work.start, parts.work.stop, parts.board, parts.drawn}
    tab.select(form.bind(drawing.enter), form.inputs, outputs, **FOLLOW)


def _lay_out(heavy: HeavyLine) -> MapParts:
    static_html(intro(), Id.MAP_INTRO)
    with gr.Row(elem_classes="curves-row measure-row"):
        start = small_button("Draw the map", Id.MAP_DRAW, 160)
        stop = small_button("Stop", Id.MAP_STOP, 80, is_active=False)
    work = LongWork("map", start, stop, live_html(NOTHING, Id.MAP_LINE), heavy, "drawing a map")
    board = gr.HTML(
        elem_id=Id.MAP_BOARD, js_on_load=map_script(Id.DIM_RANGE), apply_default_css=False, payload=None
    )  # fmt: skip
    return MapParts(work, board, gr.State(None, time_to_live=STATE_SECONDS))


@dataclass(frozen=True)
class Drawing:
    """Draws the map of what Compare compares."""

    lab: LabProtocol
    parts: MapParts

    async def enter(self, state: MapState) -> AsyncIterator[Updates]:
        """On entering the tab: draw at once if that takes a moment, else say how to; a map that is right stays."""
        wanted = state.wanted
        if state.drawn == wanted:
            return
        if guarded(lambda: self.lab.is_mapped(wanted.corpus, wanted.arms), lambda _: False):
            yield await asyncio.to_thread(self._draw, wanted)
            return
        label = self.lab.label_of(wanted.corpus)
        yield {self.parts.work.line: notice(waiting_words(label), "hint"), self.parts.board: gr.HTML(payload=None)}

    def _draw(self, wanted: MapRequest) -> Updates:
        def draw() -> Updates:
            """Draw the map if it is made already."""
            return self._keep(wanted, self.lab.map(wanted.corpus, wanted.arms, wanted.query))

        return guarded(draw, lambda error: {self.parts.work.line: notice(str(error), "error")})

    async def run(self, state: MapState, request: gr.Request) -> AsyncIterator[Updates]:
        """Draw it with progress."""
        wanted = state.wanted

        def work(progress: Progress) -> CollectionMap:
            """Make the map."""
            return self.lab.map(wanted.corpus, wanted.arms, wanted.query, progress)

        async for updates in self.parts.work.follow(work, lambda view: self._keep(wanted, view), request):
            yield updates

    def _keep(self, wanted: MapRequest, view: CollectionMap) -> Updates:
        return {
            self.parts.work.line: NOTHING,
            self.parts.board: gr.HTML(payload=view.to_dict()),
            self.parts.drawn: wanted,
        }
