"""The settings of a run: data, preset, lengths, steps; checked, and started."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, fields

import gradio as gr
from gradio.blocks import Block
from markupsafe import Markup

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.jobs.intake import DATA_TYPES
from mrl_demo.jobs.line import TrainingJobs
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.queues import LIGHT, LIVE, TRAINING
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import caller_of
from mrl_demo.ui.train import view as train_view
from mrl_demo.ui.train.levers import LAYERS_LABEL, lay_out_levers
from mrl_demo.ui.train.own_documents import pairs_words, with_own_pairs
from mrl_demo.ui.train.presets import ANY_BASE_DIMS, BASE_NOTE, choice_named, preset_choices
from mrl_demo.ui.train.state import BUILTIN, MINE, OWN, TrainState

_FILE_HELP = html(
    '<p class="lead">JSONL, CSV or TSV, at most 50 MB: a question and its answer in every row (<code>query</code>,'
    " <code>positive</code>, and <code>negative</code> if you have one; other usual names are guessed). Steps, loss and"
    " how much of the training is kept are chosen to fit your pairs; the first rows and the wait are shown before you"
    " start.</p>"
)
_WEIGHTS_PROBLEM = html('<p class="notice error" role="alert" hidden></p>')
_COLUMN_IDS = {
    "query": Id.TRAIN_QUERY,
    "positive": Id.TRAIN_POSITIVE,
    "negative": Id.TRAIN_NEGATIVE,
    "score": Id.TRAIN_SCORE,
}


@dataclass(frozen=True)
class SettingsParts:
    """The controls of `TrainState`, each under the name that it has there, then what acts on them."""

    kind: gr.Radio
    upload: gr.File
    preset: gr.Dropdown
    name: gr.Textbox
    dims: gr.CheckboxGroup
    weights: gr.Textbox
    steps: gr.Number
    base: gr.Textbox
    query_column: gr.Textbox
    positive_column: gr.Textbox
    negative_column: gr.Textbox
    score_column: gr.Textbox
    is_broad: gr.Checkbox
    layers: gr.Checkbox
    teacher: Block
    parallel: Block
    loss: Block
    lora_rank: Block
    weighting: Block
    batch_size: Block
    drawn_lengths: Block
    spread_weight: Block
    hierarchy_weight: Block
    averaged: Block
    margin: Block
    anchor_weight: Block
    axes: Block
    spare_likely: Block
    own: gr.Column
    note: gr.HTML
    start: gr.Button
    check: gr.Button
    said: gr.HTML
    preview: gr.HTML
    visit: gr.State | None = None

    @property
    def form(self) -> Form[TrainState]:
        """The controls as one state."""
        parts = {field.name: getattr(self, field.name) for field in fields(TrainState)}
        return Form(TrainState, {name: part for name, part in parts.items() if part is not None})


def lay_out_settings(broad_pairs: str = "", visit: gr.State | None = None) -> SettingsParts:
    """Lay out all controls here; learning from `broad_pairs` is offered if the owner has such a folder.

    Documents of a `visit` are offered too, if visitors may bring any.
    """
    with gr.Row(elem_classes="curves-row"):
        kinds = [("The preset's pairs", BUILTIN), ("My own pairs", OWN)]
        kinds += [("The pairs of my data", MINE)] if visit is not None else []
        kind = gr.Radio(kinds, value=BUILTIN, label="Data", min_width=240, elem_id=Id.TRAIN_DATA)
        presets = [(preset.label, preset.name) for preset in preset_choices(has_broad_pairs=bool(broad_pairs))]
        preset = menu("Preset", presets, preset_choices()[0].name, Id.TRAIN_PRESET, min_width=220)
        name = gr.Textbox("my-model", label="Name of the model", max_lines=1, min_width=160, elem_id=Id.TRAIN_NAME)
    note = live_html(NOTHING, Id.TRAIN_PRESET_NOTE)
    with gr.Column(visible=False, elem_id=Id.TRAIN_OWN) as own:
        upload, columns = _own_pairs()
    dims = gr.CheckboxGroup(
        _length_entries(TRAINED_DIMS), value=list(TRAINED_DIMS), label="Lengths to train", elem_id=Id.TRAIN_DIMS
    )
    is_broad = gr.Checkbox(
        value=False,
        label="Learn from broad pairs of many sources too: takes longer, helps with text unlike your own",
        visible=bool(broad_pairs),
        elem_id=Id.TRAIN_BROAD,
    )
    layers = gr.Checkbox(value=False, label=LAYERS_LABEL, elem_id=Id.TRAIN_LAYERS)
    weights, steps, base = _numbers_and_base()
    levers = lay_out_levers()
    static_html(_WEIGHTS_PROBLEM, Id.TRAIN_WEIGHTS_SAID, read_script("train.js"))
    with gr.Row(elem_id=Id.TRAIN_ACTIONS):
        start = gr.Button("Start training", variant="primary", scale=0, min_width=160, elem_id=Id.TRAIN_START)
        check = gr.Button("Check", scale=0, min_width=110, elem_id=Id.TRAIN_CHECK)
    return SettingsParts(
        kind=kind,
        upload=upload,
        preset=preset,
        name=name,
        dims=dims,
        weights=weights,
        steps=steps,
        base=base,
        query_column=columns["query"],
        positive_column=columns["positive"],
        negative_column=columns["negative"],
        score_column=columns["score"],
        is_broad=is_broad,
        layers=layers,
        **levers,
        own=own,
        note=note,
        start=start,
        check=check,
        said=live_html(NOTHING, Id.TRAIN_NOTICE),
        preview=live_html(NOTHING, Id.TRAIN_PREVIEW),
        visit=visit,
    )


def _own_pairs() -> tuple[gr.File, dict[str, gr.Textbox]]:
    """A file of pairs, and what its columns are called."""
    static_html(_FILE_HELP, Id.TRAIN_HELP)
    upload = gr.File(
        label="Your pairs", file_types=list(DATA_TYPES), type="filepath", height=120, elem_id=Id.TRAIN_UPLOAD
    )
    with gr.Row(elem_classes="curves-row"):
        columns = {
            role: _text_field(label, "empty: guessed", _COLUMN_IDS[role], 140)
            for role, label in train_view.COLUMN_FIELDS.items()
        }
    return upload, columns


def _numbers_and_base() -> tuple[gr.Textbox, gr.Number, gr.Textbox]:
    with gr.Row(elem_classes="curves-row"):
        weights = _text_field(
            "Weight of each length", "empty: the preset's; or 2, 2, 1, 1", Id.TRAIN_WEIGHTS, min_width=220
        )
        steps = gr.Number(
            0,
            label="Steps (0: as many as suit the data)",
            precision=0,
            minimum=0,
            min_width=200,
            elem_id=Id.TRAIN_STEPS,
        )
        base = _text_field(
            "Another base model from the Hub", "empty: the preset's; or OWNER/NAME", Id.TRAIN_BASE, min_width=260
        )
    return weights, steps, base


def _text_field(label: str, placeholder: str, elem_id: Id, min_width: int) -> gr.Textbox:
    return gr.Textbox("", label=label, placeholder=placeholder, max_lines=1, min_width=min_width, elem_id=elem_id)


def _length_entries(dims: Sequence[int]) -> list[tuple[str, int]]:
    return [(str(dim), dim) for dim in dims]


@dataclass(frozen=True)
class SettingsEvents:
    """Handlers over the settings; `choose` gives the updates of `watching` that show a run just put in line."""

    line: TrainingJobs
    parts: SettingsParts
    choose: Callable[[str], Updates]
    watching: Set[Block]
    lab: LabProtocol

    def choose_kind(self, state: TrainState) -> Updates:
        """Show the fields of one's own pairs, or hide them; the presets are those that suit the data."""
        presets = preset_choices(state.kind in {OWN, MINE}, has_broad_pairs=bool(self.line.broad_pairs))
        return {
            self.parts.own: gr.Column(visible=state.kind == OWN),
            self.parts.said: self._words_on_data(state),
            self.parts.preset: gr.Dropdown([(preset.label, preset.name) for preset in presets], value=presets[0].name),
            self.parts.preview: NOTHING,
        }

    def _words_on_data(self, state: TrainState) -> Markup:
        """What the visitor's documents give, if they are chosen."""
        if state.kind != MINE:
            return NOTHING
        is_public = self.lab.settings.is_public
        return guarded(lambda: notice(pairs_words(self.lab, state.visit, is_public=is_public)), problem_notice)

    def choose_preset(self, state: TrainState) -> Updates:
        """What to know before the preset is started, and its lengths."""
        return self._lengths_for(state, choice_named(state.preset).dims or TRAINED_DIMS)

    def name_base(self, state: TrainState) -> Updates:
        """What to know of another base, and the lengths there are for it; those that are ticked stay."""
        return self._lengths_for(state, state.dims or ())

    def _lengths_for(self, state: TrainState, ticked: Sequence[int]) -> Updates:
        preset, is_other_base = choice_named(state.preset), bool((state.base or "").strip())
        notes = [preset.note, BASE_NOTE if is_other_base else ""]
        lengths = sorted({*(preset.dims or TRAINED_DIMS), *(ANY_BASE_DIMS if is_other_base else ())})
        kept = [dim for dim in lengths if dim in ticked]
        return {
            self.parts.note: join_html(notice(note) for note in notes),
            self.parts.dims: gr.CheckboxGroup(choices=_length_entries(lengths), value=kept),
        }

    def forget_check(self, _: TrainState) -> Updates:
        """Nothing where the last check stood: its times were those of other settings."""
        return {self.parts.preview: NOTHING}

    def say_checking(self) -> Updates:
        """The line while a check is under way."""
        return {self.parts.said: notice("Checking configuration and data …")}

    def check(self, state: TrainState) -> Updates:
        """Training's own dry run over the settings: what it read and how long it will take, or what to mend."""

        def look() -> Updates:
            """Check the settings and the data."""
            with with_own_pairs(self.lab, state) as whole:
                checked = train_view.check_html(self.line.check(whole.request()))
            return {self.parts.said: self._words_on_data(state), self.parts.preview: checked}

        return guarded(look, lambda error: {self.parts.said: problem_notice(error), self.parts.preview: NOTHING})

    def start(self, state: TrainState, request: gr.Request | None = None) -> Updates:
        """Put a run in line and show it."""

        def submit() -> Updates:
            """Start the run, or put it in line."""
            with with_own_pairs(self.lab, state) as whole:
                chosen = self.choose(self.line.submit(whole.request(), caller_of(request).session))
            return {self.parts.said: NOTHING, self.parts.preview: NOTHING, **chosen}

        return guarded(submit, lambda error: {self.parts.said: problem_notice(error)})

    def wire(self) -> gr.events.Dependency:
        """Connect the controls; gives the event that starts a run, so that it can be watched."""
        parts, form = self.parts, self.parts.form
        shown = {parts.own, parts.preset, parts.preview, parts.said}
        parts.kind.input(form.bind(self.choose_kind), form.inputs, shown, **LIGHT)
        parts.preset.input(form.bind(self.choose_preset), form.inputs, {parts.note, parts.dims}, **LIGHT)
        parts.base.input(form.bind(self.name_base), form.inputs, {parts.note, parts.dims}, **LIVE)
        for changed in (parts.layers.input, parts.steps.input):
            changed(form.bind(self.forget_check), form.inputs, {parts.preview}, **LIVE)
        for wish in (parts.check.click, parts.upload.upload):
            checking = wish(self.say_checking, None, {parts.said}, **LIGHT)
            checking.then(form.bind(self.check), form.inputs, {parts.said, parts.preview}, **TRAINING)
        begun = {parts.said, parts.preview, *self.watching}
        return parts.start.click(form.bind(self.start), form.inputs, begun, **TRAINING)


def problem_notice(error: LabError) -> Markup:
    """A problem as a line, with the field of the page that mends it."""
    return notice(train_view.problem_text(error), "error")
