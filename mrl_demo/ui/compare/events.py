"""What the components of the Compare tab call."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.core.secret_names import PRIVATE_PREFIX
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare import view as compare_view
from mrl_demo.ui.compare.asking import ask, needs_build
from mrl_demo.ui.compare.part_menu import known_part, no_part, part_menu
from mrl_demo.ui.compare.parts import CompareParts
from mrl_demo.ui.compare.state import Answered, Build, CompareState
from mrl_demo.ui.components.cards import marks_html
from mrl_demo.ui.components.examples import SURPRISE, example_chips
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice, progress_bar
from mrl_demo.ui.shared.forms import Updates, told_by
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.heavy import HeavyLine, HeavyTask
from mrl_demo.ui.shared.served import left_out_words
from mrl_demo.ui.shared.visit import Visit
from mrl_demo.ui.shared.widgets import dimension_update
from mrl_demo.ui.shared.work import caller_of

#: The one build that a visitor waits for.
_BUILD = "build"


def takes_pictures(lab: LabProtocol, corpus: str) -> bool:
    """Whether a picture can be given to search a collection with: it holds pictures, and the page takes files."""
    return lab.settings.uploads_enabled and lab.has_pictures(corpus)


@dataclass(frozen=True)
class CompareEvents:
    """Handlers over the tab's state; each returns what changes, and none raises."""

    lab: LabProtocol
    parts: CompareParts
    builds: HeavyLine = field(default_factory=lambda: HeavyLine("builds"))

    def search(self, state: CompareState, request: gr.Request | None = None) -> Updates:
        """Search what stands in the box; if vectors are missing, ask for their build instead of waiting for it."""
        if not state.question.is_empty and needs_build(self.lab, state.question):
            number = state.wanted.number + 1 if state.wanted else 1
            return {self.parts.wanted: Build(state.corpus, state.arms, number)}
        if turn := self.builds.find(caller_of(request).session, _BUILD):
            turn.leave()
        return self._answer(state)

    def _answer(self, state: CompareState) -> Updates:
        is_new = state.answered is None or state.answered.question.corpus != state.corpus
        if is_new:
            state = replace(state, part=known_part(self.lab, state.corpus, state.part))
        answer = ask(self.lab, state.question, state.dim)
        comparison = answer.comparison
        if comparison is None:
            return {self.parts.notice: answer.notice_html}
        full = compare_view.shared_full_dim(comparison)
        question = replace(state.question, query=comparison.query)
        updates: Updates = {
            self.parts.notice: answer.notice_html,
            self.parts.results: compare_view.results_html(comparison),
            self.parts.breaks: compare_view.breaks_html(comparison),
            self.parts.chart: compare_view.figure(comparison),
            self.parts.answered: Answered(question, full),
        }
        updates |= self._marks(state, comparison.corpus, comparison.query)
        if is_new:
            updates[self.parts.part] = part_menu(self.lab, state.corpus, question.part)
        # The visitor may be dragging the slider: touch it only if it ends somewhere else now.
        if state.answered is None or state.answered.full_dim != full:
            updates[self.parts.dimension] = dimension_update(comparison.dim, full, TRAINED_DIMS)
        return updates

    def search_again(self, state: CompareState, request: gr.Request | None = None) -> Updates:
        """Search the box under other arms; an empty box means the last question."""
        last = state.answered.question.query if state.answered else ""
        query = state.query if (state.query or "").strip() else last
        return self.search(replace(state, query=query, dim=self._within(state)), request)

    def _within(self, state: CompareState) -> object:
        """The slider's length, or the end of the shorter model's vectors if it stands beyond that."""
        try:
            return min(state.dim, self.lab.full_dim(state.arms)) if isinstance(state.dim, int) else state.dim
        except LabError:
            return state.dim

    def pick(self, state: CompareState, event: gr.EventData, request: gr.Request | None = None) -> Updates:
        """Search the example that was clicked, or a question drawn at random."""
        position = told_by(event, "position")
        query = self._drawn(state.corpus) if position == SURPRISE else self._example(state.corpus, position)
        return {self.parts.query: query, **self.search(replace(state, query=query), request)}

    def search_picture(self, state: CompareState, request: gr.Request | None = None) -> Updates:
        """Search with the picture that was given; its file goes, what is searched with stays in memory."""
        if not state.picture:
            return {}
        path = Path(state.picture)
        try:
            query = self.lab.keep_picture(path)
        except LabError as error:
            return {self.parts.notice: notice(str(error).replace(str(path), path.name), "error")}
        finally:
            path.unlink(missing_ok=True)
        return {self.parts.query: query, **self.search(replace(state, query=query), request)}

    def _example(self, corpus: str, position: object) -> str:
        examples = self.lab.examples(corpus)
        place = position if isinstance(position, int) else 0
        return examples[place % len(examples)].text if examples else ""

    def _drawn(self, corpus: str) -> str:
        """A judged question, or a title if there is none."""
        loaded = self.lab.corpus(corpus)
        texts = [query.text for query in loaded.queries] or [document.title for document in loaded.documents]
        return random.choice([text for text in texts if text.strip()] or [self._example(corpus, 0)])  # noqa: S311

    def slide(self, state: CompareState) -> Updates:
        """Cut the last search's vectors at another length: new figures and cards, nothing encoded."""
        answer = ask(self.lab, state.answered.question if state.answered else state.question, state.dim)
        updates: Updates = {self.parts.notice: answer.notice_html}
        if answer.comparison:
            updates[self.parts.results] = compare_view.results_html(answer.comparison)
        return updates

    def redraw(self, state: CompareState) -> Updates:
        """The marks on the cards, and on a visitor's own collection the results with the answers known by now."""
        if state.answered is None:
            return {}
        question = state.answered.question
        marks = guarded(lambda: self._marks(state, question.corpus, question.query), lambda _: {})
        is_own = question.corpus.startswith(PRIVATE_PREFIX)
        comparison = ask(self.lab, question, state.dim).comparison if is_own else None
        if comparison is None:
            return marks
        return {
            **marks,
            self.parts.results: compare_view.results_html(comparison),
            self.parts.breaks: compare_view.breaks_html(comparison),
            self.parts.chart: compare_view.figure(comparison),
        }

    def _marks(self, state: CompareState, corpus: str, query: str) -> Updates:
        if self.parts.marks is None:
            return {}
        return {self.parts.marks: marks_html(called_answers(self.lab, state.visit, corpus, query))}

    async def build(self, state: CompareState, request: gr.Request) -> AsyncIterator[Updates]:
        """Encode and index what a search found missing, in turn with other visitors' builds; never raises."""
        wanted = state.wanted
        if wanted is None:
            return
        task = HeavyTask(
            (wanted.corpus, frozenset(wanted.arms)),
            f"building “{self.lab.label_of(wanted.corpus)}”",
            lambda progress: self.lab.prepare(wanted.corpus, wanted.arms, progress),
        )
        try:
            turn = self.builds.join(caller_of(request), _BUILD, task)
        except LabError as error:
            yield {self.parts.notice: notice(str(error), "error")}
            return
        async for now in turn.follow():
            yield {self.parts.notice: progress_bar(now.share, now.line)}
        if turn.problem:
            yield {self.parts.notice: notice(turn.problem, "info" if turn.was_stopped else "error")}
        elif not turn.has_left:
            yield {self.parts.notice: NOTHING, self.parts.built: wanted.number}

    def change_corpus(self, state: CompareState, request: gr.Request | None = None) -> Updates:
        """Search the new collection; an example of the old one gives way to the new one's first."""
        examples = self.lab.examples(state.corpus)
        old = {example.text for example in self.lab.examples(state.answered.question.corpus)} if state.answered else {}
        query = state.query or ""
        if examples and (query in old or not query.strip()):
            query = examples[0].text
        left, right = self.lab.arms_serving(state.corpus, (state.left, state.right))
        return {
            self.parts.query: query,
            self.parts.chips: example_chips(examples),
            self.parts.picture: gr.update(visible=takes_pictures(self.lab, state.corpus)),
            self.parts.left: left,
            self.parts.right: right,
            self.parts.part: no_part(),
            **self.search(replace(state, query=query, left=left, right=right, part=""), request),
        }

    def restore(self, values: Mapping[str, Any]) -> Updates:
        """The controls as an address has them; the slider ends where the shorter model's vectors do."""
        parts = self.parts
        controls: dict[str, Block] = {"q": parts.query, "corpus": parts.corpus, "layers": parts.layers}
        controls |= {"left": parts.left, "right": parts.right}
        updates: Updates = {controls[name]: value for name, value in values.items() if name in controls}
        if "corpus" in values and "part" in values:
            updates[parts.part] = part_menu(self.lab, values["corpus"], values["part"])
        arms = [(arm.label, arm.name) for arm in self.lab.arms()]  # Those that cannot serve go with the search.
        for name in {"left", "right"} & values.keys():
            updates[controls[name]] = gr.Dropdown(arms, value=values[name])
        if "corpus" in values:
            updates[parts.chips] = example_chips(self.lab.examples(values["corpus"]))
            updates[parts.picture] = gr.update(visible=takes_pictures(self.lab, values["corpus"]))
        if "dim" in values and "left" in values and "right" in values:
            full = self.lab.full_dim((values["left"], values["right"]))
            updates[parts.dimension] = dimension_update(min(values["dim"], full), full, TRAINED_DIMS)
        return updates

    def refresh_menus(self, state: CompareState) -> Updates:
        """The model menus with every model there is now that serves the collection, the visitor's own too.

        What is chosen there stays if it does.
        """
        arms = [(arm.label, arm.name) for arm in self.lab.arms()]
        own = [(arm.label, arm.name) for arm in (state.visit.arms if state.visit else ())]
        reasons = guarded(lambda: self.lab.unserved(state.corpus), lambda _: {})
        chosen = (state.left, state.right)
        serving = guarded(lambda: self.lab.arms_serving(state.corpus, chosen), lambda _: chosen)
        entries = [entry for entry in (*arms, *own) if entry[1] not in reasons] or [*arms, *own]
        labels = {name: label for label, name in (*arms, *own)}
        menus: Updates = {self.parts.left_out: left_out_words(reasons, labels, self.lab.settings)}
        for menu, before, after in zip((self.parts.left, self.parts.right), chosen, serving, strict=True):
            menus[menu] = gr.Dropdown(entries) if before == after else gr.Dropdown(entries, value=after)
        return menus


def called_answers(lab: LabProtocol, visit: Visit | None, corpus: str, question: str) -> list[int]:
    """Rows of the documents that the visitor called answers to a question on a collection."""
    own = visit.asking(corpus) if visit else None
    answers = set(lab.asked_private(own.name).answers_to(question)) if own else set()
    documents = lab.corpus(corpus).documents if answers else ()
    return [row for row, document in enumerate(documents) if document.id in answers]
