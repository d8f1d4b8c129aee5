"""The components of the Compare tab by name, and what its events read and fill."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from mrl_demo.ui.compare.state import CompareState
from mrl_demo.ui.shared.forms import Form


@dataclass(frozen=True)
class CompareParts:
    """The components that events read and write."""

    query: gr.Textbox
    search: gr.Button
    chips: gr.HTML
    picture: gr.UploadButton
    corpus: gr.Dropdown
    left: gr.Dropdown
    right: gr.Dropdown
    left_out: gr.HTML
    dimension: gr.HTML
    layers: gr.Slider
    part: gr.Dropdown
    notice: gr.HTML
    results: gr.HTML
    breaks: gr.HTML
    chart: gr.Plot
    answered: gr.State
    wanted: gr.State
    built: gr.State
    visit: gr.State
    marks: gr.HTML | None

    @property
    def form(self) -> Form[CompareState]:
        """The controls as one state."""
        return Form(
            CompareState,
            {
                "query": self.query,
                "picture": self.picture,
                "corpus": self.corpus,
                "left": self.left,
                "right": self.right,
                "dim": self.dimension,
                "layers": self.layers,
                "part": self.part,
                "answered": self.answered,
                "wanted": self.wanted,
                "visit": self.visit,
            },
        )

    @property
    def answer(self) -> set[Block]:
        """What a search fills."""
        filled = {self.notice, self.results, self.breaks, self.chart, self.dimension, self.answered, self.wanted}
        return {*filled, self.part, *([] if self.marks is None else [self.marks])}
