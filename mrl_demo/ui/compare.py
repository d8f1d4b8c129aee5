"""The Compare tab: two arms side by side under one length slider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from mrl_demo.services import Lab
from mrl_demo.types import TRAINED_DIMS, LabError
from mrl_demo.ui import compare_view
from mrl_demo.ui.asking import Answer, ask, prepare
from mrl_demo.ui.components.dimension import dimension_markup
from mrl_demo.ui.components.examples import example_chips
from mrl_demo.ui.state import ViewState
from mrl_demo.ui.widgets import dimension_control, example_buttons, live_html, static_html

LABEL = "Compare"
FIRST_DIM = 64
#: What stands beside base at first: the best of these that is there.
RIGHT_ARMS = ("tuned", "adapted", "corpus-pca")
#: Events that encode or build share one queue, so that two visitors do not fight for the cores.
HEAVY: dict[str, Any] = {
    "concurrency_id": "heavy",
    "concurrency_limit": 2,
    "show_progress": "hidden",
    "api_visibility": "private",
}
LIGHT: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
STATE_SECONDS = 3_600
_PROGRESS = gr.Progress()


@dataclass(frozen=True)
class Parts:
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


def build(lab: Lab, corpus: str | None = None) -> None:
    """Lay out the tab inside the current Blocks, its first results already in it."""
    view = first_view(lab, corpus)
    ask(lab, replace(view, query="warm-up"), FIRST_DIM)  # Loads the models, so that times on the page are warm.
    answer = ask(lab, view, FIRST_DIM)
    if answer.comparison:
        view = replace(view, full_dim=compare_view.shared_full_dim(answer.comparison))
    parts = _layout(lab, view, answer)
    _wire(Events(lab), parts)


def first_view(lab: Lab, corpus: str | None = None) -> ViewState:
    """The first example of the corpus, under the first arm and the best contender there is."""
    names = [arm.name for arm in lab.arms()]
    right = next((name for name in RIGHT_ARMS if name in names), names[-1])
    corpus = corpus or lab.corpora()[0].name
    examples = lab.examples(corpus)
    return ViewState(examples[0].text if examples else "", corpus, (names[0], right))


def _layout(lab: Lab, view: ViewState, answer: Answer) -> Parts:
    found = answer.comparison
    full = compare_view.shared_full_dim(found) if found else TRAINED_DIMS[-1]
    arms = [(arm.label, arm.name) for arm in lab.arms()]
    with gr.Row(elem_id="ask", equal_height=True):
        query = gr.Textbox(
            view.query,
            label="Your question",
            placeholder="Ask anything",
            lines=1,
            max_lines=1,
            scale=8,
            show_label=False,
            elem_id="query",
        )
        search = gr.Button("Search", variant="primary", scale=0, min_width=112, elem_id="search")
    # Pressed by other tabs' scripts once they have chosen models here: it shows how far their vectors are.
    readied = gr.Button("Prepare and search", visible="hidden", elem_id="prepare")
    chips = example_buttons(lab.examples(view.corpus))
    with gr.Row(elem_id="choices"):
        corpora = [(choice.label, choice.name) for choice in lab.corpora()]
        corpus = gr.Dropdown(
            corpora, value=view.corpus, label="Collection", elem_id="corpus", min_width=200, filterable=False
        )
        left = gr.Dropdown(
            arms, value=view.arms[0], label="Left model", elem_id="left-arm", min_width=140, filterable=False
        )
        right = gr.Dropdown(
            arms, value=view.arms[1], label="Right model", elem_id="right-arm", min_width=140, filterable=False
        )
    dimension = dimension_control(FIRST_DIM, full, TRAINED_DIMS)
    notice = live_html(answer.notice_html, "notice")
    results = static_html(compare_view.results_html(found) if found else "", "results", "results.js")
    with gr.Column(elem_id="moves"):
        static_html(compare_view.MOVES_INTRO, "moves-intro")
        breaks = static_html(compare_view.breaks_html(found) if found else "", "breaks", "chart.js")
        chart = gr.Plot(compare_view.figure(found) if found else None, show_label=False, elem_id="rank-moves")
    state = gr.State(view, time_to_live=STATE_SECONDS)
    return Parts(query, search, readied, chips, corpus, left, right, dimension, notice, results, breaks, chart, state)


def _wire(events: Events, parts: Parts) -> None:
    for trigger in (parts.query.submit, parts.search.click):
        trigger(events.search, parts.asked, parts.answered, **HEAVY)
    parts.chips.pick(events.pick, parts.asked, [parts.query, *parts.answered], **HEAVY)
    parts.dimension.input(events.slide, parts.asked, [parts.notice, parts.results], trigger_mode="always_last", **LIGHT)
    preparing: dict[str, Any] = {"inputs": parts.menus, "outputs": parts.notice, **HEAVY, "show_progress": "full"}
    for chosen in (parts.left.input, parts.right.input, parts.prepare.click):
        chosen(events.prepare, **preparing).then(events.search_again, parts.asked, parts.answered, **HEAVY)
    parts.corpus.input(events.prepare, **preparing).then(
        events.change_corpus, parts.asked, [parts.query, parts.chips, *parts.answered], **HEAVY
    )


@dataclass(frozen=True)
class Events:
    """What the components call; each returns new values for its outputs and none raises."""

    lab: Lab

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
        return prepare(self.lab, view, lambda share, line: progress(share, desc=line)).notice_html

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
    """New values for `Parts.answered`; without a comparison everything but the notice stays as it is."""
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
