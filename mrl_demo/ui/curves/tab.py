"""The Curves tab: quality, cost and speed against length, and the queries that break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from mrl_demo.evaluation.speed import SIZES
from mrl_demo.lab.curves import CurvesService
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.curves import files as curves_files
from mrl_demo.ui.curves.data import BYTES, LATENCY, METRIC_LABELS, Choice
from mrl_demo.ui.curves.events import CurveEvents, Seen
from mrl_demo.ui.shared.links import OPEN_COMPARE
from mrl_demo.ui.shared.queues import HEAVY, LIGHT, STATE_SECONDS
from mrl_demo.ui.shared.widgets import live_html, read_static, static_html

LABEL = "Curves"
VALUE, SHARE = "Value", "Share kept"
FIRST_SIZE = 100_000
#: Ticking several boxes in a row ends with the last state shown, however slow the line is.
LIVE: dict[str, Any] = {**LIGHT, "trigger_mode": "always_last"}
QUALITY_CHART, COST_CHART, SPEED_CHART = "curves-quality", "curves-cost", "curves-speed"
#: Ids of the Compare tab's controls that a click on a lost query fills.
COMPARE_IDS = ("query", "corpus", "left-arm", "right-arm", "dimension")
_INTRO = (
    "<h2>How much does a shorter vector lose?</h2><p class='lead'>Every arm is cut to every length and asked the same"
    " judged questions. Besides the tuned model stand the arms that make the comparison fair: plain cutting, random"
    " numbers, rotations that need no training, the same tuning without the Matryoshka loss, and words alone.</p>"
)


@dataclass(frozen=True)
class Controls:
    """What the visitor sets, in the order of `CurveEvents.choice`."""

    corpus: gr.Dropdown
    metric: gr.Dropdown
    mode: gr.Radio
    arms: gr.CheckboxGroup
    published: gr.Checkbox
    cost_arm: gr.Dropdown
    cost: gr.Radio
    lost_arm: gr.Dropdown
    size: gr.Radio
    seen: gr.State

    @property
    def all(self) -> list[gr.blocks.Block]:
        """Inputs of every event."""
        return [
            self.seen, self.corpus, self.metric, self.mode, self.arms, self.published, self.cost_arm, self.cost,
            self.lost_arm, self.size,
        ]  # fmt: skip


@dataclass(frozen=True)
class CurveOutputs:
    """What the events fill, one tuple for each section."""

    quality: tuple[gr.blocks.Block, ...]
    before_after: tuple[gr.blocks.Block, ...]
    cost: tuple[gr.blocks.Block, ...]
    speed: tuple[gr.blocks.Block, ...]
    lost: tuple[gr.blocks.Block, ...]

    @property
    def all(self) -> list[gr.blocks.Block]:
        """Every section's blocks in one list."""
        return [*self.quality, *self.before_after, *self.cost, *self.speed, *self.lost]


@dataclass(frozen=True)
class Buttons:
    """A button that starts long work, the one that stops it, and the line that says how it goes."""

    start: gr.Button
    stop: gr.Button
    notice: gr.HTML


def build(lab: LabProtocol, corpus: str | None = None) -> None:
    """Lay out the tab inside the current Blocks, filled from the shipped results."""
    events = CurveEvents(CurvesService(lab))
    first = events.first_choice(corpus or lab.corpora()[0].name)
    with gr.Column(elem_id="curves"):
        static_html(_INTRO, "curves-intro")
        controls, measuring = _controls(events, first)
        seen = Seen()
        with gr.Tabs(elem_id="curves-tabs", overflow_behavior="wrap"):
            with gr.Tab("Quality"):
                quality, before_after, bar = _quality(events, seen, first)
            with gr.Tab("What a byte buys"):
                cost_arm, cost, cost_out, cost_bar = _cost(events, seen, first)
            with gr.Tab("Speed"):
                size, timing, speed_out, speed_bar = _speed(events, seen)
            with gr.Tab("Queries that break"):
                lost_arm, lost_out, lost_bar = _lost(events, seen, first)
        corpus_menu, metric, mode, arms, published = controls
        state = gr.State(seen, time_to_live=STATE_SECONDS)
    used = Controls(corpus_menu, metric, mode, arms, published, cost_arm, cost, lost_arm, size, state)
    shown = CurveOutputs(quality, before_after, cost_out, speed_out, lost_out)
    _wire(events, used, shown)
    _wire_long(events, used, shown, measuring, timing)
    for section, each in (("quality", bar), ("quality", cost_bar), ("speed", speed_bar), ("lost", lost_bar)):
        each.pick(events.file_of(section), used.all, each, **LIGHT)
    _wire_compare(events, used, lost_out[0])


def _controls(events: CurveEvents, first: Choice) -> tuple[tuple[Any, ...], Buttons]:
    with gr.Row(elem_classes="curves-row"):
        corpora = [(choice.label, choice.name) for choice in events.service.lab.corpora()]
        corpus = gr.Dropdown(
            corpora, value=first.corpus, label="Collection", filterable=False, min_width=200, elem_id="curves-corpus"
        )
        metrics = [(label, name) for name, label in METRIC_LABELS.items()]
        metric = gr.Dropdown(
            metrics, value=first.metric, label="Measure", filterable=False, min_width=200, elem_id="curves-metric"
        )
        mode = gr.Radio([VALUE, SHARE], value=VALUE, label="Show", min_width=170, elem_id="curves-mode")
        published = gr.Checkbox(
            first.published, label="Published figures", container=False, min_width=150, elem_id="curves-published"
        )
    arms = gr.CheckboxGroup(
        events.arm_choices(first.corpus), value=list(first.arms), label="Arms", elem_id="curves-arms"
    )
    with gr.Row(elem_classes="curves-row measure-row"):
        start = gr.Button("Measure anew on this machine", size="sm", scale=0, min_width=230, elem_id="curves-measure")
        stop = gr.Button("Stop", size="sm", scale=0, min_width=80, interactive=False, elem_id="curves-stop")
    notice = live_html(events.first_notice(first.corpus), "curves-notice")
    return (corpus, metric, mode, arms, published), Buttons(start, stop, notice)


def _quality(events: CurveEvents, seen: Seen, first: Choice) -> tuple[tuple[Any, ...], tuple[Any, ...], gr.HTML]:
    headline, figure, table, provenance, published = events.quality_parts(seen, first)
    words = static_html(headline, "curves-headline")
    chart = gr.Plot(figure, show_label=False, elem_id=QUALITY_CHART, elem_classes="curves-chart")
    bar = _bar(curves_files.bar_html("curves", QUALITY_CHART), "curves-files")
    grid = static_html(table, "curves-table")
    after = static_html(events.before_after_part(seen, first)[0], "curves-before-after")
    origin = static_html(provenance, "curves-origin")
    quotes = static_html(published, "curves-quotes")
    return (words, chart, grid, origin, quotes), (after,), bar


def _cost(events: CurveEvents, seen: Seen, first: Choice) -> tuple[gr.Dropdown, gr.Radio, tuple[Any, ...], gr.HTML]:
    with gr.Row(elem_classes="curves-row"):
        arm = gr.Dropdown(
            events.arm_choices(first.corpus, with_length=True),
            value=first.cost_arm,
            label="Arm",
            filterable=False,
            min_width=240,
            elem_id="curves-cost-arm",
        )
        kinds = [("Bytes in memory", BYTES), ("Latency", LATENCY)]
        cost = gr.Radio(kinds, value=first.cost, label="Against", min_width=240, elem_id="curves-cost-kind")
    figure, words = events.cost_parts(seen, first, FIRST_SIZE)
    text = static_html(words, "curves-cost-words")
    chart = gr.Plot(figure, show_label=False, elem_id=COST_CHART, elem_classes="curves-chart")
    return arm, cost, (chart, text), _bar(curves_files.bar_html("curves-cost", COST_CHART), "curves-cost-files")


def _speed(events: CurveEvents, seen: Seen) -> tuple[gr.Radio, Buttons, tuple[Any, ...], gr.HTML]:
    sizes = [(f"{size:,}", size) for size in SIZES]
    with gr.Row(elem_classes="curves-row measure-row"):
        size = gr.Radio(sizes, value=FIRST_SIZE, label="Vectors", elem_id="curves-size")
        start = gr.Button("Time it on this machine", size="sm", scale=0, min_width=200, elem_id="curves-time")
        stop = gr.Button("Stop", size="sm", scale=0, min_width=80, interactive=False, elem_id="curves-time-stop")
    notice = live_html("", "curves-time-notice")
    words, figure, table = events.speed_parts(seen, FIRST_SIZE)
    text = static_html(words, "curves-speed-words")
    chart = gr.Plot(figure, show_label=False, elem_id=SPEED_CHART, elem_classes="curves-chart")
    bar = _bar(curves_files.bar_html("speed", SPEED_CHART), "curves-speed-files")
    grid = static_html(table, "curves-speed-table")
    return size, Buttons(start, stop, notice), (text, chart, grid), bar


def _lost(events: CurveEvents, seen: Seen, first: Choice) -> tuple[gr.Dropdown, tuple[Any, ...], gr.HTML]:
    with gr.Row(elem_classes="curves-row"):
        arm = gr.Dropdown(
            events.arm_choices(first.corpus, with_length=True),
            value=first.lost_arm,
            label="Arm",
            filterable=False,
            elem_id="curves-lost-arm",
        )
    listed = static_html(events.lost_part(seen, first)[0], "curves-lost", "examples.js")
    return arm, (listed,), _bar(curves_files.bar_html("queries-that-break"), "curves-lost-files")


def _bar(markup: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        markup, elem_id=elem_id, js_on_load=read_static("downloads.js"), apply_default_css=False, payload=None
    )


def _wire(events: CurveEvents, used: Controls, shown: CurveOutputs) -> None:
    for control in (used.mode, used.arms, used.published):
        control.input(events.show_quality, used.all, list(shown.quality), **LIVE)
    used.metric.input(events.show_metric, used.all, [*shown.quality, *shown.cost], **LIVE)
    for control in (used.cost_arm, used.cost):
        control.input(events.show_cost, used.all, list(shown.cost), **LIVE)
    used.size.input(events.show_speed, used.all, [*shown.speed, *shown.cost], **LIVE)
    used.lost_arm.input(events.show_lost, used.all, list(shown.lost), **LIVE)
    menus: list[gr.blocks.Block] = [used.arms, used.cost_arm, used.lost_arm]
    used.corpus.input(events.change_corpus, used.all, menus, **LIGHT).then(
        events.show_all, used.all, shown.all, **LIGHT
    )


def _wire_long(events: CurveEvents, used: Controls, shown: CurveOutputs, measuring: Buttons, timing: Buttons) -> None:
    """Long work reports into its notice, then everything is drawn from what it left in the visitor's state."""
    menus: list[gr.blocks.Block] = [used.arms, used.cost_arm, used.lost_arm]
    for work, buttons, kind in ((events.measure, measuring, "sweep"), (events.time, timing, "speed")):
        outputs: list[gr.blocks.Block] = [buttons.notice, buttons.start, buttons.stop, used.seen]
        done = buttons.start.click(work, used.all, outputs, **HEAVY)
        if kind == "sweep":
            done = done.then(events.change_corpus, used.all, menus, **LIGHT)
        done.then(events.show_all, used.all, shown.all, **LIGHT)
        buttons.stop.click(events.stopper(kind), None, None, **LIGHT)


def _wire_compare(events: CurveEvents, used: Controls, listed: gr.HTML) -> None:
    """A click on a lost query fills the Compare tab's controls and presses its button."""
    root = gr.context.Context.root_block
    by_id = {block.elem_id: block for block in root.blocks.values()} if root else {}
    targets = [by_id[name] for name in COMPARE_IDS if name in by_id]
    if len(targets) == len(COMPARE_IDS):
        listed.pick(events.open_lost, used.all, targets, **LIGHT).success(None, None, None, js=OPEN_COMPARE)
