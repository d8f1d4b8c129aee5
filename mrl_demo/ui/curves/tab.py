"""The Curves tab: quality, classification, cost and speed against length, and the queries that break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.types import Progress
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.curves.classes import ClassesSection, lay_out_classes
from mrl_demo.ui.curves.cost import CostSection, lay_out_cost
from mrl_demo.ui.curves.lost import LostLink, LostSection, lay_out_lost
from mrl_demo.ui.curves.quality import NOTHING_MEASURED, QualitySection, lay_out_quality
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.speed import SpeedSection, Timing, lay_out_speed
from mrl_demo.ui.curves.state import METRIC_LABELS, SHARE, VALUE, CurvesState, curves_state
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.jobs import Job, Jobs
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.queues import LIGHT, LIVE, STATE_SECONDS
from mrl_demo.ui.shared.sections import Section, show_all
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

_INTRO = html(
    '<h2>How much does a shorter vector lose?</h2><p class="lead">Every arm is cut to every length and asked the same'
    " judged questions. Besides the tuned model stand the arms that make the comparison fair: plain cutting, random"
    " numbers, rotations that need no training, the same tuning without the Matryoshka loss, and words alone.</p>"
)


@dataclass(frozen=True)
class CurveControls:
    """What is set above the sections."""

    corpus: gr.Dropdown
    metric: gr.Dropdown
    scale: gr.Radio
    arms: gr.CheckboxGroup
    published: gr.Checkbox
    work: LongWork


@dataclass(frozen=True)
class CurveParts:
    """All that the tab lays out."""

    controls: CurveControls
    quality: QualitySection
    classes: ClassesSection
    cost: CostSection
    speed: SpeedSection
    lost: LostSection
    seen: gr.State

    @property
    def form(self) -> Form[CurvesState]:
        """The controls of all sections as one state."""
        controls = self.controls
        return Form(
            curves_state,
            {
                "seen": self.seen,
                "corpus": controls.corpus,
                "metric": controls.metric,
                "scale": controls.scale,
                "arms": controls.arms,
                "published": controls.published,
                "cost_arm": self.cost.arm,
                "cost": self.cost.cost,
                "lost_arm": self.lost.arm,
                "size": self.speed.size,
                "task": self.classes.task,
            },
        )

    @property
    def sections(self) -> tuple[Section[CurvesState], ...]:
        """Everything that shows the state."""
        return (
            self.quality.shown,
            self.quality.after,
            self.classes.shown,
            self.cost.shown,
            self.speed.shown,
            self.lost.shown,
        )

    @property
    def menus(self) -> set[Block]:
        """The menus of arms and of labels, which depend on what was measured."""
        return {self.controls.arms, self.classes.task, self.cost.arm, self.lost.arm}


def build(page: Page, compare: CompareDoor | None = None) -> None:
    """Lay out the tab inside the page, filled from the shipped results; `compare` opens queries that break."""
    results = Results(CurvesService(page.lab))
    first = results.first_state(page.corpus)
    with gr.Tab("Curves", id=TabName.CURVES), gr.Column(elem_id=Id.CURVES):
        parts = _lay_out(results, first)
    form = parts.form
    _wire_sections(parts, form)
    _wire_measuring(results, parts, form)
    for bar in (parts.quality.bar, parts.classes.bar, parts.cost.bar, parts.speed.bar, parts.lost.bar):
        bar.wire(form)
    if compare:
        LostLink(results, compare).wire(parts.lost.listed, form)


def _lay_out(results: Results, first: CurvesState) -> CurveParts:
    static_html(_INTRO, Id.CURVES_INTRO)
    jobs = Jobs()
    controls = _controls(results, first, jobs)
    with gr.Tabs(elem_id=Id.CURVES_TABS, overflow_behavior="wrap"):
        with gr.Tab("Quality"):
            quality = lay_out_quality(results, first)
        with gr.Tab("Classification"):
            classes = lay_out_classes(results, first)
        with gr.Tab("What a byte buys"):
            cost = lay_out_cost(results, first)
        with gr.Tab("Speed"):
            speed = lay_out_speed(results, first, jobs)
        with gr.Tab("Queries that break"):
            lost = lay_out_lost(results, first)
    return CurveParts(controls, quality, classes, cost, speed, lost, gr.State(first.seen, time_to_live=STATE_SECONDS))


def _controls(results: Results, first: CurvesState, jobs: Jobs) -> CurveControls:
    choice = first.choice
    with gr.Row(elem_classes="curves-row"):
        corpora = [(each.label, each.name) for each in results.service.lab.corpora()]
        corpus = menu("Collection", corpora, choice.corpus, Id.CURVES_CORPUS, min_width=200)
        metrics = [(label, name) for name, label in METRIC_LABELS.items()]
        metric = menu("Measure", metrics, choice.metric, Id.CURVES_METRIC, min_width=200)
        scales = [("Value", VALUE), ("Share kept", SHARE)]
        scale = gr.Radio(scales, value=choice.scale, label="Show", min_width=170, elem_id=Id.CURVES_MODE)
        published = gr.Checkbox(
            choice.published, label="Published figures", container=False, min_width=150, elem_id=Id.CURVES_PUBLISHED
        )
    arms = gr.CheckboxGroup(results.arm_entries(first), value=list(choice.arms), label="Arms", elem_id=Id.CURVES_ARMS)
    with gr.Row(elem_classes="curves-row measure-row"):
        start = small_button("Measure anew on this machine", Id.CURVES_MEASURE, 230)
        stop = small_button("Stop", Id.CURVES_STOP, 80, is_active=False)
    said = notice("" if results.figures(first) else NOTHING_MEASURED, "hint")
    work = LongWork("sweep", start, stop, live_html(said, Id.CURVES_NOTICE), jobs)
    return CurveControls(corpus, metric, scale, arms, published, work)


def _wire_sections(parts: CurveParts, form: Form[CurvesState]) -> None:
    """Each control redraws the sections that depend on it."""
    controls, quality, cost = parts.controls, parts.quality.shown, parts.cost.shown
    classes = parts.classes.shown
    dependents: dict[Block, tuple[Section[CurvesState], ...]] = {
        controls.scale: (quality, classes),
        controls.arms: (quality, classes),
        controls.published: (quality,),
        controls.metric: (quality, cost),
        parts.classes.task: (classes,),
        parts.cost.arm: (cost,),
        parts.cost.cost: (cost,),
        parts.speed.size: (parts.speed.shown, cost),
        parts.lost.arm: (parts.lost.shown,),
    }
    for control, sections in dependents.items():
        control.input(form.bind(_redraw(sections)), form.inputs, _outputs(sections), **LIVE)


def _wire_measuring(results: Results, parts: CurveParts, form: Form[CurvesState]) -> None:
    """A measurement and another collection bring other arms; then everything is drawn anew."""
    show = form.bind(_redraw(parts.sections)), form.inputs, _outputs(parts.sections)
    menus = form.bind(ArmMenus(results, parts).update), form.inputs, parts.menus
    measuring, timing = parts.controls.work, parts.speed.work
    measured = measuring.wire(form, Measuring(results, measuring, parts.seen).run, {parts.seen})
    timing.wire(form, Timing(results, timing, parts.seen).run, {parts.seen}).then(*show, **LIGHT)
    for changed in (measured.then(*menus, **LIGHT), parts.controls.corpus.input(*menus, **LIGHT)):
        changed.then(*show, **LIGHT)


def _redraw(sections: tuple[Section[CurvesState], ...]) -> Callable[[CurvesState], Updates]:
    return lambda state: show_all(sections, state)


def _outputs(sections: tuple[Section[CurvesState], ...]) -> set[Block]:
    return {block for section in sections for block in section.outputs}


@dataclass(frozen=True)
class ArmMenus:
    """The menus of arms and of labels for another collection or a new measurement."""

    results: Results
    parts: CurveParts

    def update(self, state: CurvesState) -> Updates:
        """Entries and choices; arms that were off stay off."""
        choice = state.choice
        entries, cut = self.results.arm_entries(state), self.results.cut_arm_entries(state)
        names, cut_names = [name for _, name in entries], [name for _, name in cut]
        kept = [name for name in names if name in choice.arms] or names
        cost_arm = choice.cost_arm if choice.cost_arm in cut_names else cut_names[0]
        lost_arm = choice.lost_arm if choice.lost_arm in cut_names else cut_names[0]
        return {
            self.parts.controls.arms: gr.CheckboxGroup(choices=entries, value=kept),
            self.parts.classes.task: gr.Dropdown(
                choices=self.results.task_entries(state), value=self.results.task(state) or choice.task or None
            ),
            self.parts.cost.arm: gr.Dropdown(choices=cut, value=cost_arm),
            self.parts.lost.arm: gr.Dropdown(choices=cut, value=lost_arm),
        }


@dataclass(frozen=True)
class Measuring:
    """Measures every arm on the chosen collection."""

    results: Results
    work: LongWork
    seen: gr.State

    def run(self, state: CurvesState, request: gr.Request) -> Iterator[Updates]:
        """Measure with progress, and keep the result for this visitor."""
        corpus, seen = state.choice.corpus, state.seen

        def measure(progress: Progress) -> CurveSet:
            return self.results.service.measure(corpus, progress)

        def keep(result: CurveSet) -> Updates:
            return {self.seen: replace(seen, sweeps={**seen.sweeps, corpus: result})}

        yield from self.work.follow(Job(measure), keep, request)
