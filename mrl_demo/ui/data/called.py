"""Answers one by one: a card of Compare is called the answer, or an answer in the list is taken back; used at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.corpora.questions.judged import QuestionSet
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.data.questions import QuestionSection
from mrl_demo.ui.data.view import row_removed
from mrl_demo.ui.shared.forms import Form, Updates, told_by
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import CompareDoor, Page
from mrl_demo.ui.shared.own_menus import OwnMenus, own_label
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.visit import OwnCollection, Visit


class QuestionOnShow(Protocol):
    """A question and the collection it was put to."""

    @property
    def query(self) -> str:
        """What was asked."""
        ...

    @property
    def corpus(self) -> str:
        """The name of the collection."""
        ...


class AnsweredOnShow(Protocol):
    """What Compare keeps of the results on show."""

    @property
    def question(self) -> QuestionOnShow:
        """The question that the results answer."""
        ...


@dataclass(frozen=True)
class CalledState:
    """What the press of a card's button means: the question on show, what the visit has, and what the table holds."""

    visit: Visit
    answered: AnsweredOnShow | None
    of: str | None
    table: str | None
    menus: Mapping[str, object]


def called_state(
    *, visit: Visit, answered: AnsweredOnShow | None, of: str | None, table: str | None, **menus: object
) -> CalledState:
    """The state behind the values that the components send; what is not named here are menus of collections."""
    return CalledState(visit, answered, of, table, menus)


@dataclass(frozen=True)
class CalledAnswers:
    """Takes the presses; `shown` gives what else changes once the visit has something."""

    lab: LabProtocol
    compare: CompareDoor
    section: QuestionSection
    menus: OwnMenus
    shown: Callable[[Visit], Updates]

    def call(self, state: CalledState, event: gr.EventData) -> Updates:
        """Keep or take back what a card's button says; never raises."""

        def call() -> Updates:
            """Judge the result whose button was pressed."""
            if state.answered is None:
                raise LabError("There is no question on show: search first.")
            is_answer = bool(told_by(event, "pressed"))
            return self._call(state, state.answered.question, told_by(event, "document"), is_answer=is_answer)

        return guarded(call, lambda error: {self.compare.notice: notice(str(error), "error")})

    def _call(self, state: CalledState, question: QuestionOnShow, row: object, *, is_answer: bool) -> Updates:
        corpus = self.lab.corpus(question.corpus)
        if not isinstance(row, int) or not 0 <= row < len(corpus):
            raise LabError(f"{row!r} is no document of this collection: search again.")
        own = state.visit.asking_or(corpus.name, lambda: self._begin(corpus.name))
        asked, updates = self._answer(state, own, question.query, corpus.documents[row].id, is_answer=is_answer)
        return {**updates, self.compare.notice: notice(_words(own, asked))}

    def take_back(self, state: CalledState, event: gr.EventData) -> Updates:
        """Remove the answer whose button in the list was pressed; never raises."""

        def take_back() -> Updates:
            """Take the judgement back whose button was pressed."""
            own = state.visit.named(state.of or "")
            answer = row_removed(self.lab.asked_private(own.name), told_by(event, "position")) if own else None
            if own is None or answer is None:  # Pressed twice: the list has changed since.
                return {}
            asked, updates = self._answer(state, own, *answer, is_answer=False)
            return {**updates, self.section.said: notice(_words(own, asked))}

        return guarded(take_back, lambda error: {self.section.said: notice(str(error), "error")})

    def _answer(
        self, state: CalledState, own: OwnCollection, question: str, document_id: str, *, is_answer: bool
    ) -> tuple[QuestionSet, Updates]:
        """The questions on a collection after an answer more or less, and what shows them."""
        before = self.lab.asked_private(own.name)
        asked = self.lab.answer_private(own.name, question, document_id, is_answer=is_answer)
        if own.shared and not asked.queries:
            state.visit.remove(self.lab, own.name)
        return asked, {**self._listed(state, own, before), **self.shown(state.visit)}

    def _begin(self, shared: str) -> OwnCollection:
        name = self.lab.add_private_questions(shared)
        corpus = self.lab.corpus(name)
        return OwnCollection(name, corpus.label, len(corpus), shared=shared)

    def _listed(self, state: CalledState, own: OwnCollection, before: QuestionSet) -> Updates:
        """The menus, and the questions on the collection; rows that were typed and not used yet stay in the table."""
        visit = state.visit
        is_there = visit.named(own.name) is not None
        chosen = own.name if is_there else next((each.name for each in visit.collections), "")
        is_typed = (state.table or "").strip() not in {"", before.to_csv().strip()} and state.of == own.name
        listed = self.section.listed(self.lab, visit, chosen, state.table if is_typed and is_there else None)
        return {**self.menus.filled(visit, state.menus), **listed}

    def wire(self, page: Page, shown: set[Block]) -> None:
        """Hear the cards and the list; Compare then shows what is known by now."""
        marks, controls = self.compare.marks, self.section.controls
        parts = {"visit": page.visit, "answered": self.compare.answered, "of": controls["of"]}
        form = Form(called_state, {**parts, "table": controls["table"], **self.menus.parts})
        filled = {*self.section.listing, *self.menus.blocks, *shown}
        took = self.section.asked.pick(form.bind(self.take_back), form.inputs, {self.section.said, *filled}, **LIGHT)
        self.compare.redraw_after(took)
        if marks is not None:
            called = marks.pick(form.bind(self.call), form.inputs, {self.compare.notice, *filled}, **LIGHT)
            self.compare.redraw_after(called)


def _words(own: OwnCollection, asked: QuestionSet) -> str:
    rows, questions = len(asked.rows()), len(asked.queries)
    if not rows:
        return "Taken back: no answers of yours are left."
    count = f"{rows:,} answer{'s' * (rows != 1)} of yours to {questions:,} question{'s' * (questions != 1)}"
    return (
        f"Noted, for this visit: {count}. Curves, Decide and Funnel measure by them on “{own_label(own)}”; the tab "
        "Your data lists them and saves them."
    )
