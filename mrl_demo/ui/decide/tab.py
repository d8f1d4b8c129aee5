"""The Decide tab: from curves to a setting, its proof, the new cut-off, the price, and what to take along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import gradio as gr
from gradio.blocks import Block

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.search.quantised import ALL_PRECISIONS
from mrl_demo.ui.address.kinds import DecimalNumber, FreeText, Kind, OneOf, Several, WholeNumber
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.decide.advice import AdviceSection, Advising, lay_out_advice
from mrl_demo.ui.decide.budget import BUDGET_END, BudgetSection, lay_out_budget
from mrl_demo.ui.decide.cost import PriceSection, lay_out_prices
from mrl_demo.ui.decide.cutoff import CutoffSection, lay_out_cutoff
from mrl_demo.ui.decide.engines import lay_out_engines
from mrl_demo.ui.decide.exporting import lay_out_report
from mrl_demo.ui.decide.growth import GrowthSection, lay_out_growth
from mrl_demo.ui.decide.judging import JudgingSection, lay_out_judging
from mrl_demo.ui.decide.state import (
    DECIDE_METRICS,
    PRECISION_LABELS_OF_SETS,
    TARGETS,
    Decided,
    DecideState,
    decide_state,
)
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.address_bar import Parameter
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.links import Page, TabName
from mrl_demo.ui.shared.queues import LIGHT, LIVE, STATE_SECONDS
from mrl_demo.ui.shared.sections import Section, show_all
from mrl_demo.ui.shared.served import left_out_line
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

_INTRO = html(
    '<h2>How short may your vectors be?</h2><p class="lead">The smallest setting that keeps what you ask for, with a'
    " bound that holds however many settings were looked at; what breaks, what your score cut-off becomes, what it"
    " costs, and the files for your engine.</p>"
)
_FIRST_ARMS = ("base", "corpus-pca", "tuned")


class DecideView(StrEnum):
    """The sections of the tab, by their names in the address."""

    ADVICE = "advice"
    BUDGET = "budget"
    JUDGE = "judge"
    CUTOFF = "cutoff"
    GROWTH = "growth"
    COST = "cost"
    TAKE = "take"


@dataclass(frozen=True)
class DecideControls:
    """What is set above the sections."""

    corpus: gr.Dropdown
    metric: gr.Dropdown
    target: gr.Dropdown
    precisions: gr.Dropdown
    rescored: gr.Number
    most_bytes: gr.Number
    arms: gr.CheckboxGroup
    arm: gr.Dropdown
    dim: gr.Number
    precision: gr.Dropdown
    work: LongWork

    @property
    def setting(self) -> dict[str, Block]:
        """The setting to translate, price and export."""
        return {"arm": self.arm, "dim": self.dim, "precision": self.precision}


@dataclass(frozen=True)
class DecideParts:
    """All that the tab lays out."""

    controls: DecideControls
    advice: AdviceSection
    judging: JudgingSection
    cutoff: CutoffSection
    growth: GrowthSection
    prices: PriceSection
    decided: gr.State
    budget: BudgetSection
    views: gr.Tabs

    @property
    def form(self) -> Form[DecideState]:
        """The controls of all sections as one state."""
        controls = self.controls
        return Form(
            decide_state,
            {
                "decided": self.decided,
                "corpus": controls.corpus,
                "metric": controls.metric,
                "target": controls.target,
                "precisions": controls.precisions,
                "arms": controls.arms,
                "cutoff": self.cutoff.cutoff,
                "cut_arm": controls.arm,
                "cut_dim": controls.dim,
                "cut_precision": controls.precision,
                **self.prices.controls,
                "budget": self.budget.slider,
                "rescored": controls.rescored,
                "most_bytes": controls.most_bytes,
                "grow_to": self.growth.grow_to,
            },
        )

    @property
    def sections(self) -> tuple[Section[DecideState], ...]:
        """Everything that shows the state."""
        parts = (self.advice, self.budget, self.judging, self.cutoff, self.growth, self.prices)
        return tuple(part.shown for part in parts)


def build(page: Page) -> None:
    """Lay out the tab inside the page; nothing is measured before somebody asks."""
    arms = [(arm.label, arm.name) for arm in page.lab.builder.menu.contenders() if arm.has_prefixes]
    names = [name for _, name in arms]
    chosen = tuple(name for name in _FIRST_ARMS if name in names) or tuple(names[:1])
    first = DecideState(Decided(), page.corpus, "ndcg@10", "0.95", chosen, cut_arm=chosen[0])
    with gr.Tab("Decide", id=TabName.DECIDE), gr.Column(elem_id=Id.DECIDE):
        parts = _lay_out(page, first, arms)
        form = parts.form
    _wire(page.lab, parts, form)
    _add_decisions(page, parts)


def _lay_out(page: Page, first: DecideState, arms: list[tuple[str, str]]) -> DecideParts:
    static_html(_INTRO, Id.DECIDE_INTRO)
    controls = _controls(page.lab, first, arms, page.measurements)
    decided = gr.State(first.decided, time_to_live=STATE_SECONDS)
    with gr.Tabs(selected=DecideView.ADVICE, elem_id=Id.DECIDE_TABS, overflow_behavior="wrap") as views:
        with gr.Tab("Recommendation", id=DecideView.ADVICE):
            advice = lay_out_advice(first, page.measurements)
        with gr.Tab("Byte budget", id=DecideView.BUDGET):
            budget = lay_out_budget(first, page.measurements)
        with gr.Tab("Judge blind", id=DecideView.JUDGE):
            judging = lay_out_judging(first, page.measurements)
        with gr.Tab("Cut-off", id=DecideView.CUTOFF):
            cutoff = lay_out_cutoff(first, page.measurements)
        with gr.Tab("Growth", id=DecideView.GROWTH):
            growth = lay_out_growth(first, page.measurements)
        with gr.Tab("Cost", id=DecideView.COST):
            prices = lay_out_prices(page.lab, first)
        parts = DecideParts(controls, advice, judging, cutoff, growth, prices, decided, budget, views)
        with gr.Tab("Take along", id=DecideView.TAKE):
            lay_out_report(page, parts.form)
            lay_out_engines(page, parts.form)
    return parts


def _controls(lab: LabProtocol, first: DecideState, arms: list[tuple[str, str]], heavy: HeavyLine) -> DecideControls:
    with gr.Row(elem_classes="curves-row"):
        corpora = [(each.label, each.name) for each in lab.corpora()]
        corpus = menu("Collection", corpora, first.corpus, Id.DECIDE_CORPUS, min_width=200)
        metrics = [(label, name) for name, label in DECIDE_METRICS.items()]
        metric = menu("Measure", metrics, first.metric, Id.DECIDE_METRIC, min_width=140)
        targets = [(f"{float(value):.0%}", value) for value in TARGETS]
        target = menu("Keep at least", targets, first.target, Id.DECIDE_TARGET, min_width=120)
        sets = [(label, name) for name, label in PRECISION_LABELS_OF_SETS.items()]
        kinds = menu("Precisions", sets, first.precisions, Id.DECIDE_PRECISIONS, min_width=160)
        rescored = gr.Number(
            first.rescored,
            label="Documents rescored",
            precision=0,
            minimum=1,
            min_width=130,
            elem_id=Id.DECIDE_RESCORED,
        )
        says = "Bytes a vector (0: any)"
        most_bytes = gr.Number(
            first.most_bytes, label=says, precision=0, minimum=0, min_width=150, elem_id=Id.DECIDE_MOST_BYTES
        )
    chosen = gr.CheckboxGroup(arms, value=list(first.arms), label="Methods", elem_id=Id.DECIDE_ARMS)
    left_out_line(Id.DECIDE_LEFT_OUT)
    with gr.Row(elem_classes="curves-row measure-row"):
        start = gr.Button("Recommend", variant="primary", scale=0, min_width=160, elem_id=Id.DECIDE_START)
        stop = small_button("Stop", Id.DECIDE_STOP, 80, is_active=False)
    line = live_html(NOTHING, Id.DECIDE_NOTICE)
    with gr.Row(elem_classes="curves-row", elem_id=Id.DECIDE_SETTING):
        arm = menu("The setting: method", arms, first.cut_arm, Id.DECIDE_ARM, min_width=200)
        dim = gr.Number(
            first.cut_dim, label="The setting: numbers kept", precision=0, min_width=130, elem_id=Id.DECIDE_DIM
        )
        precisions = [(name, name) for name in ALL_PRECISIONS]
        precision = menu("The setting: precision", precisions, first.cut_precision, Id.DECIDE_PRECISION, min_width=150)
    return DecideControls(
        corpus,
        metric,
        target,
        kinds,
        rescored,
        most_bytes,
        chosen,
        arm,
        dim,
        precision,
        LongWork("advice", start, stop, line, heavy, "measuring settings for a recommendation"),
    )


def _wire(lab: LabProtocol, parts: DecideParts, form: Form[DecideState]) -> None:
    controls = parts.controls
    advising = Advising(lab, controls.work, parts.decided, controls.setting)
    show = form.bind(_redraw(parts.sections)), form.inputs, {b for s in parts.sections for b in s.outputs}
    controls.work.wire(form, advising.run, advising.filled).then(*show, **LIGHT)
    prices = form.bind(parts.prices.shown.show), form.inputs, parts.prices.shown.outputs
    for control in (*controls.setting.values(), *parts.prices.controls.values()):
        control.input(*prices, **LIVE)
    parts.budget.wire(lab, form, parts.decided)
    parts.advice.wire(lab, form, parts.decided)
    parts.judging.wire(lab, form, parts.decided, parts.advice.shown)
    parts.cutoff.wire(lab, form, parts.decided)
    parts.growth.wire(lab, form, parts.decided)


def _redraw(sections: tuple[Section[DecideState], ...]) -> Callable[[DecideState], Updates]:
    return lambda state: show_all(sections, state)


def _add_decisions(page: Page, parts: DecideParts) -> None:
    """Put what is asked into the page's address; what needs no measurement is drawn anew for a link."""
    form, drawn = parts.form, (parts.budget.shown, parts.prices.shown)

    def follow(event: gr.events.Dependency) -> gr.events.Dependency:
        """Draw the decisions after an event."""
        return event.then(form.bind(_redraw(drawn)), form.inputs, {b for s in drawn for b in s.outputs}, **LIGHT)

    rows = (*_asked_of_the_advisor(page, parts), *_the_setting(page, parts), *_prices(parts))
    page.address.add("decide", rows, follow=follow)


def _asked_of_the_advisor(page: Page, parts: DecideParts) -> tuple[Parameter, ...]:
    controls = parts.controls
    return (
        Parameter("decide-corpus", OneOf(lambda: [each.name for each in page.lab.corpora()]), controls.corpus),
        Parameter("decide-metric", OneOf(lambda: list(DECIDE_METRICS)), controls.metric),
        Parameter("decide-target", OneOf(lambda: list(TARGETS)), controls.target),
        Parameter("decide-precisions", OneOf(lambda: list(PRECISION_LABELS_OF_SETS)), controls.precisions),
        Parameter("decide-rescored", WholeNumber(1, 100_000), controls.rescored),
        Parameter("decide-bytes", WholeNumber(0, 1_000_000), controls.most_bytes),
        Parameter("decide-arms", Several(lambda: _arm_names(page)), controls.arms),
        Parameter("decide-section", OneOf(lambda: list(DecideView)), parts.views, pushes=True),
    )


def _the_setting(page: Page, parts: DecideParts) -> tuple[Parameter, ...]:
    """What is translated, priced and exported; a recommendation fills it."""
    controls = parts.controls
    return (
        Parameter("decide-arm", OneOf(lambda: _arm_names(page)), controls.arm),
        Parameter("decide-dim", WholeNumber(1, 100_000), controls.dim),
        Parameter("decide-precision", OneOf(lambda: list(ALL_PRECISIONS)), controls.precision),
        Parameter("decide-cutoff", DecimalNumber(-1, 1), parts.cutoff.cutoff),
        Parameter("decide-budget", WholeNumber(1, BUDGET_END), parts.budget.slider),
        Parameter("decide-grow-to", WholeNumber(0, 10**12), parts.growth.grow_to),
    )


def _prices(parts: DecideParts) -> tuple[Parameter, ...]:
    kinds: dict[str, Kind] = {
        "vectors": WholeNumber(1, 10**12),
        "replicas": WholeNumber(1, 10**6),
        "index_bytes": DecimalNumber(0, 10**6),
        "shortlist": WholeNumber(1, 10**9),
        "memory_price": DecimalNumber(0, 10**9),
        "disk_price": DecimalNumber(0, 10**9),
        "currency": FreeText(20),
    }
    controls = parts.prices.controls
    return tuple(Parameter(f"decide-{name.replace('_', '-')}", kind, controls[name]) for name, kind in kinds.items())


def _arm_names(page: Page) -> list[str]:
    return [arm.name for arm in page.lab.builder.menu.contenders() if arm.has_prefixes]
