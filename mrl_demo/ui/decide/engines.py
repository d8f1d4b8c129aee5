"""The setting for an engine: choose one, get its files and the migration sheet, read the script here."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import gradio as gr
from markupsafe import Markup

from mrl_demo.core.errors import LabError
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.types import Progress
from mrl_demo.exports.bundle import zip_bundle
from mrl_demo.exports.catalogue import EXPORT_TARGETS
from mrl_demo.exports.target import Bundle
from mrl_demo.lab.exporting import ExportChoice
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.reports.migration import MigrationSheet
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.decide.state import DecideState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

_WORDS = html(
    '<h2>For your engine</h2><p class="lead">The method, numbers and precision set above, as a script or schema for an'
    " engine or server: with the rotation and its hash if there is one, a few lines that prepare vectors, and a"
    " migration sheet: bytes, expected loss with its interval, the new cut-off, steps, the way back.</p>"
)
_AS_IT_SAYS = "as the precision says"
#: It stores every precision that any engine here does, but int4.
_FIRST = "faiss"


class EngineState(NamedTuple):
    """The tab's state with the engine and the second stage's length, "" for what the precision says."""

    decide: DecideState
    engine: str
    rescore: str


@dataclass(frozen=True)
class TakenAlong:
    """What was made: the files and, if something could be judged, the sheet, else why not."""

    bundle: Bundle
    sheet: MigrationSheet | None
    missing: str = ""


@dataclass(frozen=True)
class Exporting:
    """Makes files and sheet for one engine."""

    lab: LabProtocol
    work: LongWork
    files: gr.File
    shown: gr.HTML

    async def run(self, state: EngineState, request: gr.Request) -> AsyncIterator[Updates]:
        """Make them with progress, and offer them."""

        def make(progress: Progress) -> TakenAlong:
            """Make the files."""
            return take_along(self.lab, state, progress)

        def keep(taken: TakenAlong) -> Updates:
            """Offer them for download."""
            return {self.files: gr.File(value=write_files(taken), visible=True), self.shown: bundle_html(taken)}

        async for updates in self.work.follow(make, keep, request):
            yield updates


def take_along(lab: LabProtocol, state: EngineState, progress: Progress) -> TakenAlong:
    """The files of the chosen setting and its sheet; raises `LabError` kinds for what the engine cannot hold."""
    decide = state.decide
    choice = ExportChoice(
        decide.cut_arm, decide.cut_dim, decide.stored_as, state.rescore or None, decide.shortlist_rescored
    )
    bundle = lab.export(decide.corpus, state.engine, choice, progress)
    try:
        sheet = lab.migration(decide.corpus, state.engine, choice, "base", decide.cutoff, progress)
    except LabError as error:  # The files are right all the same.
        return TakenAlong(_without_secrets(bundle), None, str(error))
    return TakenAlong(_without_secrets(bundle), sheet)


def _without_secrets(bundle: Bundle) -> Bundle:
    """The same with the names of a visitor's own methods and documents as people know them."""
    shown = {name: shown_name(text) for name, text in bundle.files.items() if isinstance(text, str)}
    return bundle.with_files(shown)


def write_files(taken: TakenAlong) -> list[str]:
    """Paths of the zip file and of the sheet, in a folder of their own that Gradio serves from."""
    folder = Path(tempfile.mkdtemp(prefix="take-along-"))
    archive = folder / f"{taken.bundle.target}.zip"
    archive.write_bytes(zip_bundle(taken.bundle))
    paths = [archive]
    if taken.sheet is not None:
        paths.append(folder / f"migration-{taken.bundle.target}.html")
        paths[-1].write_text(shown_name(taken.sheet.to_html()), encoding="utf-8")
    return [str(path) for path in paths]


def bundle_html(taken: TakenAlong) -> Markup:
    """What the zip file holds, each text to read and copy here."""
    names = [name for name in taken.bundle.files if not name.endswith(".npy")]
    parts = [_file_html(name, taken.bundle.text(name), is_open=name == "README.md") for name in names]
    model = (
        html(
            '<p class="lead">The model itself is too large for the page: <code>mrl export --format {target}</code> puts'
            " it beside these files.</p>",
            target=taken.bundle.target,
        )
        if taken.bundle.folders
        else NOTHING
    )
    missing = notice(f"No migration sheet: {taken.missing}", "hint") if taken.missing else NOTHING
    return join_html([missing, model, *parts])


def _file_html(name: str, text: str, *, is_open: bool) -> Markup:
    """A text under its name; its line breaks stay, and what else no page shows is made visible."""
    lines = join_html(text.splitlines(), "\n")
    body = html('<summary>{name}</summary><pre tabindex="0">{text}</pre>', name=name, text=lines)
    if is_open:
        return html('<details class="file" open>{body}</details>', body=body)
    return html('<details class="file">{body}</details>', body=body)


def lay_out_engines(page: Page, form: Form[DecideState]) -> None:
    """Lay out and wire the panel here."""
    static_html(_WORDS, Id.DECIDE_TAKE_WORDS)
    with gr.Row(elem_classes="curves-row measure-row"):
        targets = [
            (target.label if target.was_run else f"{target.label} (not run by us)", target.name)
            for target in EXPORT_TARGETS
        ]
        target = menu("Engine or server", targets, _FIRST, Id.DECIDE_FORMAT, min_width=260)
        full = page.lab.full_dim([page.lab.arms()[0].name])
        stages = [(_AS_IT_SAYS, ""), ("none", "0"), *((str(dim), str(dim)) for dim in (64, 128, 256, full))]
        rescore = menu("Re-rank a shortlist by", stages, "", Id.DECIDE_RESCORE, min_width=200)
        start = small_button("Prepare the files", Id.DECIDE_PREPARE, 170)
        stop = small_button("Stop", Id.DECIDE_PREPARE_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_PREPARE_NOTICE)
    work = LongWork("export", start, stop, line, page.measurements, "preparing files")
    files = gr.File(
        label="Files to save", file_count="multiple", visible=False, interactive=False, elem_id=Id.DECIDE_FILES
    )
    shown = static_html(NOTHING, Id.DECIDE_CODE)
    own = form.extended(EngineState, "decide", {"engine": target, "rescore": rescore})
    work.wire(own, Exporting(page.lab, work, files, shown).run, {files, shown})
