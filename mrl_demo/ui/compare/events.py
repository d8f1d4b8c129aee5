"""What the components of the Compare tab call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare import view as compare_view
from mrl_demo.ui.compare.asking import Answer, ask, prepare_view
from mrl_demo.ui.compare.state import ViewState
from mrl_demo.ui.components.dimension import dimension_markup
from mrl_demo.ui.components.examples import example_chips

_PROGRESS = gr.Progress()


@dataclass(frozen=True)
class CompareParts:
    """The components that events read and write."""

    query: gr.Textbox
    search: gr.Button
    prepare: gr.Button
    chips: gr.HTML
    corpus: gr.Dropdown
    left: gr.Dropdown
    right: gr.Dropdown
    dimension: gr.HTML
    notice: gr.HTML
    results: gr.HTML
    breaks: gr.HTML
    chart: gr.Plot
    view: gr.State

    @property
    def asked(self) -> list[gr.blocks.Block]:
        """Inputs that make a search."""
        return [self.view, self.query, self.corpus, self.left, self.right, self.dimension]

    @property
    def menus(self) -> list[gr.blocks.Block]:
        """Inputs that say what has to be ready."""
        return [self.corpus, self.left, self.right]

    @property
    def answered(self) -> list[gr.blocks.Block]:
        """Outputs that a search fills, in the order of `_updates`."""
        return [self.notice, self.results, self.breaks, self.chart, self.dimension, self.view]


@dataclass(frozen=True)
class Events:
    """What the components call; each returns new values for its outputs and none raises."""

    lab: LabProtocol

    def search(
        self, view: ViewState | None, query: str, corpus: str, left: str, right: str, dim: object
    ) -> tuple[Any, ...]:
        """Search what stands in the box."""
        asked = ViewState(query or "", corpus, (left, right))
        return _updates(view, asked, ask(self.lab, asked, dim))

    def search_again(
        self, view: ViewState | None, query: str, corpus: str, left: str, right: str, dim: object
    ) -> tuple[Any, ...]:
        """Search the box under other arms; an empty box means the last question."""
        last = view.query if view else ""
        query = query if (query or "").strip() else last
        return self.search(view, query, corpus, left, right, self._within(dim, left, right))

    def _within(self, dim: object, left: str, right: str) -> object:
        """`dim`, or the end of the shorter model's vectors where the slider stood beyond it."""
        try:
            return min(dim, self.lab.full_dim((left, right))) if isinstance(dim, int) else dim
        except LabError:
            return dim

    def pick(
        self,
        view: ViewState | None,
        _query: str,
        corpus: str,
        left: str,
        right: str,
        dim: object,
        event: gr.EventData,
    ) -> tuple[Any, ...]:
        """Search the example that was clicked."""
        examples = self.lab.examples(corpus)
        position = event.position if isinstance(event.position, int) else 0
        query = examples[position % len(examples)].text if examples else ""
        return (query, *self.search(view, query, corpus, left, right, dim))

    def slide(
        self, view: ViewState | None, query: str, corpus: str, left: str, right: str, dim: object
    ) -> tuple[Any, ...]:
        """Cut the last search's vectors at another length: new figures and cards, nothing encoded."""
        answer = ask(self.lab, view or ViewState(query or "", corpus, (left, right)), dim)
        found = answer.comparison
        return answer.notice_html, gr.skip() if found is None else compare_view.results_html(found)

    def prepare(self, corpus: str, left: str, right: str, progress: gr.Progress = _PROGRESS) -> str:
        """Encode and index what a menu asks for, with a bar; the search that follows is then instant."""
        view = ViewState("", corpus, (left, right))
        return prepare_view(self.lab, view, lambda share, line: progress(share, desc=line)).notice_html

    def change_corpus(
        self, view: ViewState | None, query: str, corpus: str, left: str, right: str, dim: object
    ) -> tuple[Any, ...]:
        """Search the new collection; an example of the old one gives way to the new one's first."""
        examples = self.lab.examples(corpus)
        old = {example.text for example in self.lab.examples(view.corpus)} if view else set()
        if examples and (query in old or not (query or "").strip()):
            query = examples[0].text
        return (query, example_chips(examples), *self.search(view, query, corpus, left, right, dim))


def _updates(before: ViewState | None, asked: ViewState, answer: Answer) -> tuple[Any, ...]:
    """New values for `CompareParts.answered`; without a comparison everything but the notice stays as it is."""
    found = answer.comparison
    if found is None:
        return (answer.notice_html, *(gr.skip() for _ in range(5)))
    full = compare_view.shared_full_dim(found)
    control = gr.skip()  # The visitor may be dragging it: touch it only where it ends somewhere else now.
    if before is None or before.full_dim != full:
        control = gr.HTML(value=found.dim, markup=dimension_markup(found.dim, full, TRAINED_DIMS))
    return (
        answer.notice_html,
        compare_view.results_html(found),
        compare_view.breaks_html(found),
        compare_view.figure(found),
        control,
        replace(asked, query=found.query, full_dim=full),
    )
