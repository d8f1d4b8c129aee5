"""The pitfalls: choose a mistake, see one question both ways, measure all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

import gradio as gr
from markupsafe import Markup

from mrl_demo.core.types import TRAINED_DIMS, Progress
from mrl_demo.lab.lessons import LessonService
from mrl_demo.lessons.pitfalls import PITFALLS, THRESHOLD_PITFALL, PitfallReport
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn import view as learn_view
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import SEARCH
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button


class MistakeState(NamedTuple):
    """What is chosen: collection, method, length, mistake and question."""

    corpus: str
    arm: str
    dim: int
    name: str
    query: str


@dataclass(frozen=True)
class MistakeEvents:
    """Handlers of the pitfalls; none raises."""

    lessons: LessonService
    words: gr.HTML
    lists: gr.HTML
    work: LongWork
    table: gr.HTML

    def show(self, state: MistakeState) -> Updates:
        """One question both ways."""

        def draw() -> tuple[Markup, Markup]:
            """The mistake in words, and both rankings."""
            view = self.lessons.pitfall(state.corpus, state.arm, state.name, state.query, state.dim)
            return learn_view.pitfall_words(view), learn_view.two_rankings(view)

        words, lists = guarded(draw, lambda error: (notice(str(error), "error"), NOTHING))
        return {self.words: words, self.lists: lists}

    async def measure(self, state: MistakeState, request: gr.Request) -> AsyncIterator[Updates]:
        """Every mistake over many questions, with progress."""

        def work(progress: Progress) -> PitfallReport:
            """Measure every mistake."""
            return self.lessons.lab.pitfalls(state.corpus, state.arm, state.dim, progress=progress)

        def keep(report: PitfallReport) -> Updates:
            """Show the table."""
            return {self.table: learn_view.pitfall_table(report)}

        async for updates in self.work.follow(work, keep, request):
            yield updates


def lay_out_mistakes(lessons: LessonService, corpus: str, heavy: HeavyLine, tab: gr.Tab) -> None:
    """Lay out the pitfalls here and connect them; the first is shown when the tab is opened."""
    lab = lessons.lab
    names = [(pitfall.label, pitfall.name) for pitfall in (*PITFALLS, THRESHOLD_PITFALL)]
    full = lab.full_dim([lessons.arms[0]])
    with gr.Row(elem_classes="curves-row"):
        name = gr.Radio(names, value=PITFALLS[0].name, label="The mistake", elem_id=Id.LEARN_PITFALL)
    with gr.Row(elem_classes="curves-row"):
        corpora = [(choice.label, choice.name) for choice in lab.corpora()]
        collection = menu("Collection", corpora, corpus, Id.LEARN_PITFALL_CORPUS, min_width=200)
        arms = [(arm.label, arm.name) for arm in lab.builder.menu.arms() if arm.has_prefixes]
        arm = menu("Method", arms, lessons.arms[0], Id.LEARN_PITFALL_ARM, min_width=200)
        lengths = [(str(dim), dim) for dim in TRAINED_DIMS if dim < full]
        dim = gr.Radio(lengths, value=32, label="Numbers kept", elem_id=Id.LEARN_PITFALL_AT)
    with gr.Row(elem_classes="curves-row"):
        examples = lab.examples(corpus)
        first = examples[0].text if examples else ""
        query = gr.Textbox(first, label="Your question", max_lines=1, scale=6, elem_id=Id.LEARN_PITFALL_QUERY)
        go = gr.Button("Search both ways", variant="primary", scale=0, min_width=170, elem_id=Id.LEARN_PITFALL_GO)
    words, lists = live_html(NOTHING, Id.LEARN_PITFALL_WORDS), static_html(NOTHING, Id.LEARN_PITFALL_LISTS)
    with gr.Row(elem_classes="curves-row"):
        start = small_button("What do they all cost? Measure", Id.LEARN_PITFALL_ALL, 250)
        stop = small_button("Stop", Id.LEARN_PITFALL_STOP, 80, is_active=False)
    work = LongWork("pitfalls", start, stop, live_html(NOTHING, Id.LEARN_PITFALL_LINE), heavy, "measuring mistakes")
    table = static_html(html(""), Id.LEARN_PITFALL_TABLE)
    events = MistakeEvents(lessons, words, lists, work, table)
    form = Form(MistakeState, {"corpus": collection, "arm": arm, "dim": dim, "name": name, "query": query})
    for event in (go.click, query.submit, name.input, arm.input, dim.input, tab.select):
        event(form.bind(events.show), form.inputs, {words, lists}, **SEARCH)
    work.wire(form, events.measure, {table})
