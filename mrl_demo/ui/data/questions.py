"""The section where a visitor says what is asked of their documents, and which of them answer it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import make_archive

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Document, Progress
from mrl_demo.corpora.beir import write_beir
from mrl_demo.corpora.questions import question_rows
from mrl_demo.corpora.reading import TABLE_TYPES
from mrl_demo.corpora.weak_pairs import training_pairs
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.lab.written_questions import WrittenQuestions
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.data.intake import discard_uploads, files_named_alone
from mrl_demo.ui.data.state import OwnDocuments
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.queues import LIGHT, SEARCH, TRAINING
from mrl_demo.ui.shared.saving import SaveButton, SavedBytes, SavedText
from mrl_demo.ui.shared.widgets import live_html, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

#: Questions that a model is asked for at a time: a visitor waits for them, and the owner may pay for them.
WRITTEN_AT_ONCE = 20
_CANDIDATES = 10
_MOST_TABLE_CHARS = 500_000
_WORDS = html(
    '<h2>Questions for them</h2><p class="lead">Curves and Decide measure by questions with known answers. Ask yours'
    " here and tick what answers it, or give a table of questions (columns query and document_id, or query and"
    " positive, the answer's text). They belong to this visit as your documents do. Without any, titles and first"
    " sentences stand in: pairs to train on are weak then, and their file is called so.</p>"
)
_NO_PAIRS = "First embed your documents: 20 with a title or several sentences, or with questions."
_TABLE_TYPES = [kind for kind in TABLE_TYPES if kind != ".parquet"]


@dataclass(frozen=True)
class QuestionState:
    """What the section's controls hold, as the browser sends it."""

    own: OwnDocuments | None
    question: str | None
    answers: list[str] | None
    table: str | None
    file: str | None

    @property
    def name(self) -> str:
        """The secret name of the visitor's collection; raises `LabError` if there is none."""
        if self.own is None:
            raise LabError("There are no documents of yours yet: choose some above and press “Embed and use it”.")
        return self.own.name


@dataclass(frozen=True)
class QuestionParts:
    """What the section lays out; `written` is None if no model writes questions here."""

    controls: Mapping[str, Block]
    search: gr.Button
    add: gr.Button
    use: gr.Button
    save: SaveButton
    pairs: SaveButton
    said: gr.HTML
    written: LongWork | None


def lay_out_questions(page: Page, own: gr.State, delete: gr.Button) -> None:
    """Lay out and wire the section here, for the collection that `own` holds until `delete` is pressed."""
    static_html(_WORDS, Id.DATA_QUESTIONS_WORDS)
    controls: dict[str, Block] = {}
    with gr.Row(elem_classes="curves-row measure-row"):
        controls["question"] = gr.Textbox("", label="Your question", max_length=2_000, elem_id=Id.DATA_QUESTION)
        search = small_button("Find answers", Id.DATA_QUESTION_SEARCH, 130)
    controls["answers"] = gr.CheckboxGroup([], label="Tick what answers it", elem_id=Id.DATA_ANSWERS, visible=False)
    add = gr.Button("These answer it", size="sm", scale=0, min_width=150, visible=False, elem_id=Id.DATA_ANSWERS_ADD)
    controls["table"] = gr.Textbox(
        "", label="All your questions, as a table to edit", lines=4, max_lines=12, elem_id=Id.DATA_QUESTION_TABLE
    )
    controls["file"] = gr.File(
        label="Or a file of questions", file_types=list(_TABLE_TYPES), height=130, elem_id=Id.DATA_QUESTION_FILE
    )
    with gr.Row(elem_classes="curves-row measure-row"):
        use = small_button("Use these questions", Id.DATA_QUESTIONS_USE, 170)
        written = _writing_buttons(page)
    said = live_html(NOTHING, Id.DATA_QUESTIONS_SAID)
    save = SaveButton("Save documents and questions (BEIR, zip)", Id.DATA_QUESTIONS_SAVE, "First embed your documents.")
    pairs = SaveButton("Save pairs to train on (CSV)", Id.DATA_PAIRS, _NO_PAIRS)
    parts = QuestionParts(controls, search, add, use, save, pairs, said, written)
    form, events = Form(QuestionState, {**controls, "own": own}), QuestionEvents(page.lab, parts)
    _wire(events, form)
    delete.click(form.bind(events.clear), form.inputs, {said, add, *controls.values()}, **LIGHT)


def _writing_buttons(page: Page) -> LongWork | None:
    settings = page.lab.settings
    if not settings.chat_url:
        return None
    label = f"Let {shorten(settings.chat_model, 30)} write {WRITTEN_AT_ONCE}"
    start = small_button(label, Id.DATA_QUESTIONS_WRITE, 200)
    stop = small_button("Stop", Id.DATA_QUESTIONS_STOP, 80, is_active=False)
    return LongWork("questions", start, stop, live_html(NOTHING, Id.DATA_QUESTIONS_NOTICE), page.measurements)


def _wire(events: QuestionEvents, form: Form[QuestionState]) -> None:
    parts, controls = events.parts, events.parts.controls
    candidates = {controls["answers"], parts.add, parts.said}
    for asked in (parts.search.click, controls["question"].submit):
        asked(form.bind(events.find), form.inputs, candidates, **SEARCH)
    kept = {parts.said, controls["table"]}
    parts.add.click(form.bind(events.add), form.inputs, kept | candidates | {controls["question"]}, **LIGHT)
    parts.use.click(form.bind(events.use), form.inputs, kept, **TRAINING)
    controls["file"].upload(form.bind(events.use_file), form.inputs, kept, **TRAINING)
    parts.save.wire(form, events.save)
    parts.pairs.wire(form, events.pairs)
    if parts.written is not None:
        parts.written.wire(form, events.write, kept)


@dataclass(frozen=True)
class QuestionEvents:
    """Handlers over the section's state; each returns what changes, and none raises."""

    lab: LabProtocol
    parts: QuestionParts

    def find(self, state: QuestionState) -> Updates:
        """Documents that may answer the question, by the first two methods at full length."""

        def search() -> Updates:
            entries = [
                (_shown(each), each.id) for each in candidate_answers(self.lab, state.name, state.question or "")
            ]
            shown = gr.CheckboxGroup(entries, value=[], visible=True)
            return {
                self.parts.controls["answers"]: shown,
                self.parts.add: gr.Button(visible=True),
                self.parts.said: NOTHING,
            }

        return self._guarded(search)

    def add(self, state: QuestionState) -> Updates:
        """The question with the documents ticked, added to the others and used at once."""

        def add() -> Updates:
            question = (state.question or "").strip()
            if not question or not state.answers:
                raise LabError("Nothing is ticked: write a question, press “Find answers”, and tick what answers it.")
            more = question_rows([(question, answer, 1.0, "") for answer in state.answers], has_head=not state.table)
            updates = self._used(state, _text_file(f"{(state.table or '').rstrip()}\n{more}".lstrip()))
            hidden = gr.CheckboxGroup([], value=[], visible=False)
            cleared = {self.parts.controls["question"]: "", self.parts.controls["answers"]: hidden}
            return {**updates, **cleared, self.parts.add: gr.Button(visible=False)}

        return self._guarded(add)

    def use(self, state: QuestionState) -> Updates:
        """Measure by the table as it stands."""
        return self._guarded(lambda: self._used(state, _text_file(state.table or "")))

    def use_file(self, state: QuestionState) -> Updates:
        """Measure by a file, which then stands in the table."""
        return self._guarded(lambda: self._used(state, _given_file(state.file)))

    def clear(self, state: QuestionState) -> Updates:
        """Forget what was asked, and the file that was read."""
        discard_uploads([state.file] if state.file else [])
        controls = self.parts.controls
        hidden = {
            controls["answers"]: gr.CheckboxGroup([], value=[], visible=False),
            self.parts.add: gr.Button(visible=False),
        }
        cleared = {controls["question"]: "", controls["table"]: "", controls["file"]: None, self.parts.said: NOTHING}
        return {**hidden, **cleared}

    def save(self, state: QuestionState) -> SavedBytes | None:
        """Documents, questions and answers as a zip of a BEIR folder; None if there are no documents."""
        try:
            return SavedBytes("own-documents.zip", "application/zip", beir_archive(self.lab.corpus(state.name)))
        except LabError:
            return None

    def pairs(self, state: QuestionState) -> SavedText | None:
        """Pairs that the Train tab takes, named weak if nobody asked; None if there are none."""
        try:
            made = training_pairs(self.lab.corpus(state.name))
        except LabError:
            return None
        return SavedText("weak-pairs.csv" if made.stand_ins else "pairs.csv", "text/csv", made.to_csv())

    async def write(self, state: QuestionState, request: gr.Request) -> AsyncIterator[Updates]:
        """Let the owner's model write some into the table, where they are read and corrected before they are used."""

        def work(progress: Progress) -> WrittenQuestions:
            return self.lab.write_questions(state.name, count=WRITTEN_AT_ONCE, progress=progress)

        def keep(written: WrittenQuestions) -> Updates:
            said = f"{written.sentence()} Read and correct them, then press “Use these questions”."
            more = question_rows(written.rows(), has_head=not state.table)
            table = f"{(state.table or '').rstrip()}\n{more}".lstrip()
            return {self.parts.controls["table"]: table, self.parts.said: notice(said)}

        if self.parts.written is not None:
            async for updates in self.parts.written.follow(work, keep, request):
                yield updates

    def _used(self, state: QuestionState, given: AbstractContextManager[Path]) -> Updates:
        with given as path:
            asked = self.lab.ask_private(state.name, path)
        left_out = " ".join(str(note) for note in asked.notes)
        count = f"{len(asked.queries):,} question{'s' * (len(asked.queries) != 1)} of yours"
        said = f"Compare, Curves, Decide and Funnel know {count} now. {left_out}"
        return {self.parts.said: notice(said), self.parts.controls["table"]: asked.to_csv()}

    def _guarded(self, work: Callable[[], Updates]) -> Updates:
        return guarded(work, lambda error: {self.parts.said: notice(str(error), "error")})


def candidate_answers(lab: LabProtocol, name: str, question: str) -> list[Document]:
    """What the first two methods find at full length, taken in turn; raises as `Lab.compare` does."""
    arms = [arm.name for arm in lab.arms()][:2]
    compared = lab.compare(question, corpus=name, arms=arms, dim=lab.full_dim(arms), top_k=_CANDIDATES)
    ranked = sorted((hit.rank, side, hit.document) for side, arm in enumerate(compared.arms) for hit in arm.result.hits)
    return list({document.id: document for _, _, document in ranked}.values())[:_CANDIDATES]


def beir_archive(corpus: Corpus) -> bytes:
    """A zip of the collection in the BEIR layout."""
    with tempfile.TemporaryDirectory(prefix="matryoshka-own-") as folder:
        write_beir(corpus, Path(folder) / "own")
        return Path(make_archive(f"{folder}/own-documents", "zip", folder, "own")).read_bytes()


@contextmanager
def _text_file(text: str) -> Iterator[Path]:
    if not text.strip():
        raise LabError("The table is empty: ask a question above, or write query,document_id and a row a question.")
    if len(text) > _MOST_TABLE_CHARS:
        raise LabError(f"{len(text):,} characters are too many for the table: give them as a file.")
    with tempfile.TemporaryDirectory(prefix="matryoshka-own-") as folder:
        path = Path(folder) / "your questions.csv"
        path.write_text(text, encoding="utf-8", errors="replace")
        with files_named_alone(path.parent):
            yield path


@contextmanager
def _given_file(given: str | None) -> Iterator[Path]:
    path = Path(given or "")
    if not given or not path.is_file():
        raise LabError("The file did not arrive: choose it again.")
    if not any(path.name.lower().removesuffix(".gz").endswith(kind) for kind in _TABLE_TYPES):
        raise LabError(f"{path.name}: questions are read from {', '.join(_TABLE_TYPES)}.")
    with files_named_alone(path.parent):
        yield path


def _shown(document: Document) -> str:
    return shorten(f"{document.title or document.id}: {document.text}", 160)
