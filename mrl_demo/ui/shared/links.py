"""The page as its tabs see it, and how one tab hands a visitor over to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.shared.address_bar import AddressBar
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.heavy import HeavyLine


class TabName(StrEnum):
    """What a tab is called in code and, with a capital, on the page."""

    COMPARE = "compare"
    CURVES = "curves"
    DECIDE = "decide"
    FUNNEL = "funnel"
    MAP = "map"
    DATA = "data"
    TRAIN = "train"
    LEARN = "learn"


@dataclass(frozen=True)
class Page:
    """What every tab is built with: the lab, the collection it opens on, and the page around it.

    `arm` is what Compare opens with beside the first arm, None for the best contender. A tab adds its parameters to
    `address`, and gives what takes long to one of the two lines. `visit` holds what the visitor has brought.
    """

    lab: LabProtocol
    corpus: str
    blocks: gr.Blocks
    tabs: gr.Tabs
    builds: HeavyLine
    measurements: HeavyLine
    visit: gr.State
    arm: str | None = None
    address: AddressBar = field(default_factory=AddressBar)

    def show(self, tab: TabName) -> Updates:
        """The update that brings a tab to the front; `tabs` has to be among the event's outputs."""
        return {self.tabs: gr.Tabs(selected=tab)}

    def open(self, values: Mapping[str, Any]) -> Updates:
        """The tab that an address names."""
        return self.show(TabName(values["tab"])) if "tab" in values else {}


@dataclass(frozen=True)
class CompareDoor:
    """The Compare tab as other tabs see it: they set its controls and search there.

    `search_after` adds that search to an event: models are made ready first, with a bar. `marks` tells of cards that
    were called the answer, None if nobody may say so here; `answered` is the question on show and `notice` the line
    above its results. `redraw_after` draws them anew after an event that changed what is known of them.
    """

    page: Page
    query: gr.Textbox
    corpus: gr.Dropdown
    left: gr.Dropdown
    right: gr.Dropdown
    dimension: gr.HTML
    marks: gr.HTML | None
    answered: gr.State
    notice: gr.HTML
    search_after: Callable[[gr.events.Dependency], object]
    redraw_after: Callable[[gr.events.Dependency], object]

    @property
    def outputs(self) -> set[Block]:
        """Outputs of an event that leads to Compare."""
        return {self.page.tabs, self.query, self.corpus, self.left, self.right, self.dimension}

    def open(self, controls: Updates) -> Updates:
        """The update that shows Compare with these values in its controls."""
        return {**self.page.show(TabName.COMPARE), **controls}
