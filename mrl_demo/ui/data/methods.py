"""The section where a visitor brings methods of their own: vectors of their documents, and models."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.given import GivenFiles
from mrl_demo.arms.names import suffixes
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError, ModelError
from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.models.given.bounds import check_unpacked_size
from mrl_demo.models.known import KNOWN_MODELS, KnownModel, find_known
from mrl_demo.models.specs import ModelOptions
from mrl_demo.ui.components.markup import NOTHING
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.data import methods_view
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates, told_by
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.own_menus import OwnMenus
from mrl_demo.ui.shared.queues import LIGHT, TRAINING
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.visit import OwnArm, Visit, discard_uploads
from mrl_demo.ui.shared.widgets import live_html, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

#: Files of vectors that the page takes: a faiss index can run what it holds.
VECTOR_TYPES = (".npy", ".npz", ".parquet", ".jsonl", ".json", ".csv", ".tsv")
_FILES = {
    "documents": ("Vectors of your documents", VECTOR_TYPES, Id.DATA_VECTORS_FILE),
    "queries": ("Vectors of your questions (if you have them)", VECTOR_TYPES, Id.DATA_VECTORS_ASKED),
    "ids": ("Ids of the documents, one a line (if the file has none)", (".txt",), Id.DATA_VECTORS_IDS),
    "query_ids": ("Ids of the questions, one a line", (".txt",), Id.DATA_VECTORS_ASKED_IDS),
}


@dataclass(frozen=True)
class MethodState:
    """What the section's controls hold, as the browser sends it; `menus` are the choices on the other tabs."""

    visit: Visit
    documents: str | None
    queries: str | None
    ids: str | None
    query_ids: str | None
    name: str | None
    reordered: Sequence[str] | None
    menus: Mapping[str, object]
    known: str | None = None
    model: str | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    max_tokens: float | None = None

    @property
    def files(self) -> list[str]:
        """Everything that was uploaded."""
        return [path for path in (self.documents, self.queries, self.ids, self.query_ids) if path]

    @property
    def options(self) -> ModelOptions:
        """Prompts and token limit; raises `ModelError` for a limit that is none."""
        tokens = self.max_tokens or 0
        if tokens != int(tokens) or tokens < 0:
            raise ModelError(f"{tokens} is no number of tokens: write a whole number, or 0 for the model's own limit.")
        return ModelOptions(self.query_prompt or None, self.document_prompt or None, int(tokens) or None)


def method_state(**values: Any) -> MethodState:  # noqa: ANN401
    """The state behind the values that the components send; what is no field of it are menus."""
    own = {field.name for field in fields(MethodState)}
    menus = {name: value for name, value in values.items() if name not in own}
    return MethodState(**{name: value for name, value in values.items() if name in own}, menus=menus)


@dataclass(frozen=True)
class MethodSection:
    """What the section lays out; `work` is None if no model may be brought."""

    controls: Mapping[str, Block]
    add: gr.Button
    work: LongWork | None
    said: gr.HTML
    listed: gr.HTML

    @property
    def cleared(self) -> set[Block]:
        """What `empty` fills."""
        return {self.listed, self.said, *(self.controls[name] for name in _FILES)}

    def empty(self) -> Updates:
        """The section with nothing in it."""
        return {self.listed: NOTHING, self.said: NOTHING, **dict.fromkeys(self.controls[name] for name in _FILES)}


def lay_out_methods(page: Page) -> MethodSection:
    """Lay out the section here; `wire_methods` connects it."""
    settings = page.lab.settings
    static_html(methods_view.METHODS_INTRO, Id.DATA_METHODS_WORDS)
    listed = static_html(NOTHING, Id.DATA_METHODS, read_script("picks.js"))
    said = live_html(NOTHING, Id.DATA_METHODS_SAID)
    controls: dict[str, Block] = {}
    entries = [(transform.suffix_label, suffix) for suffix, transform in suffixes().items()]
    controls["reordered"] = gr.CheckboxGroup(
        entries, value=[], label="Beside it as it is, also", elem_id=Id.DATA_REORDERED
    )
    static_html(methods_view.vectors_words(settings), Id.DATA_VECTORS)
    for row in (("documents", "queries"), ("ids", "query_ids")):
        with gr.Row(elem_classes="curves-row"):
            for name in row:
                label, kinds, elem_id = _FILES[name]
                controls[name] = gr.File(
                    label=label, file_types=list(kinds), height=110, min_width=260, elem_id=elem_id
                )
    with gr.Row(elem_classes="curves-row measure-row"):
        controls["name"] = gr.Textbox(
            "mine", label="Name of the vectors", max_lines=1, min_width=200, elem_id=Id.DATA_VECTORS_NAME
        )
        add = small_button("Add these vectors", Id.DATA_VECTORS_ADD, 170)
    static_html(methods_view.model_words(settings), Id.DATA_MODEL)
    work = _lay_out_model(page, controls) if settings.allows_own_model() else None
    return MethodSection(controls, add, work, said, listed)


def _lay_out_model(page: Page, controls: dict[str, Block]) -> LongWork:
    known = [("none of these", ""), *((methods_view.known_label(each), each.model_id) for each in _offered(page))]
    with gr.Row(elem_classes="curves-row"):
        controls["known"] = gr.Dropdown(
            known, value="", label="One that is known", filterable=False, min_width=260, elem_id=Id.DATA_MODEL_KNOWN
        )
        controls["model"] = _field(methods_view.model_label(page.lab.settings), "OWNER/NAME", Id.DATA_MODEL_NAME, 260)
    with gr.Row(elem_classes="curves-row"):
        empty = "empty: the model's own"
        controls["query_prompt"] = _field("Prompt before a question", empty, Id.DATA_MODEL_QUERY, 200)
        controls["document_prompt"] = _field("Prompt before a document", empty, Id.DATA_MODEL_DOCUMENT, 200)
        controls["max_tokens"] = gr.Number(
            0, label="Tokens read (0: its own limit)", precision=0, minimum=0, min_width=170,
            elem_id=Id.DATA_MODEL_TOKENS,
        )  # fmt: skip
    with gr.Row(elem_classes="curves-row measure-row"):
        start = small_button("Load this model", Id.DATA_MODEL_ADD, 170)
        stop = small_button("Stop", Id.DATA_MODEL_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DATA_MODEL_NOTICE)
    return LongWork("own model", start, stop, line, page.builds, "loading a model")


def _offered(page: Page) -> list[KnownModel]:
    """The known models that a visitor may load here."""
    return [each for each in KNOWN_MODELS if page.lab.settings.allows_own_model(each.model_id)]


def _field(label: str, placeholder: str, elem_id: Id, min_width: int) -> gr.Textbox:
    return gr.Textbox(
        "", label=label, placeholder=placeholder, max_lines=1, max_length=500, min_width=min_width, elem_id=elem_id
    )


def wire_methods(
    page: Page, section: MethodSection, menus: OwnMenus, shown: Callable[[Visit], Updates], outputs: set[Block]
) -> None:
    """Connect the section: what it adds goes into `menus`; `shown` gives what else changes, which is in `outputs`."""
    events = MethodEvents(page.lab, section, menus, shown)
    form = Form(method_state, {**section.controls, "visit": page.visit, **menus.parts})
    filled = {section.said, section.listed, *menus.blocks, *outputs}
    section.add.click(form.bind(events.add_vectors), form.inputs, filled, **TRAINING)
    section.listed.pick(form.bind(events.remove), form.inputs, filled, **LIGHT)
    if section.work is not None:
        section.work.wire(form, events.add_model, filled)
        controls = section.controls
        written = {controls["model"], controls["query_prompt"], controls["document_prompt"]}
        controls["known"].input(form.bind(events.choose), form.inputs, written, **LIGHT)


@dataclass(frozen=True)
class MethodEvents:
    """Handlers over the section's state; each returns what changes, and none raises."""

    lab: LabProtocol
    section: MethodSection
    menus: OwnMenus
    shown: Callable[[Visit], Updates]

    def add_vectors(self, state: MethodState) -> Updates:
        """Read the vectors, match them to the visitor's documents, and put them into this visitor's menus."""

        def add() -> Updates:
            """Put the given vectors on the visitor's menu."""
            own = state.visit.documents
            if own is None:
                raise LabError("Vectors go with documents: choose yours above and press “Embed and use it” first.")
            if not state.documents:
                raise LabError("There are no vectors yet: choose a file of one vector a document.")
            with _taken(state, self.lab.settings) as files:
                reordered, taken = tuple(state.reordered or ()), state.visit.method_names
                arms = self.lab.add_private_vectors(files, own.name, reordered, taken)
            state.visit.keep_arms(_own_arm(arm, own.name) for arm in arms)
            discard_uploads(state.files)
            return self._listed(state, methods_view.added_words(arms))

        return guarded(add, lambda error: {self.section.said: notice(_short_name(str(error), state), "error")})

    async def add_model(self, state: MethodState, request: gr.Request) -> AsyncIterator[Updates]:
        """Load the model, and put it into this visitor's menus."""

        def work(progress: Progress) -> tuple[Arm, ...]:
            """Load the model."""
            given = (state.model or "").strip() or (state.known or "")
            reordered, taken = tuple(state.reordered or ()), state.visit.method_names
            return self.lab.add_private_model(given, state.options, reordered, progress, taken)

        def keep(arms: tuple[Arm, ...]) -> Updates:
            """Put its methods on the visitor's menu."""
            state.visit.keep_arms(_own_arm(arm, "") for arm in arms)
            return self._listed(state, methods_view.added_words(arms))

        if self.section.work is not None:
            async for updates in self.section.work.follow(work, keep, request):
                yield updates

    def choose(self, state: MethodState) -> Updates:
        """The name of a known model, and its prompts."""
        controls, known = self.section.controls, find_known(state.known or "")
        values = (known.model_id, known.query_prompt, known.document_prompt) if known else ("", "", "")
        return dict(zip((controls[name] for name in ("model", "query_prompt", "document_prompt")), values, strict=True))

    def remove(self, state: MethodState, event: gr.EventData) -> Updates:
        """Forget the method whose button was pressed."""

        def remove() -> Updates:
            """Take the method off the menu whose button was pressed."""
            arm = methods_view.arm_removed(state.visit.arms, told_by(event, "position"))
            if arm is None:  # Pressed twice: the list has changed since.
                return {}
            state.visit.remove_arm(self.lab, arm.name)
            return self._listed(state, f"{arm.label} is removed.")

        return guarded(remove, lambda error: {self.section.said: notice(str(error), "error")})

    def _listed(self, state: MethodState, said: str) -> Updates:
        listed = {self.section.said: notice(said), self.section.listed: methods_view.methods_html(state.visit.arms)}
        return {**listed, **self.menus.filled(state.visit, state.menus), **self.shown(state.visit)}


def _own_arm(arm: Arm, corpus: str) -> OwnArm:
    return OwnArm(arm.name, arm.label, arm.description, corpus)


@contextmanager
def _taken(state: MethodState, settings: Settings) -> Iterator[GivenFiles]:
    """The uploaded files under their names in a folder of their own, each of a bounded size."""
    with tempfile.TemporaryDirectory(prefix="matryoshka-own-") as folder:
        paths: dict[str, Path | None] = {}
        for role, (_, kinds, _) in _FILES.items():
            given = getattr(state, role)
            paths[role] = _copied(Path(given), kinds, Path(folder) / role) if given else None
        for path in filter(None, paths.values()):
            check_unpacked_size(path, settings.upload_vectors_mb * 1_000_000)
        documents = paths["documents"]
        if documents is None:
            raise LabError("The file did not arrive: choose it again.")
        name = (state.name or "").strip() or "mine"
        try:
            yield GivenFiles(name, documents, paths["queries"], paths["ids"], paths["query_ids"])
        except LabError as error:
            words = str(error)
            for path in filter(None, paths.values()):
                words = words.replace(str(path), path.name)
            raise ModelError(words) from error


def _copied(path: Path, kinds: Sequence[str], folder: Path) -> Path:
    if path.suffix.lower() not in kinds:
        raise LabError(
            f"{path.name}: files of type {path.suffix or 'none'} are not taken here: use {', '.join(kinds)}."
        )
    folder.mkdir()
    try:
        return Path(shutil.copyfile(path, folder / path.name))
    except OSError as error:
        raise CorpusError(f"{path.name} cannot be read ({error.strerror}): upload it again.") from error


def _short_name(words: str, state: MethodState) -> str:
    """A message with the collection called as the visitor calls it, not by its secret name."""
    own = state.visit.documents
    return words.replace(own.name, f"“{own.label}”") if own else words
