"""The Curves tab: quality, classification, cost and speed against length, and the queries that break."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.arms.catalogue import leading_arms
from mrl_demo.core.glossary import Term
from mrl_demo.core.types import Progress
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.plots.line_ends import LINE_CHART_LAYOUTS
from mrl_demo.ui.components.glossary import term
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.curves.classes import ClassesSection, lay_out_classes
from mrl_demo.ui.curves.cost import CostSection, lay_out_cost
from mrl_demo.ui.curves.groups import GroupsSection, lay_out_groups
from mrl_demo.ui.curves.layers import LayerMeasuring, LayersSection, lay_out_layers
from mrl_demo.ui.curves.linking import NAMES, SECTIONS, CurvesLink
from mrl_demo.ui.curves.lost import LostLink, LostSection, lay_out_lost
from mrl_demo.ui.curves.measuring import Measurement
from mrl_demo.ui.curves.pickers import group_style
from mrl_demo.ui.curves.quality import QualitySection, lay_out_quality
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.speed import SpeedSection, Timing, lay_out_speed
from mrl_demo.ui.curves.state import CurvesState, Seen, curves_state
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.address_bar import AddressBar
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.queues import LIGHT, LIVE, STATE_SECONDS
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.sections import Section, show_all
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

_INTRO = html(
    '<h2>How much does a shorter vector lose?</h2><p class="lead">Every {method} is {cut} to every length and asked the'
    " same questions. Under “More methods” stand those that make the comparison fair: random numbers, rotations that"
    " need no training ({re_ordered}), the same tuning without the Matryoshka loss, and words alone, by {bm25}.</p>",
    method=term(Term.METHOD),
    cut=term(Term.CUT),
    re_ordered=term(Term.RE_ORDERED, "re-ordered"),
    bm25=term(Term.BM25),
)


@dataclass(frozen=True)
class CurveControls:
    """What is set above the sections, for all of them but Speed: the page hides it there."""

    corpus: gr.Dropdown
    work: LongWork


@dataclass(frozen=True)
class CurveParts:
    """All that the tab lays out."""

    controls: CurveControls
    quality: QualitySection
    classes: ClassesSection
    cost: CostSection
    groups: GroupsSection
    speed: SpeedSection
    layers: LayersSection
    lost: LostSection
    seen: gr.State
    visit: gr.State
    tabs: gr.Tabs

    @property
    def form(self) -> Form[CurvesState]:
        """The controls of all sections as one state."""
        return Form(curves_state, {"seen": self.seen, "visit": self.visit, **self.by_field})

    @property
    def by_field(self) -> dict[str, Block]:
        """Every control by the field of `Choice` that it sets."""
        quality, classes, cost, groups = self.quality, self.classes, self.cost, self.groups
        return {
            "corpus": self.controls.corpus,
            "metric": quality.metric,
            "scale": quality.scale,
            "arms": quality.arms,
            "published": quality.published,
            "task": classes.task,
            "class_scale": classes.scale,
            "class_arms": classes.arms,
            "cost_arm": cost.arm,
            "cost_metric": cost.metric,
            "cost": cost.cost,
            "group_field": groups.field,
            "group_arm": groups.arm,
            "group_metric": groups.metric,
            "layer_arm": self.layers.arm,
            "lost_arm": self.lost.arm,
            "size": self.speed.size,
        }

    @property
    def sections(self) -> tuple[Section[CurvesState], ...]:
        """Everything that shows the state."""
        return (
            self.quality.shown,
            self.quality.after,
            self.classes.shown,
            self.cost.shown,
            self.groups.shown,
            self.speed.shown,
            self.layers.shown,
            self.lost.shown,
        )

    @property
    def menus(self) -> set[Block]:
        """The menus of measures, methods and labels, which depend on what was measured."""
        measures = {self.quality.metric, self.cost.metric, self.groups.metric}
        methods = {self.quality.arms, self.classes.arms, self.cost.arm, self.groups.arm, self.lost.arm, self.layers.arm}
        return measures | methods | {self.classes.task, self.groups.field}


def build(page: Page, compare: CompareDoor | None = None) -> Callable[[gr.events.Dependency], object]:
    """Lay out the tab inside the page, filled from the shipped results; `compare` opens queries that break.

    Gives what draws everything anew after an event that chose another collection.
    """
    results = Results(CurvesService(page.lab))
    first = results.first_state(page.corpus)
    with gr.Tab("Curves", id=TabName.CURVES), gr.Column(elem_id=Id.CURVES):
        parts = _lay_out(results, first, page.measurements, page.visit)
    form = parts.form
    _wire_sections(parts, form)
    redraw_after = _wire_measuring(results, parts, form)
    for bar in (
        parts.quality.bar,
        parts.classes.bar,
        parts.cost.bar,
        parts.groups.bar,
        parts.layers.bar,
        parts.speed.bar,
        parts.lost.bar,
    ):
        bar.wire(form)
    _add_to_address(page.address, results, first, parts)
    if compare:
        LostLink(results, compare).wire(parts.lost.listed, form)
    return redraw_after


def _lay_out(results: Results, first: CurvesState, heavy: HeavyLine, visit: gr.State) -> CurveParts:
    static_html(_INTRO + group_style(), Id.CURVES_INTRO, read_script("curves.js", layouts=LINE_CHART_LAYOUTS))
    controls = _controls(results, first, heavy)
    with gr.Tabs(selected=SECTIONS[0], elem_id=Id.CURVES_TABS, overflow_behavior="wrap") as tabs:
        with gr.Tab("Quality", id="quality"):
            quality = lay_out_quality(results, first)
        with gr.Tab("Classification", id="classes"):
            classes = lay_out_classes(results, first)
        with gr.Tab("What a byte buys", id="cost"):
            cost = lay_out_cost(results, first)
        with gr.Tab("By group", id="groups"):
            groups = lay_out_groups(results, first)
        with gr.Tab("Layers", id="layers"):
            layers = lay_out_layers(results, first, heavy)
        with gr.Tab("Queries that break", id="lost"):
            lost = lay_out_lost(results, first)
        with gr.Tab("Speed", id="speed", elem_id=Id.CURVES_SPEED_TAB):
            speed = lay_out_speed(results, first, heavy)
    seen = gr.State(first.seen, time_to_live=STATE_SECONDS)
    return CurveParts(controls, quality, classes, cost, groups, speed, layers, lost, seen, visit, tabs)


def _controls(results: Results, first: CurvesState, heavy: HeavyLine) -> CurveControls:
    with gr.Row(elem_classes="curves-row measure-row", elem_id=Id.CURVES_COLLECTION):
        corpora = [(each.label, each.name) for each in results.service.lab.corpora()]
        corpus = menu("Collection", corpora, first.choice.corpus, Id.CURVES_CORPUS, min_width=200)
        start = small_button("Measure anew on this machine", Id.CURVES_MEASURE, 230)
        stop = small_button("Stop", Id.CURVES_STOP, 80, is_active=False)
    work = LongWork("sweep", start, stop, live_html(NOTHING, Id.CURVES_NOTICE), heavy, "measuring curves")
    return CurveControls(corpus, work)


def _wire_sections(parts: CurveParts, form: Form[CurvesState]) -> None:
    """Each control redraws the sections that depend on it."""
    quality, classes, cost, groups = parts.quality, parts.classes, parts.cost, parts.groups
    dependents: dict[Block, tuple[Section[CurvesState], ...]] = {
        **dict.fromkeys((quality.metric, quality.scale, quality.arms, quality.published), (quality.shown,)),
        **dict.fromkeys((classes.task, classes.scale, classes.arms), (classes.shown,)),
        **dict.fromkeys((cost.arm, cost.metric, cost.cost), (cost.shown,)),
        **dict.fromkeys((groups.field, groups.arm, groups.metric), (groups.shown,)),
        parts.speed.size: (parts.speed.shown, cost.shown),
        parts.layers.arm: (parts.layers.shown,),
        parts.lost.arm: (parts.lost.shown,),
    }
    for control, sections in dependents.items():
        control.input(form.bind(_redraw(sections)), form.inputs, _outputs(sections), **LIVE)


def _wire_measuring(
    results: Results, parts: CurveParts, form: Form[CurvesState]
) -> Callable[[gr.events.Dependency], object]:
    """A measurement and another collection bring other arms; then everything is drawn anew."""
    show = form.bind(_redraw(parts.sections)), form.inputs, _outputs(parts.sections)
    menus = form.bind(ArmMenus(results, parts).update), form.inputs, parts.menus
    measuring, timing = parts.controls.work, parts.speed.work
    measured = measuring.wire(form, CurveMeasuring(results, measuring, parts.seen).run, {parts.seen})
    timing.wire(form, Timing(results, timing, parts.seen).run, {parts.seen}).then(*show, **LIGHT)
    layers = parts.layers.work
    by_layer = LayerMeasuring(results, layers, parts.seen).run
    layers.wire(form, by_layer, {parts.seen}).then(
        form.bind(_redraw((parts.layers.shown,))), form.inputs, _outputs((parts.layers.shown,)), **LIGHT
    )
    for changed in (measured.then(*menus, **LIGHT), parts.controls.corpus.input(*menus, **LIGHT)):
        changed.then(*show, **LIGHT)
    return lambda event: event.then(*menus, **LIGHT).then(*show, **LIGHT)


def _add_to_address(bar: AddressBar, results: Results, first: CurvesState, parts: CurveParts) -> None:
    """Let a link set every choice; then everything is drawn, a visitor's own measurements included."""
    link, form = CurvesLink(results, first, parts.by_field, parts.tabs), parts.form

    def update(values: Mapping[str, Any]) -> Updates:
        """Fill the fields that an address names."""
        choice = link.choice(values)
        said = {parts.by_field[NAMES[name]]: value for name, value in values.items() if name in NAMES}
        section = {parts.tabs: gr.Tabs(selected=values["section"])} if "section" in values else {}
        return {**said, **ArmMenus(results, parts).update(CurvesState(choice)), **section}

    def follow(event: gr.events.Dependency) -> gr.events.Dependency:
        """Draw the sections after an event."""
        return event.then(form.bind(_redraw(parts.sections)), form.inputs, _outputs(parts.sections), **LIGHT)

    bar.add(TabName.CURVES, link.parameters(), update=update, follow=follow)


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
        """Entries and choices; methods that were on stay on, a few are if none was measured, and the visitor's own."""
        choice, measured = state.choice, self.results.measured(state)
        own = [arm.name for arm in state.own_here if arm.name in measured]
        entries, cut = self.results.arm_entries(state), self.results.cut_arm_entries(state)
        names, cut_names = [name for _, name in entries], [name for _, name in cut]
        cost_arm = choice.cost_arm if choice.cost_arm in cut_names else cut_names[0]
        group_arm = choice.group_arm if choice.group_arm in cut_names else cut_names[0]
        lost_arm = choice.lost_arm if choice.lost_arm in cut_names else cut_names[0]
        layered = self.results.layer_entries(state)
        return {
            self.parts.quality.metric: self.results.metric(state, choice.metric),
            self.parts.cost.metric: self.results.metric(state, choice.cost_metric),
            self.parts.quality.arms: gr.CheckboxGroup(
                choices=entries, value=_still_on([*choice.arms, *own], names, measured)
            ),
            self.parts.classes.arms: gr.CheckboxGroup(
                choices=entries, value=_still_on([*choice.class_arms, *own], names, measured)
            ),
            self.parts.classes.task: gr.Dropdown(
                choices=self.results.task_entries(state), value=self.results.task(state) or choice.task or None
            ),
            self.parts.cost.arm: gr.Dropdown(choices=cut, value=cost_arm),
            self.parts.groups.arm: gr.Dropdown(choices=cut, value=group_arm),
            self.parts.groups.metric: self.results.metric(state, choice.group_metric),
            self.parts.groups.field: gr.Dropdown(
                choices=self.results.group_entries(state),
                value=self.results.group_field(state) or choice.group_field or None,
            ),
            self.parts.layers.arm: gr.Dropdown(choices=layered, value=_one_of(choice.layer_arm, layered)),
            self.parts.lost.arm: gr.Dropdown(choices=cut, value=lost_arm),
        }


def _one_of(chosen: str, entries: Sequence[tuple[str, str]]) -> str | None:
    names = [name for _, name in entries]
    return chosen if chosen in names else next(iter(names), None)


def _still_on(chosen: Sequence[str], names: Sequence[str], measured: Sequence[str]) -> list[str]:
    on = [name for name in names if name in chosen]
    has_figures = not measured or bool(set(on) & set(measured))
    return on if on and has_figures else list(leading_arms(measured or names))


class CurveMeasuring(Measurement[CurveSet]):
    """Measures the methods that are ticked, and the visitor's own, on the chosen collection."""

    def measure(self, state: CurvesState, progress: Progress) -> CurveSet:
        """Quality of those methods at every length, over a sample of the queries."""
        arms = self.results.to_measure(state)
        return self.results.service.measure(state.choice.corpus, progress, arms=arms, is_sample=True)

    def with_figures(self, state: CurvesState, figures: CurveSet) -> Seen:
        """Curves are kept by corpus."""
        return replace(state.seen, sweeps={**state.seen.sweeps, state.choice.corpus: figures})
