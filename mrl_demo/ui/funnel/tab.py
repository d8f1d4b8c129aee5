"""The Funnel tab: stages edited by hand or preset, the proof, and a length for each query."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.types import Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.address.kinds import FreeText, OneOf
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.funnel.state import (
    FUNNEL_METRICS,
    FUNNEL_PRESETS,
    KEEPS,
    OWN_STAGES,
    FunnelSeen,
    FunnelState,
    funnel_state,
)
from mrl_demo.ui.funnel.view import draw_gate, draw_proof, draw_stages
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.address_bar import Parameter
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.links import Page, TabName
from mrl_demo.ui.shared.queues import LIGHT, STATE_SECONDS
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.served import left_out_line
from mrl_demo.ui.shared.widgets import live_html, menu, static_html
from mrl_demo.ui.shared.work import LongWork, small_button

_INTRO = html(
    '<h2>Search in stages</h2><p class="lead">A shortlist by the first numbers, re-ranked by more and more of them,'
    " over one copy of the vectors: what it keeps of an exact search, where it loses an answer, when its answer is"
    " proven, and whether each query may have a length of its own.</p>"
)
_FIRST_ARM = "corpus-pca"
#: In the browser: a preset goes into the stages, and stages that no preset has are called one's own.
_TAKE_PRESET = f"(preset, stages) => preset === '{OWN_STAGES}' ? stages : preset"
_NAME_PRESET = (
    f"(stages) => {{ const said = stages.replaceAll(' ', '');"
    f" return {json.dumps(list(FUNNEL_PRESETS.values()))}.includes(said) ? said : '{OWN_STAGES}'; }}"
)


class FunnelView(StrEnum):
    """The sections of the tab, by their names in the address."""

    STAGES = "stages"
    PROOF = "proof"
    LENGTHS = "lengths"


#: What measures one thing for a state: its name in `FunnelSeen`, and how.
Measure = Callable[[LabProtocol, FunnelState, Progress], Any]
_MEASURES: dict[str, Measure] = {
    "funnel": lambda lab, state, tell: lab.funnel(state.corpus, state.arm, state.stages, state.draw, tell),
    "cheapest": lambda lab, state, tell: lab.cheapest_funnel(
        state.corpus, state.arm, state.kept_share, state.draw, tell
    ),
    "proof": lambda lab, state, tell: lab.funnel_proof(state.corpus, state.arm, state.proof_draw, tell),
    "gate": lambda lab, state, tell: lab.gate(state.corpus, state.arm, state.question, state.gate_draw, tell),
}


@dataclass(frozen=True)
class FunnelMeasuring:
    """One button's work: measures one thing and keeps it in what the visitor has seen."""

    lab: LabProtocol
    kind: str
    work: LongWork
    seen: gr.State

    async def run(self, state: FunnelState, request: gr.Request) -> AsyncIterator[Updates]:
        """Measure, with progress in the line."""

        def measure(progress: Progress) -> Any:  # noqa: ANN401 - one of four reports
            """Measure what this button is for."""
            return _MEASURES[self.kind](self.lab, state, progress)

        def keep(report: Any) -> Updates:  # noqa: ANN401 - one of four reports
            """Keep the report for this visitor."""
            return {self.seen: replace(state.seen, **{self.kind: report})}

        async for updates in self.work.follow(measure, keep, request):
            yield updates


@dataclass(frozen=True)
class FunnelParts:
    """All that the tab lays out: controls by their names in the state, works by what they measure, sections."""

    controls: dict[str, Block]
    preset: gr.Dropdown
    works: dict[str, LongWork]
    sections: dict[str, Section[FunnelState]]
    seen: gr.State
    views: gr.Tabs


def build(page: Page) -> None:
    """Lay out the tab inside the page; nothing is measured before somebody asks."""
    arms = [(arm.label, arm.name) for arm in page.lab.builder.menu.contenders() if arm.has_prefixes]
    names = [name for _, name in arms]
    first = FunnelState(FunnelSeen(), page.corpus, _FIRST_ARM if _FIRST_ARM in names else names[0])
    with gr.Tab("Funnel", id=TabName.FUNNEL), gr.Column(elem_id=Id.FUNNEL):
        parts = _lay_out(page, first, arms)
        form = Form(funnel_state, {"seen": parts.seen, **parts.controls})
    _wire(page.lab, parts, form)
    page.address.add(
        TabName.FUNNEL,
        [
            Parameter(
                "funnel-corpus", OneOf(lambda: [each.name for each in page.lab.corpora()]), parts.controls["corpus"]
            ),
            Parameter("funnel-arm", OneOf(lambda: names), parts.controls["arm"]),
            Parameter("funnel-section", OneOf(lambda: list(FunnelView)), parts.views, pushes=True),
            Parameter("funnel-stages", FreeText(200), parts.controls["stages"]),
        ],
    )


def _lay_out(page: Page, first: FunnelState, arms: list[tuple[str, str]]) -> FunnelParts:
    static_html(_INTRO, Id.FUNNEL_INTRO)
    controls: dict[str, Block] = {}
    works: dict[str, LongWork] = {}
    sections: dict[str, Section[FunnelState]] = {}
    with gr.Row(elem_classes="curves-row"):
        corpora = [(each.label, each.name) for each in page.lab.corpora()]
        controls["corpus"] = menu("Collection", corpora, first.corpus, Id.FUNNEL_CORPUS, min_width=200)
        controls["arm"] = menu("Method", arms, first.arm, Id.FUNNEL_ARM, min_width=200)
        metrics = [(label, name) for name, label in FUNNEL_METRICS.items()]
        controls["metric"] = menu("Measure", metrics, first.metric, Id.FUNNEL_METRIC, min_width=130)
    left_out_line(Id.FUNNEL_LEFT_OUT)
    seen = gr.State(first.seen, time_to_live=STATE_SECONDS)
    with gr.Tabs(selected=FunnelView.STAGES, elem_id=Id.FUNNEL_TABS, overflow_behavior="wrap") as views:
        with gr.Tab("Stages", id=FunnelView.STAGES):
            preset = _lay_out_stages(page, first, controls, works, sections)
        with gr.Tab("Proof", id=FunnelView.PROOF):
            works["proof"] = _work(
                page, "proof", "Prove", Id.FUNNEL_PROVE, Id.FUNNEL_PROVE_STOP, Id.FUNNEL_PROVE_NOTICE
            )
            sections["proof"] = Section(draw_proof, first)
            _fill(sections["proof"], Id.FUNNEL_PROOF_ANSWER, Id.FUNNEL_PROOF_FIGURE, Id.FUNNEL_PROOF_TABLE)
        with gr.Tab("Length per query", id=FunnelView.LENGTHS):
            _lay_out_gate(page, first, controls, works, sections)
    return FunnelParts(controls, preset, works, sections, seen, views)


def _lay_out_stages(
    page: Page,
    first: FunnelState,
    controls: dict[str, Block],
    works: dict[str, LongWork],
    sections: dict[str, Section[FunnelState]],
) -> gr.Dropdown:
    with gr.Row(elem_classes="curves-row"):
        entries = [*FUNNEL_PRESETS.items(), ("Your own stages", OWN_STAGES)]
        preset = menu("Preset", entries, first.stages, Id.FUNNEL_PRESET, min_width=220)
        controls["stages"] = gr.Textbox(
            first.stages,
            label="Stages (numbers:documents, …)",
            max_lines=1,
            min_width=300,
            elem_id=Id.FUNNEL_STAGES,
        )
    works["funnel"] = _work(page, "funnel", "Run the funnel", Id.FUNNEL_RUN, Id.FUNNEL_STOP, Id.FUNNEL_NOTICE)
    sections["funnel"] = Section(draw_stages, first)
    _fill(sections["funnel"], Id.FUNNEL_ANSWER, Id.FUNNEL_FIGURE, Id.FUNNEL_STAGES_TABLE)
    keeps = [(f"{float(keep):.1%}".replace(".0%", "%"), keep) for keep in KEEPS]
    controls["keep"] = menu("Keep at least", keeps, first.keep, Id.FUNNEL_KEEP, min_width=130)
    works["cheapest"] = _work(
        page, "cheapest", "Find the cheapest cascade", Id.FUNNEL_FIND, Id.FUNNEL_FIND_STOP, Id.FUNNEL_FIND_NOTICE
    )
    sections["funnel"].add_html(Id.FUNNEL_CHEAPEST)
    return preset


def _lay_out_gate(
    page: Page,
    first: FunnelState,
    controls: dict[str, Block],
    works: dict[str, LongWork],
    sections: dict[str, Section[FunnelState]],
) -> None:
    with gr.Row(elem_classes="curves-row"):
        controls["dims"] = gr.Textbox(
            first.dims, label="Lengths below the full one", max_lines=1, min_width=200, elem_id=Id.FUNNEL_DIMS
        )
        controls["target"] = gr.Number(
            first.target, label="Share to keep", step=0.01, min_width=120, elem_id=Id.FUNNEL_TARGET
        )
        controls["bytes_a_vector"] = gr.Number(
            first.bytes_a_vector, label="Memory, bytes a vector", min_width=150, elem_id=Id.FUNNEL_BYTES
        )
        for name, label, elem_id in (
            ("budget_ms", "Time, ms (empty: half of full)", Id.FUNNEL_MS),
            ("load", "Load, 0 to 1 (empty: varies)", Id.FUNNEL_LOAD),
        ):
            controls[name] = gr.Textbox("", label=label, max_lines=1, min_width=200, elem_id=elem_id)
    works["gate"] = _work(page, "gate", "Compare", Id.FUNNEL_GATE, Id.FUNNEL_GATE_STOP, Id.FUNNEL_GATE_NOTICE)
    sections["gate"] = Section(draw_gate, first)
    _fill(sections["gate"], Id.FUNNEL_GATE_ANSWER, Id.FUNNEL_GATE_FIGURE, Id.FUNNEL_GATE_TABLE)


def _work(page: Page, kind: str, label: str, start_id: Id, stop_id: Id, line_id: Id) -> LongWork:
    with gr.Row(elem_classes="curves-row measure-row"):
        start = gr.Button(label, variant="primary", scale=0, min_width=250, elem_id=start_id)
        stop = small_button("Stop", stop_id, 80, is_active=False)
    line = live_html(NOTHING, line_id)
    return LongWork(f"funnel-{kind}", start, stop, line, page.measurements, "measuring funnels")


def _fill(section: Section[FunnelState], answer: Id, figure: Id, table: Id) -> None:
    section.add_html(answer)
    section.add_chart(figure)
    section.add_html(table)


def _wire(lab: LabProtocol, parts: FunnelParts, form: Form[FunnelState]) -> None:
    for kind, work in parts.works.items():
        section = parts.sections["funnel" if kind == "cheapest" else kind]
        done = work.wire(form, FunnelMeasuring(lab, kind, work, parts.seen).run, {parts.seen})
        done.then(form.bind(section.show), form.inputs, section.outputs, **LIGHT)
    stages = parts.controls["stages"]
    parts.preset.input(None, [parts.preset, stages], stages, js=_TAKE_PRESET, api_visibility="private")
    stages.change(None, stages, parts.preset, js=_NAME_PRESET, show_progress="hidden", api_visibility="private")
