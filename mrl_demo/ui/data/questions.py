"""The section where a visitor says what is asked of documents, and which of them answer it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import make_archive

import gradio as gr
from gradio.blocks import Block
from markupsafe import Markup

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Document, Progress
from mrl_demo.corpora.own.beir import write_beir
from mrl_demo.corpora.questions.judged import QuestionSet, question_rows
from mrl_demo.corpora.questions.weak_pairs import training_pairs
from mrl_demo.corpora.reading import TABLE_TYPES
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.lab.written_questions import WrittenQuestions
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.data import view as data_view
from mrl_demo.ui.data.intake import files_named_alone
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.own_menus import own_label
from mrl_demo.ui.shared.queues import LIGHT, SEARCH, TRAINING
from mrl_demo.ui.shared.saving import SaveButton, SavedBytes, SavedText
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.visit import OwnCollection, Visit, discard_uploads
from mrl_demo.ui.shared.widgets import live_html, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

#: Questions that a model is asked for at a time: a visitor waits for them, and the owner may pay for them.
WRITTEN_AT_ONCE = 20
_CANDIDATES = 10
_MOST_TABLE_CHARS = 500_000
_NOTHING_TO_ASK = (
    "There are no documents of yours yet: choose some above and press “Embed and use it”, or press “This is the answer”"
    " on a card of Compare."
)
_WORDS = html(
    '<h2>Questions for them</h2><p class="lead">Curves and Decide measure by questions with known answers. Ask yours'
    " here and tick what answers it, press “This is the answer” on cards of Compare, or give a table of questions"
    " (columns query and document_id, or query and positive, the answer's text). They belong to this visit as your"
    " documents do. Without any, titles and first sentences stand in: pairs to train on are weak then, and their file"
    " is called so.</p>"
)
_NO_PAIRS = "First embed your documents: 20 with a title or several sentences, or with questions."
_TABLE_TYPES = [kind for kind in TABLE_TYPES if kind != ".parquet"]


@dataclass(frozen=True)
class QuestionState:
    """What the section's controls hold, as the browser sends it; `of` is the collection that is asked."""

    visit: Visit
    of: str | None
    question: str | None
    answers: list[str] | None
    table: str | None
    file: str | None

    @property
    def chosen(self) -> OwnCollection | None:
        """The collection that is asked: the one that is chosen, or the first there is."""
        return self.visit.named(self.of or "") or next(iter(self.visit.collections), None)

    @property
    def name(self) -> str:
        """The secret name of that collection; raises `LabError` if there is none."""
        if self.chosen is None:
            raise LabError(_NOTHING_TO_ASK)
        return self.chosen.name


@dataclass(frozen=True)
class QuestionSection:
    """What the section lays out; `written` is None if no model writes questions here."""

    controls: Mapping[str, Block]
    search: gr.Button
    add: gr.Button
    use: gr.Button
    save: SaveButton
    pairs: SaveButton
    said: gr.HTML
    asked: gr.HTML
    written: LongWork | None

    @property
    def listing(self) -> set[Block]:
        """What shows the questions there are: which collection's, the table, the list."""
        return {self.controls["of"], self.controls["table"], self.asked}

    @property
    def cleared(self) -> set[Block]:
        """What `empty` fills."""
        return {*self.controls.values(), self.asked, self.said, self.add}

    def listed(self, lab: LabProtocol, visit: Visit, chosen: str, table: str | None = None) -> Updates:
        """The questions of one of the visit's collections; `table` if it is not what was asked that stands there."""
        asked = lab.asked_private(chosen)
        entries = [(own_label(each), each.name) for each in visit.collections]
        return {
            self.controls["of"]: gr.Dropdown(entries, value=chosen or None, visible=bool(entries)),
            self.controls["table"]: (asked.to_csv() if asked.queries else "") if table is None else table,
            self.asked: data_view.asked_html(asked, _titles(lab, chosen) if asked.queries else {}),
        }

    def empty(self, lab: LabProtocol, visit: Visit) -> Updates:
        """The section with nothing in it."""
        hidden = {self.controls["answers"]: gr.CheckboxGroup([], value=[], visible=False)}
        cleared = {self.controls["question"]: "", self.controls["file"]: None, self.said: NOTHING}
        return {**self.listed(lab, visit, ""), **hidden, **cleared, self.add: gr.Button(visible=False)}


def lay_out_questions(page: Page) -> QuestionSection:
    """Lay out and wire the section here, for the collections of the visit."""
    static_html(_WORDS, Id.DATA_QUESTIONS_WORDS)
    controls: dict[str, Block] = {}
    controls["of"] = gr.Dropdown([], label="Questions on", visible=False, filterable=False, elem_id=Id.DATA_ASKED_OF)
    with gr.Row(elem_classes="curves-row measure-row"):
        controls["question"] = gr.Textbox("", label="Your question", max_length=2_000, elem_id=Id.DATA_QUESTION)
        search = small_button("Find answers", Id.DATA_QUESTION_SEARCH, 130)
    controls["answers"] = gr.CheckboxGroup([], label="Tick what answers it", elem_id=Id.DATA_ANSWERS, visible=False)
    add = gr.Button("These answer it", size="sm", scale=0, min_width=150, visible=False, elem_id=Id.DATA_ANSWERS_ADD)
    asked = static_html(NOTHING, Id.DATA_ASKED, read_script("picks.js"))
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
    section = QuestionSection(controls, search, add, use, save, pairs, said, asked, written)
    _wire(QuestionEvents(page.lab, section), Form(QuestionState, {**controls, "visit": page.visit}))
    return section


def _writing_buttons(page: Page) -> LongWork | None:
    settings = page.lab.settings
    if not settings.chat_url:
        return None
    label = f"Let {shorten(settings.chat_model, 30)} write {WRITTEN_AT_ONCE}"
    start = small_button(label, Id.DATA_QUESTIONS_WRITE, 200)
    stop = small_button("Stop", Id.DATA_QUESTIONS_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DATA_QUESTIONS_NOTICE)
    return LongWork("questions", start, stop, line, page.measurements, "having questions written")


def _wire(events: QuestionEvents, form: Form[QuestionState]) -> None:
    section, controls = events.section, events.section.controls
    candidates = {controls["answers"], section.add, section.said}
    for asked in (section.search.click, controls["question"].submit):
        asked(form.bind(events.find), form.inputs, candidates, **SEARCH)
    kept = {section.said, *section.listing}
    section.add.click(form.bind(events.add), form.inputs, kept | candidates | {controls["question"]}, **LIGHT)
    section.use.click(form.bind(events.use), form.inputs, kept, **TRAINING)
    controls["file"].upload(form.bind(events.use_file), form.inputs, kept, **TRAINING)
    controls["of"].input(form.bind(events.choose), form.inputs, kept, **LIGHT)
    section.save.wire(form, events.save)
    section.pairs.wire(form, events.pairs)
    if section.written is not None:
        section.written.wire(form, events.write, kept)


@dataclass(frozen=True)
class QuestionEvents:
    """Handlers over the section's state; each returns what changes, and none raises."""

    lab: LabProtocol
    section: QuestionSection

    def find(self, state: QuestionState) -> Updates:
        """Documents that may answer the question, by the first two methods at full length."""

        def search() -> Updates:
            """Offer documents that may answer."""
            entries = [
                (_shown(each), each.id) for each in candidate_answers(self.lab, state.name, state.question or "")
            ]
            shown = gr.CheckboxGroup(entries, value=[], visible=True)
            return {
                self.section.controls["answers"]: shown,
                self.section.add: gr.Button(visible=True),
                self.section.said: NOTHING,
            }

        return self._guarded(search)

    def add(self, state: QuestionState) -> Updates:
        """The question with the documents ticked, added to the others and used at once."""

        def add() -> Updates:
            """Add the question with what is ticked."""
            question = (state.question or "").strip()
            if not question or not state.answers:
                raise LabError("Nothing is ticked: write a question, press “Find answers”, and tick what answers it.")
            more = question_rows([(question, answer, 1.0, "") for answer in state.answers], has_head=not state.table)
            updates = self._used(state, _text_file(f"{(state.table or '').rstrip()}\n{more}".lstrip()))
            hidden = gr.CheckboxGroup([], value=[], visible=False)
            cleared = {self.section.controls["question"]: "", self.section.controls["answers"]: hidden}
            return {**updates, **cleared, self.section.add: gr.Button(visible=False)}

        return self._guarded(add)

    def use(self, state: QuestionState) -> Updates:
        """Measure by the table as it stands."""
        return self._guarded(lambda: self._used(state, _text_file(state.table or "")))

    def use_file(self, state: QuestionState) -> Updates:
        """Measure by a file, which then stands in the table."""

        def use() -> Updates:
            """Ask the collection the questions of the file."""
            updates = self._used(state, _given_file(state.file))
            discard_uploads([state.file] if state.file else [])
            return updates

        return self._guarded(use)

    def choose(self, state: QuestionState) -> Updates:
        """The questions on another collection."""
        return {self.section.said: NOTHING, **self.section.listed(self.lab, state.visit, state.name)}

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
            """Have questions written."""
            return self.lab.write_questions(state.name, count=WRITTEN_AT_ONCE, progress=progress)

        def keep(written: WrittenQuestions) -> Updates:
            """Show them in the table, to be read and corrected."""
            said = f"{written.sentence()} Read and correct them, then press “Use these questions”."
            more = question_rows(written.rows(), has_head=not state.table)
            table = f"{(state.table or '').rstrip()}\n{more}".lstrip()
            return {self.section.controls["table"]: table, self.section.said: notice(said)}

        if self.section.written is not None:
            async for updates in self.section.written.follow(work, keep, request):
                yield updates

    def _used(self, state: QuestionState, given: AbstractContextManager[Path]) -> Updates:
        with given as path:
            asked = self.lab.ask_private(state.name, path)
        return {self.section.said: _known(asked), **self.section.listed(self.lab, state.visit, state.name)}

    def _guarded(self, work: Callable[[], Updates]) -> Updates:
        return guarded(work, lambda error: {self.section.said: notice(str(error), "error")})


def _known(asked: QuestionSet) -> Markup:
    if not asked.queries:
        return notice("No question of yours is left.")
    left_out = " ".join(str(note) for note in asked.notes)
    count = f"{len(asked.queries):,} question{'s' * (len(asked.queries) != 1)} of yours"
    return notice(f"Compare, Curves, Decide and Funnel know {count} now. {left_out}")


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


def _titles(lab: LabProtocol, name: str) -> dict[str, str]:
    return {document.id: document.title or document.text for document in lab.corpus(name).documents}


def _shown(document: Document) -> str:
    return shorten(f"{document.title or document.id}: {document.text}", 160)
