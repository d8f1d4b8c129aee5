"""For a class: a sheet by name, guesses of everybody who has the link as they come, the answers as CSV."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.lab.lessons import LessonService
from mrl_demo.lessons.class_set import SHEET_QUESTIONS, ClassGuesses, SheetCode, sheet_csv
from mrl_demo.lessons.guess import GuessRound
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn import view as learn_view
from mrl_demo.ui.learn.pictures import guess_histogram
from mrl_demo.ui.learn.words import teacher_notes
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.queues import LIGHT, SEARCH, STATE_SECONDS
from mrl_demo.ui.shared.widgets import static_html

#: How often the histogram looks for new guesses.
_LOOK_SECONDS = 3.0
FIRST_SHEET = "first"


class SheetState(NamedTuple):
    """The sheet's name, the question that is open (from 1), the length chosen now, and what this visitor has sent.

    `sent` has the guess for each sheet and question.
    """

    name: str
    number: int
    guess: int | None
    sent: dict[tuple[str, int], int]


@dataclass(frozen=True)
class SheetEvents:
    """Handlers of the class sheet; none raises."""

    lessons: LessonService
    corpus: str
    guesses: ClassGuesses
    question: gr.HTML
    choice: gr.Radio
    shown: gr.HTML
    file: gr.File
    timer: gr.Timer
    sent: gr.State

    @property
    def outputs(self) -> set[Block]:
        """What a handler fills."""
        return {self.question, self.choice, self.shown, self.timer, self.sent}

    def open(self, state: SheetState) -> Updates:
        """The question, with nothing told yet."""

        def ask() -> Updates:
            """Ask the sheet's question."""
            asked = self._asked(state)
            return {
                self.question: learn_view.guess_question(asked),
                self.choice: gr.Radio(choices=list(asked.choices), value=None),
                self.shown: NOTHING,
                self.timer: gr.Timer(active=False),
            }

        return guarded(ask, self._say)

    def send(self, state: SheetState) -> Updates:
        """Count the guess, in place of one sent before, and show those of the class."""
        if state.guess is None:
            return {self.shown: notice("Choose a length first.", "hint")}
        guess = state.guess

        def count() -> Updates:
            """Count the guess, in place of an earlier one of this visitor."""
            self._asked(state).steps_off(guess)  # Refuses what is not on offer.
            place = (state.name, state.number)
            self.guesses.add(SheetCode(state.name), state.number - 1, guess, state.sent.get(place))
            return {**self.watch(state), self.sent: {**state.sent, place: guess}}

        return guarded(count, self._say)

    def watch(self, state: SheetState) -> Updates:
        """The guesses of the class, looked for again and again from now on: what a teacher shows."""
        return {self.timer: gr.Timer(active=True), **self.look(state)}

    def look(self, state: SheetState) -> Updates:
        """The guesses of the class so far."""
        return guarded(lambda: self._histogram(state, is_told=False), self._say)

    def reveal(self, state: SheetState) -> Updates:
        """The guesses with the answer."""
        return guarded(lambda: {**self._histogram(state, is_told=True), self.timer: gr.Timer(active=False)}, self._say)

    def download(self, state: SheetState) -> Updates:
        """All answers of the sheet as a CSV file."""

        def write() -> Updates:
            """Write the sheet as a CSV file."""
            code = SheetCode(state.name)
            text = sheet_csv(code, self.lessons.sheet(self.corpus, self.lessons.arms[0], code), self.guesses)
            folder = Path(tempfile.mkdtemp(prefix="sheet-"))
            path = folder / f"sheet-{code.name}.csv"
            path.write_text(text, encoding="utf-8")
            return {self.file: gr.File(str(path), visible=True)}

        return guarded(write, self._say)

    def _histogram(self, state: SheetState, *, is_told: bool) -> Updates:
        asked = self._asked(state)
        counts = self.guesses.counts(SheetCode(state.name), state.number - 1)
        parts = [guess_histogram(counts, asked.choices, asked.truth if is_told else None)]
        if is_told and asked.truth is None:
            parts.append(notice("It is not among the first at any length, not even with all numbers."))
        return {self.shown: join_html(parts)}

    def _asked(self, state: SheetState) -> GuessRound:
        try:
            place = int(state.number) - 1
        except TypeError:
            raise LabError("No question of the sheet is chosen: choose one.") from None
        return self.lessons.sheet(self.corpus, self.lessons.arms[0], SheetCode(state.name))[place]

    def _say(self, error: Exception) -> Updates:
        return {self.shown: notice(str(error), "error"), self.timer: gr.Timer(active=False)}


def lay_out_sheet(lessons: LessonService, corpus: str, tab: gr.Tab) -> gr.Textbox:
    """Lay out the sheet here and connect it; gives the box of its name, which a link may fill."""
    full = lessons.lab.full_dim([lessons.arms[0]])
    with gr.Row(elem_classes="curves-row"):
        name = gr.Textbox(
            FIRST_SHEET,
            label="Name of the sheet: the same name gives everybody the same questions",
            info="Write it on the board, or give the class the link: Share, then Copy link.",
            max_lines=1,
            scale=4,
            min_width=280,
            elem_id=Id.LEARN_SHEET,
        )
        opened = gr.Button("Open the sheet", variant="primary", scale=0, min_width=150, elem_id=Id.LEARN_SHEET_OPEN)
    number = gr.Radio(list(range(1, SHEET_QUESTIONS + 1)), value=1, label="Question", elem_id=Id.LEARN_SHEET_NUMBER)
    question = static_html(html(""), Id.LEARN_SHEET_QUESTION)
    lengths = [*(dim for dim in TRAINED_DIMS if dim < full), full]
    choice = gr.Radio(
        lengths, value=None, label="It stays among the first ten from this many numbers", elem_id=Id.LEARN_SHEET_GUESS
    )
    with gr.Row(elem_classes="curves-row"):
        send = gr.Button("Send my guess", variant="primary", scale=0, min_width=150, elem_id=Id.LEARN_SHEET_SEND)
        watch = gr.Button("Show the class’s guesses", scale=0, min_width=200, elem_id=Id.LEARN_SHEET_WATCH)
        reveal = gr.Button("Reveal the answer", scale=0, min_width=160, elem_id=Id.LEARN_SHEET_REVEAL)
    shown = static_html(html(""), Id.LEARN_SHEET_CLASS)
    made = gr.Button("Answers as CSV", scale=0, min_width=150, size="sm")
    file = gr.File(label="Answers", visible=False, interactive=False, elem_id=Id.LEARN_SHEET_FILE)
    static_html(teacher_notes(), Id.LEARN_NOTES)
    timer = gr.Timer(_LOOK_SECONDS, active=False)
    sent = gr.State({}, time_to_live=STATE_SECONDS)
    events = SheetEvents(lessons, corpus, ClassGuesses(), question, choice, shown, file, timer, sent)
    form = Form(SheetState, {"name": name, "number": number, "guess": choice, "sent": sent})
    for event in (tab.select, opened.click, name.submit, number.input):
        event(form.bind(events.open), form.inputs, events.outputs, **SEARCH)
    send.click(form.bind(events.send), form.inputs, events.outputs, **SEARCH)
    watch.click(form.bind(events.watch), form.inputs, events.outputs, **SEARCH)
    reveal.click(form.bind(events.reveal), form.inputs, events.outputs, **SEARCH)
    timer.tick(form.bind(events.look), form.inputs, {shown, timer}, **LIGHT)
    made.click(form.bind(events.download), form.inputs, {file, shown, timer}, **SEARCH)
    return name
