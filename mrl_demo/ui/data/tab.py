"""The tab of a visitor's own documents: look at them, embed them, use them on every other tab, delete them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.corpora.own.preview import FilePreview, preview_path
from mrl_demo.corpora.own.shortening import with_shorter_texts
from mrl_demo.corpora.reading.text_format import COMMON_ENCODINGS, DELIMITERS
from mrl_demo.ui.components.cards import marks_html
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.data import view as data_view
from mrl_demo.ui.data.called import CalledAnswers
from mrl_demo.ui.data.intake import UPLOAD_TYPES, gathered, hub_rows
from mrl_demo.ui.data.limits import check_upload_size, within_seconds
from mrl_demo.ui.data.methods import MethodSection, lay_out_methods, wire_methods
from mrl_demo.ui.data.methods_view import methods_html
from mrl_demo.ui.data.questions import QuestionSection, lay_out_questions
from mrl_demo.ui.data.state import GUESSED, DataState, data_state
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.own_menus import OwnMenus
from mrl_demo.ui.shared.queues import LIGHT, TRAINING
from mrl_demo.ui.shared.visit import OwnCollection, Visit, discard_uploads
from mrl_demo.ui.shared.widgets import live_html, static_html
from mrl_demo.ui.shared.work import LongWork, caller_of, small_button

_ROLES = {
    "text": Id.DATA_TEXT,
    "title": Id.DATA_TITLE,
    "id": Id.DATA_ID,
    "label": Id.DATA_LABEL,
    "question": Id.DATA_QUESTION_COLUMN,
    "domain": Id.DATA_DOMAIN,
}


@dataclass(frozen=True)
class DataParts:
    """What the tab lays out."""

    controls: Mapping[str, Block]
    visit: gr.State
    look: gr.Button
    work: LongWork
    said: gr.HTML
    preview: gr.HTML
    used: gr.HTML
    compare: gr.Button
    curves: gr.Button
    decide: gr.Button
    delete: gr.Button

    def form(self, menus: OwnMenus) -> Form[DataState]:
        """The controls as one state, with what is chosen in the menus of all tabs."""
        return Form(data_state, {**self.controls, "visit": self.visit, **menus.parts})

    @property
    def ways_on(self) -> tuple[gr.Button, ...]:
        """Buttons for what there is to do with documents that are ready."""
        return self.compare, self.curves, self.decide, self.delete


def build(page: Page, compare: CompareDoor, redraw_curves: Callable[[gr.events.Dependency], object]) -> None:
    """Lay out the tab inside the page; built after the tabs whose menus of collections it fills."""
    with gr.Tab("Your data", id=TabName.DATA), gr.Column(elem_id=Id.DATA):
        static_html(data_view.own_data_intro(page.lab.settings), Id.DATA_INTRO)
        if not page.lab.settings.uploads_enabled:
            static_html(data_view.UPLOADS_OFF, Id.DATA_OFF)
            return
        parts = _lay_out(page)
        asked = lay_out_questions(page)
        methods = lay_out_methods(page)
    menus = OwnMenus.of(page.lab, page.corpus, page.blocks)
    redraw_curves(_wire(page, parts, compare, menus, asked, methods))


def _lay_out(page: Page) -> DataParts:
    controls = {**_lay_out_sources(page), **_lay_out_reading()}
    with gr.Row(elem_classes="curves-row measure-row"):
        look = gr.Button("Look at it", scale=0, min_width=130, elem_id=Id.DATA_LOOK)
        start = gr.Button("Embed and use it", variant="primary", scale=0, min_width=180, elem_id=Id.DATA_EMBED)
        stop = small_button("Stop", Id.DATA_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DATA_NOTICE)
    work = LongWork("own documents", start, stop, line, page.builds, "embedding documents")
    used = live_html(NOTHING, Id.DATA_USED)
    with gr.Row(elem_classes="curves-row measure-row"):
        ways_on = [
            gr.Button(label, size="sm", scale=0, min_width=150, visible=False, elem_id=elem_id)
            for label, elem_id in (
                ("Compare on it", Id.DATA_COMPARE),
                ("Its curves", Id.DATA_CURVES),
                ("Decide on it", Id.DATA_DECIDE),
                ("Delete now", Id.DATA_DELETE),
            )
        ]
    said, preview = live_html(NOTHING, Id.DATA_SAID), live_html(NOTHING, Id.DATA_PREVIEW)
    return DataParts(controls, page.visit, look, work, said, preview, used, *ways_on)


def _lay_out_sources(page: Page) -> dict[str, Block]:
    """Where documents come from: files, pasted text or the Hub."""
    controls: dict[str, Block] = {}
    controls["files"] = gr.File(
        label="Your files",
        file_count="multiple",
        file_types=list(UPLOAD_TYPES),
        type="filepath",
        height=130,
        elem_id=Id.DATA_FILES,
    )
    controls["text"] = gr.Textbox(
        "", label="Or paste text, a line a document", lines=3, max_lines=8, elem_id=Id.DATA_PASTED
    )
    allowed = page.lab.settings.allows_hub_data()
    controls["hub"] = gr.Textbox(
        "",
        label="Or a data set of the Hub: OWNER/NAME, with :CONFIG:SPLIT if it has several",
        max_lines=1,
        visible=allowed,
        elem_id=Id.DATA_HUB,
    )
    return controls


def _lay_out_reading() -> dict[str, Block]:
    """How files are read: columns, encoding, passages."""
    controls: dict[str, Block] = {}
    with gr.Row(elem_classes="curves-row"):
        for role, elem_id in _ROLES.items():
            controls[f"{role}_column"] = gr.Dropdown(
                [("guessed", GUESSED)], value=GUESSED, label=f"Column of the {role}", min_width=130, elem_id=elem_id
            )
    with gr.Accordion("Encoding, fields and passages", open=False, elem_id=Id.DATA_READING):
        controls |= _lay_out_text_format()
    return controls


def _lay_out_text_format() -> dict[str, Block]:
    """What most files do not need: how their characters and fields are told apart, and passages."""
    controls: dict[str, Block] = {}
    with gr.Row(elem_classes="curves-row"):
        controls["encoding"] = gr.Dropdown(
            [("guessed", GUESSED), *COMMON_ENCODINGS.items()],
            value=GUESSED,
            label="Encoding of text files",
            min_width=220,
            elem_id=Id.DATA_ENCODING,
        )
        controls["delimiter"] = gr.Dropdown(
            [("guessed", GUESSED), *((name, name) for name in DELIMITERS)],
            value=GUESSED,
            label="Between the fields of tables",
            min_width=190,
            elem_id=Id.DATA_DELIMITER,
        )
    with gr.Row(elem_classes="curves-row"):
        controls["words"] = gr.Number(
            0, label="Words a passage (0: whole)", precision=0, minimum=0, min_width=170, elem_id=Id.DATA_WORDS
        )
        controls["overlap"] = gr.Number(
            0, label="Words that overlap", precision=0, minimum=0, min_width=150, elem_id=Id.DATA_OVERLAP
        )
        controls["is_paragraphs"] = gr.Checkbox(
            value=False, label="In text files a paragraph is a document", min_width=260, elem_id=Id.DATA_PARAGRAPHS
        )
    return controls


def _wire(
    page: Page,
    parts: DataParts,
    compare: CompareDoor,
    menus: OwnMenus,
    asked: QuestionSection,
    methods: MethodSection,
) -> gr.events.Dependency:
    """Connect the buttons; gives the event that opens Curves, which has to be drawn anew."""
    form = parts.form(menus)
    events = DataEvents(page, parts, menus, compare, asked, methods)
    shows = {parts.used, *parts.ways_on}
    CalledAnswers(page.lab, compare, asked, menus, events.used).wire(page, shows)
    wire_methods(page, methods, menus, events.used, shows)
    columns = {parts.controls[f"{role}_column"] for role in _ROLES}
    looked = {parts.said, parts.preview, *columns}
    for wish in (parts.look.click, parts.controls["files"].upload):
        wish(form.bind(events.look), form.inputs, looked, **TRAINING)
    kept = {
        parts.used,
        parts.said,
        parts.preview,
        *columns,
        *parts.ways_on,
        *menus.blocks,
        *asked.listing,
        methods.listed,
    }
    parts.work.wire(form, events.embed, kept)
    given = {parts.controls["files"], parts.controls["text"], parts.controls["hub"]}
    emptied = kept - columns | given | asked.cleared | methods.cleared | ({compare.marks} if compare.marks else set())
    parts.delete.click(form.bind(events.delete), form.inputs, emptied, **LIGHT)
    opened = parts.compare.click(form.bind(events.compare_on_it), form.inputs, compare.outputs, **LIGHT)
    compare.search_after(opened)
    ways = ((parts.decide, TabName.DECIDE, Id.DECIDE_CORPUS), (parts.curves, TabName.CURVES, Id.CURVES_CORPUS))
    for button, tab, menu_id in ways:
        shown = form.bind(events.opener(tab, menu_id))
        opened = button.click(shown, form.inputs, {page.tabs, menus.menus[menu_id]}, **LIGHT)
    return opened


@dataclass(frozen=True)
class DataEvents:
    """Handlers over the tab's state; each returns what changes, and none raises."""

    page: Page
    parts: DataParts
    menus: OwnMenus
    compare: CompareDoor
    asked: QuestionSection
    methods: MethodSection
    begun: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and fingerprint of what a session began to embed and has not finished."""

    def look(self, state: DataState) -> Updates:
        """Read what was given and show what it holds; nothing is encoded."""

        def read() -> Updates:
            """Show what the files hold."""
            preview, _ = self._read(state)
            return {self.parts.said: NOTHING, **self._shown(state, preview)}

        return guarded(read, lambda error: {self.parts.said: notice(str(error), "error"), self.parts.preview: NOTHING})

    async def embed(self, state: DataState, request: gr.Request) -> AsyncIterator[Updates]:
        """Read, embed with both methods of Compare, and put the collection into this visitor's menus."""
        session = caller_of(request).session

        def work(progress: Progress) -> tuple[FilePreview, OwnCollection]:
            """Read and encode the documents."""
            progress(0.0, "Reading your documents")
            preview, corpus = self._read(state, progress)
            name = self._name_for(session, corpus)
            limited = within_seconds(progress, self.page.lab.settings.embed_seconds)
            self.page.lab.prepare(name, self._first_arms(), limited)
            self.begun.pop(session, None)
            return preview, OwnCollection(name, preview.name, preview.n_documents, tuple(state.files or ()))

        def keep(result: tuple[FilePreview, OwnCollection]) -> Updates:
            """Put them on the menus in place of those before."""
            (preview, own), before = result, state.visit.documents
            state.visit.keep(own)
            if before is not None and before.name != own.name:
                state.visit.remove(self.page.lab, before.name)
            menus = self.menus.filled(state.visit, state.menus, otherwise=own.name)
            listed = self.asked.listed(self.page.lab, state.visit, own.name)
            return {
                self.parts.said: NOTHING,
                **self._shown(state, preview),
                **menus,
                **self.used(state.visit),
                **listed,
                self.methods.listed: methods_html(state.visit.arms),
            }

        async for updates in self.parts.work.follow(work, keep, request):
            yield updates

    def _name_for(self, session: str, corpus: Corpus) -> str:
        """A new private name; that of an attempt at the same documents which was stopped, to go on where it was."""
        lab, begun = self.page.lab, self.begun.get(session)
        if begun is not None and begun[1] == corpus.fingerprint:
            try:
                return lab.corpus(begun[0]).name
            except LabError:  # It was forgotten meanwhile.
                self.begun.pop(session, None)
        elif begun is not None:
            lab.remove_private(begun[0])
        name = lab.add_private(corpus)
        self.begun[session] = name, corpus.fingerprint
        return name

    def delete(self, state: DataState) -> Updates:
        """Forget everything that this visit brought, and all that was made of it."""
        state.visit.end(self.page.lab)
        discard_uploads(state.files or ())
        controls = self.parts.controls
        given: Updates = {controls["files"]: None, controls["text"]: "", controls["hub"]: ""}
        said = notice("What you brought is deleted: documents, questions, vectors and models.")
        marks: Updates = {self.compare.marks: marks_html(())} if self.compare.marks else {}
        menus = self.menus.filled(state.visit, state.menus)
        cleared = self.asked.empty(self.page.lab, state.visit)
        shown = {self.parts.said: said, self.parts.preview: NOTHING}
        return {**self.used(state.visit), **given, **shown, **marks, **menus, **cleared, **self.methods.empty()}

    def compare_on_it(self, state: DataState) -> Updates:
        """Open Compare on the collection with its first example."""
        own = state.visit.documents
        if own is None:
            return {}
        examples = self.page.lab.examples(own.name)
        query = examples[0].text if examples else ""
        return self.compare.open({self.compare.query: query, self.compare.corpus: own.name})

    def opener(self, tab: TabName, menu_id: Id) -> Any:  # noqa: ANN401 - a handler
        """A handler that opens a tab on the collection."""

        def show(state: DataState) -> Updates:
            """Open the tab on the visitor's documents."""
            own = state.visit.documents
            chosen = {self.menus.menus[menu_id]: own.name} if own else {}
            return {**self.page.show(tab), **chosen}

        return show

    def _read(self, state: DataState, progress: Progress | None = None) -> tuple[FilePreview, Corpus]:
        settings = self.page.lab.settings
        if state.hub and state.hub.strip():
            preview, corpus = hub_rows(state, settings, progress).preview(settings.upload_documents, state.columns)
            label = preview.name
        else:
            check_upload_size(state.files or (), settings)
            with gathered(state.files or (), state.text or "") as path:
                preview, corpus = preview_path(path, settings.upload_documents, state.columns)
            label = "Your documents" if path.is_dir() or path.name.startswith("matryoshka-own-") else path.name
        corpus = with_shorter_texts(corpus, settings.upload_chars)
        return replace(preview, name=label, notes=corpus.notes), corpus

    def _first_arms(self) -> tuple[str, ...]:
        """Both methods that Compare begins with."""
        arms = [arm.name for arm in self.page.lab.arms()]
        return tuple(name for name in ("base", "tuned") if name in arms) or tuple(arms[:1])

    def _shown(self, state: DataState, preview: FilePreview) -> Updates:
        entries = [("guessed", GUESSED), *((column.name, column.name) for column in preview.columns)]
        names = {name for _, name in entries}
        updates: Updates = {self.parts.preview: data_view.preview_html(preview)}
        for role in _ROLES:
            chosen = getattr(state, f"{role}_column") or GUESSED
            value = chosen if chosen in names else GUESSED
            updates[self.parts.controls[f"{role}_column"]] = gr.Dropdown(entries, value=value)
        return updates

    def used(self, visit: Visit) -> Updates:
        """What is in use now, and the buttons for what there is to do with it."""
        return {self.parts.used: data_view.own_html(visit.documents), **shown_ways(self.parts, visit)}


def shown_ways(parts: DataParts, visit: Visit) -> Updates:
    """The buttons that there is something for."""
    updates: Updates = {button: gr.Button(visible=visit.documents is not None) for button in parts.ways_on}
    return {**updates, parts.delete: gr.Button(visible=not visit.is_empty)}
