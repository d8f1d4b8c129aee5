"""The Compare tab: two arms side by side under one length slider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from mrl_demo.arms.catalogue import best_contender
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare import view as compare_view
from mrl_demo.ui.compare.asking import Answer, ask
from mrl_demo.ui.compare.events import CompareParts, Events
from mrl_demo.ui.compare.state import ViewState
from mrl_demo.ui.shared.links import COMPARE_LABEL
from mrl_demo.ui.shared.queues import HEAVY, LIGHT, STATE_SECONDS
from mrl_demo.ui.shared.widgets import dimension_control, example_buttons, live_html, static_html

LABEL = COMPARE_LABEL
FIRST_DIM = 64


def build(lab: LabProtocol, corpus: str | None = None) -> None:
    """Lay out the tab inside the current Blocks, its first results already in it."""
    view = first_view(lab, corpus)
    ask(lab, replace(view, query="warm-up"), FIRST_DIM)  # Loads the models, so that times on the page are warm.
    answer = ask(lab, view, FIRST_DIM)
    if answer.comparison:
        view = replace(view, full_dim=compare_view.shared_full_dim(answer.comparison))
    parts = _layout(lab, view, answer)
    _wire(Events(lab), parts)


def first_view(lab: LabProtocol, corpus: str | None = None) -> ViewState:
    """The first example of the corpus, under the first arm and the best contender there is."""
    names = [arm.name for arm in lab.arms()]
    right = best_contender(names) or names[-1]
    corpus = corpus or lab.corpora()[0].name
    examples = lab.examples(corpus)
    return ViewState(examples[0].text if examples else "", corpus, (names[0], right))


def _layout(lab: LabProtocol, view: ViewState, answer: Answer) -> CompareParts:
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
    return CompareParts(
        query, search, readied, chips, corpus, left, right, dimension, notice, results, breaks, chart, state
    )


def _wire(events: Events, parts: CompareParts) -> None:
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
