"""The Train tab: choose data, lengths and steps, start a run, watch it, compare its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mrl_demo.arms.catalogue import reserved_names
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.jobs.intake import DATA_TYPES, OFF
from mrl_demo.jobs.line import TrainingJobs
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.examples import notice
from mrl_demo.ui.shared.links import COMPARE_LABEL, OPEN_COMPARE
from mrl_demo.ui.shared.queues import HEAVY, LIGHT, STATE_SECONDS
from mrl_demo.ui.shared.widgets import live_html, static_html
from mrl_demo.ui.train.events import BUILTIN, OWN, POLL_SECONDS, Drawn, TrainEvents
from mrl_demo.ui.train.presets import ANY_BASE_DIMS, BASE_NOTE, choice_named, preset_choices
from mrl_demo.ui.train.view import COLUMN_FIELDS

LABEL = "Train"
FIRST_STEPS = 80
#: A check may take minutes in a process of its own: it must not hold up searches, nor a start or a cancel a check.
APART: dict[str, Any] = {**HEAVY, "concurrency_id": "training", "concurrency_limit": 4}
_INTRO = (
    "<h2>Train a Matryoshka model</h2><p class='lead'>Fine-tune the base model so that its first numbers carry the"
    " meaning, on the built-in pairs or on your own questions and answers. The run is a process of its own at low"
    " priority, so search stays fast; you may close this page and come back. Its model then joins the Compare"
    " tab.</p>"
)
_FILE_HELP = (
    "<p class='lead'>JSONL, CSV or TSV, at most 50 MB: a question and its answer in every row (<code>query</code>,"
    " <code>positive</code>, and <code>negative</code> if you have one; other usual names are guessed). “Check” shows"
    " which columns are read.</p>"
)


@dataclass(frozen=True)
class TrainControls:
    """What the visitor sets, in the order of `request_of`."""

    kind: gr.Radio
    upload: gr.File
    preset: gr.Dropdown
    name: gr.Textbox
    dims: gr.CheckboxGroup
    weights: gr.Textbox
    steps: gr.Number
    base: gr.Textbox
    columns: tuple[gr.Textbox, ...]

    @property
    def asked(self) -> list[gr.blocks.Block]:
        """Inputs that make a run."""
        return [
            self.kind, self.upload, self.preset, self.name, self.dims, self.weights, self.steps, self.base,
            *self.columns,
        ]  # fmt: skip


@dataclass(frozen=True)
class TrainOutputs:
    """The run that is watched, in the order of `TrainEvents.shown`."""

    menu: gr.Dropdown
    state: gr.HTML
    cancel: gr.Button
    losses: gr.Plot
    validation: gr.Plot
    before_after: gr.HTML
    compare: gr.Button
    line: gr.HTML
    timer: gr.Timer
    drawn: gr.State

    @property
    def all(self) -> list[gr.blocks.Block]:
        """Outputs of every look at the run."""
        return [
            self.state, self.cancel, self.losses, self.validation, self.before_after, self.compare, self.line,
            self.timer, self.drawn,
        ]  # fmt: skip


def build(lab: LabProtocol, corpus: str | None = None) -> None:  # noqa: ARG001 - every tab is built alike
    """Lay out the tab inside the current Blocks; where training is off it says how to turn it on, and nothing else."""
    events = TrainEvents(lab, TrainingJobs(lab.settings, taken=reserved_names()))
    with gr.Column(elem_id="train"):
        static_html(_INTRO, "train-intro")
        if events.line.enabled:
            controls, check, start, said = _controls()
            shown = _watched()
            _wire(events, controls, (check, start, said), shown)
        else:
            static_html(notice(OFF, "hint"), "train-off")
    _refresh_compare(events)


def _controls() -> tuple[TrainControls, gr.Button, gr.Button, gr.HTML]:
    with gr.Row(elem_classes="curves-row"):
        kinds = [("The preset's pairs", BUILTIN), ("My own pairs", OWN)]
        kind = gr.Radio(kinds, value=BUILTIN, label="Data", min_width=240, elem_id="train-data")
        preset = gr.Dropdown(
            [(each.label, each.name) for each in preset_choices()], value=preset_choices()[0].name, label="Preset",
            filterable=False, min_width=220, elem_id="train-preset",
        )  # fmt: skip
        name = gr.Textbox("my-model", label="Name of the model", max_lines=1, min_width=160, elem_id="train-name")
    note = live_html("", "train-preset-note")
    with gr.Column(visible=False, elem_id="train-own") as own:
        upload, columns = _own_pairs()
    kind.input(lambda chosen: gr.Column(visible=chosen == OWN), kind, own, **LIGHT)
    dims = gr.CheckboxGroup(
        _lengths(TRAINED_DIMS), value=list(TRAINED_DIMS), label="Lengths to train", elem_id="train-dims"
    )
    with gr.Row(elem_classes="curves-row"):
        weights = gr.Textbox(
            "", label="Weight of each length", placeholder="empty: the preset's; or 2, 2, 1, 1", max_lines=1,
            min_width=220, elem_id="train-weights",
        )  # fmt: skip
        steps = gr.Number(
            FIRST_STEPS, label="Steps (0: one pass over the data)", precision=0, minimum=0, min_width=200,
            elem_id="train-steps",
        )  # fmt: skip
        base = gr.Textbox(
            "", label="Another base model from the Hub", placeholder="empty: the preset's; or OWNER/NAME", max_lines=1,
            min_width=260, elem_id="train-base",
        )  # fmt: skip
    preset.input(_preset_chosen, [preset, base], [note, dims], **LIGHT)
    base.input(_base_named, [preset, base, dims], [note, dims], trigger_mode="always_last", **LIGHT)
    with gr.Row(elem_id="train-actions"):
        start = gr.Button("Start training", variant="primary", scale=0, min_width=160, elem_id="train-start")
        check = gr.Button("Check", scale=0, min_width=110, elem_id="train-check")
    said = live_html("", "train-notice")
    return TrainControls(kind, upload, preset, name, dims, weights, steps, base, columns), check, start, said


def _own_pairs() -> tuple[gr.File, tuple[gr.Textbox, ...]]:
    """A file of pairs, and what its columns are called."""
    static_html(_FILE_HELP, "train-help")
    upload = gr.File(
        label="Your pairs", file_types=list(DATA_TYPES), type="filepath", height=120, elem_id="train-upload"
    )
    with gr.Row(elem_classes="curves-row"):
        columns = tuple(
            gr.Textbox(
                "", label=label, placeholder="empty: guessed", max_lines=1, min_width=160, elem_id=f"train-{role}"
            )
            for role, label in COLUMN_FIELDS.items()
        )
    return upload, columns


def _preset_chosen(name: str, base: str) -> tuple[str, gr.CheckboxGroup]:
    """What to know before the preset is started, and its lengths."""
    return _base_named(name, base, choice_named(name).dims)


def _base_named(name: str, base: str, ticked: Sequence[int] | None) -> tuple[str, gr.CheckboxGroup]:
    """What to know before the preset is started on that base ("": its own), and the lengths there are for it."""
    preset = choice_named(name)
    notes = [preset.note, BASE_NOTE if (base or "").strip() else ""]
    lengths = sorted({*preset.dims, *(ANY_BASE_DIMS if notes[1] else ())})
    value = [dim for dim in lengths if dim in (ticked or ())]
    dims = gr.CheckboxGroup(choices=_lengths(lengths), value=value)
    return "".join(notice(note, "info") for note in notes if note), dims


def _lengths(dims: Sequence[int]) -> list[tuple[str, int]]:
    return [(str(dim), dim) for dim in dims]


def _watched() -> TrainOutputs:
    with gr.Column(elem_id="train-run"):
        with gr.Row(elem_classes="curves-row"):
            menu = gr.Dropdown(
                [], label="Run", filterable=False, visible=False, min_width=240, elem_id="train-menu"
            )  # Filled when the page is loaded: other visitors and earlier days have runs too.
            cancel = gr.Button("Cancel this run", scale=0, min_width=150, visible=False, elem_id="train-cancel")
        state = live_html("", "train-state")
        with gr.Row(elem_classes="train-charts"):
            losses = gr.Plot(None, label="Loss", show_label=False, visible=False, min_width=320, elem_id="train-loss")
            validation = gr.Plot(
                None, label="Validation", show_label=False, visible=False, min_width=320, elem_id="train-validation"
            )
        table = static_html("", "train-before-after")
        button = gr.Button(
            "Compare it with base", variant="primary", visible=False, min_width=190, elem_id="train-compare"
        )
        line = static_html("", "train-line")
    timer = gr.Timer(POLL_SECONDS, active=False)
    return TrainOutputs(
        menu, state, cancel, losses, validation, table, button, line, timer,
        gr.State(Drawn(), time_to_live=STATE_SECONDS),
    )  # fmt: skip


def _wire(
    events: TrainEvents, controls: TrainControls, acts: tuple[gr.Button, gr.Button, gr.HTML], shown: TrainOutputs
) -> None:
    check, start, said = acts
    look: list[gr.blocks.Block] = [shown.drawn, shown.menu]
    checking = check.click(lambda: notice("Checking configuration and data …"), None, said, **LIGHT)
    checking.then(events.check, controls.asked, said, **APART)
    started = start.click(events.start, controls.asked, [said, shown.menu, shown.timer], **APART)
    started.then(events.shown, look, shown.all, **LIGHT)
    shown.cancel.click(events.cancel, shown.menu, said, **APART).then(events.shown, look, shown.all, **LIGHT)
    shown.menu.input(events.shown, look, shown.all, **LIGHT)
    shown.timer.tick(events.shown, look, shown.all, **LIGHT)
    root = gr.context.Context.root_block
    if root:
        root.load(events.opened, None, [shown.menu, *shown.all], **LIGHT)
    menus = _compare_menus()
    if menus:
        shown.compare.click(events.compare, shown.menu, menus, **APART).success(None, None, None, js=OPEN_COMPARE,
                                                                                api_visibility="private")  # fmt: skip


def _compare_menus() -> list[gr.blocks.Block]:
    """The Compare tab's model menus, empty where that tab is not on the page."""
    root = gr.context.Context.root_block
    by_id = {block.elem_id: block for block in root.blocks.values()} if root else {}
    return [by_id[name] for name in ("left-arm", "right-arm") if name in by_id]


def _refresh_compare(events: TrainEvents) -> None:
    """Models trained meanwhile join the Compare tab's menus when the page or the tab is opened."""
    root, menus = gr.context.Context.root_block, _compare_menus()
    if root and menus:
        root.load(events.compare_menus, None, menus, **LIGHT)
    tabs = [block for block in root.blocks.values() if isinstance(block, gr.Tab)] if root else []
    for tab in tabs:
        if tab.label == COMPARE_LABEL and menus:
            tab.select(events.compare_menus, None, menus, **LIGHT)
