"""Walk the tree: choose collection and method, ask a question, and lengthen the prefix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

import gradio as gr

from mrl_demo.core.types import Progress
from mrl_demo.lab.lessons import LessonService
from mrl_demo.trees.prefix_tree import TREE_DIMS, PrefixTree
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn.tree_view import TREE_WORDS, tree_html
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.queues import FOLLOW
from mrl_demo.ui.shared.served import ServedMenus, left_out_line
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

_FIRST_ARM = "hierarchical"


class TreeState(NamedTuple):
    """What is chosen: collection, method, question, and how far down the way stands open."""

    corpus: str
    arm: str
    query: str | None
    dim: int


@dataclass(frozen=True)
class TreeEvents:
    """Handlers of the tree; none raises."""

    lessons: LessonService
    work: LongWork
    shown: gr.HTML

    async def show(self, state: TreeState) -> AsyncIterator[Updates]:
        """The tree at once if its vectors are there, else how to make them."""
        if guarded(lambda: self.lessons.lab.is_ready(state.corpus, [state.arm]), lambda _: True):
            yield await asyncio.to_thread(self._draw, state)
            return
        label = self.lessons.lab.label_of(state.corpus)
        words = f"{label} is not embedded by this method yet: press “Grow the tree”."
        yield {self.work.line: notice(words, "hint"), self.shown: NOTHING}

    def _draw(self, state: TreeState) -> Updates:
        def draw() -> Updates:
            """Draw the tree if it is grown already."""
            tree = self.lessons.tree(state.corpus, state.arm, state.query or "")
            return {self.work.line: NOTHING, **self._keep(state, tree)}

        return guarded(draw, lambda error: {self.work.line: notice(str(error), "error"), self.shown: NOTHING})

    async def grow(self, state: TreeState, request: gr.Request) -> AsyncIterator[Updates]:
        """Embed what is missing and grow the tree, with progress."""

        def work(progress: Progress) -> PrefixTree:
            """Grow the tree."""
            return self.lessons.tree(state.corpus, state.arm, state.query or "", progress)

        async for updates in self.work.follow(work, lambda tree: self._keep(state, tree), request):
            yield updates

    def _keep(self, state: TreeState, tree: PrefixTree) -> Updates:
        return {self.shown: tree_html(tree, int(state.dim))}


def lay_out_tree(lessons: LessonService, corpus: str, heavy: HeavyLine, visit: gr.State, tab: gr.Tab) -> None:
    """Lay out the tree here and connect it; it is grown when the view is opened."""
    lab = lessons.lab
    static_html(TREE_WORDS, Id.LEARN_TREE_WORDS)
    with gr.Row(elem_classes="curves-row"):
        corpora = [(choice.label, choice.name) for choice in lab.corpora()]
        collection = menu("Collection", corpora, corpus, Id.LEARN_TREE_CORPUS, min_width=200)
        arms = [(arm.label, arm.name) for arm in lab.builder.menu.arms() if arm.has_prefixes]
        names = [name for _, name in arms]
        first = _FIRST_ARM if _FIRST_ARM in names else lessons.arms[0]
        arm = menu("Method", arms, first, Id.LEARN_TREE_ARM, min_width=200)
        dim = gr.Radio(list(TREE_DIMS), value=TREE_DIMS[1], label="Walk down to", elem_id=Id.LEARN_TREE_AT)
    with gr.Row(elem_classes="curves-row"):
        examples = lab.examples(corpus)
        asked = examples[0].text if examples else ""
        query = gr.Textbox(asked, label="Your question", max_lines=1, scale=6, elem_id=Id.LEARN_TREE_QUERY)
        start = small_button("Grow the tree", Id.LEARN_TREE_GROW, 150)
        stop = small_button("Stop", Id.LEARN_TREE_STOP, 80, is_active=False)
    served = ServedMenus(lab, {Id.LEARN_TREE_ARM: arm}, left_out_line(Id.LEARN_TREE_LEFT_OUT))
    work = LongWork("tree", start, stop, live_html(NOTHING, Id.LEARN_TREE_LINE), heavy)
    shown = static_html(html(""), Id.LEARN_TREE)
    events = TreeEvents(lessons, work, shown)
    form = Form(TreeState, {"corpus": collection, "arm": arm, "query": query, "dim": dim})
    for event in (
        served.wire(tab.select, collection, visit).then,
        served.wire(collection.input, collection, visit).then,
        arm.input,
        query.submit,
        dim.input,
    ):
        event(form.bind(events.show), form.inputs, {work.line, shown}, **FOLLOW)
    work.wire(form, events.grow, {shown})
