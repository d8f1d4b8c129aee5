"""The section on what a byte or a millisecond buys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves.downloads import DownloadBar
from mrl_demo.ui.curves.pickers import metric_menu
from mrl_demo.ui.curves.quality import sweep_file
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import BYTES, LATENCY, CurvesState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import menu


@dataclass(frozen=True)
class CostSection:
    """What is laid out for the section, with its controls."""

    arm: gr.Dropdown
    metric: gr.Dropdown
    cost: gr.Radio
    shown: Section[CurvesState]
    bar: DownloadBar


def lay_out_cost(results: Results, first: CurvesState) -> CostSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row"):
        arm = menu("Method", results.cut_arm_entries(first), first.choice.cost_arm, Id.CURVES_COST_ARM, min_width=240)
        metric = metric_menu(first.choice.cost_metric, Id.CURVES_COST_METRIC)
        kinds = [("Bytes in memory", BYTES), ("Latency", LATENCY)]
        cost = gr.Radio(kinds, value=first.choice.cost, label="Against", min_width=240, elem_id=Id.CURVES_COST_KIND)
    shown = Section(partial(draw_cost, results), first)
    shown.add_html(Id.CURVES_COST_WORDS)
    shown.add_chart(Id.CURVES_COST)
    bar = DownloadBar(partial(sweep_file, results), Id.CURVES_COST_FILES, "curves-cost", Id.CURVES_COST)
    return CostSection(arm, metric, cost, shown, bar)


def draw_cost(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Chart and words; times of the chosen number of vectors, or of the one that ships."""
    timed = results.speed(state) or results.shipped_speed()
    choice = replace(state.choice, metric=results.metric(state, state.choice.cost_metric))
    figure, words = curves_view.cost(results.figures(state), choice, timed)
    return {Id.CURVES_COST: figure, Id.CURVES_COST_WORDS: words}
