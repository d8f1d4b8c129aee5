"""The section that prices full, cut and funnelled vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.costs.model import CostComparison, UnitPrices, compare_costs
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.reports.figures import costs_figure
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.decide.state import DecideState
from mrl_demo.ui.decide.view import costs_html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.sections import Section


@dataclass(frozen=True)
class PriceSection:
    """What is laid out for the section, with its controls by their names in the state."""

    controls: Mapping[str, Block]
    shown: Section[DecideState]


def lay_out_prices(lab: LabProtocol, first: DecideState) -> PriceSection:
    """Lay out the section here."""
    prices = UnitPrices()
    with gr.Row(elem_classes="curves-row"):
        controls: dict[str, Block] = {
            "vectors": _field("Vectors", first.vectors, Id.DECIDE_VECTORS),
            "replicas": _field("Replicas", first.replicas, Id.DECIDE_REPLICAS),
            "index_bytes": _field("Index, bytes a vector", first.index_bytes, Id.DECIDE_INDEX),
            "shortlist": _field("Shortlist of the funnel", first.shortlist, Id.DECIDE_SHORTLIST),
        }
    with gr.Row(elem_classes="curves-row"):
        controls["memory_price"] = _field("A GiB of memory a month", prices.memory_gib_month, Id.DECIDE_MEMORY_PRICE)
        controls["disk_price"] = _field("A GB of disk a month", prices.disk_gb_month, Id.DECIDE_DISK_PRICE)
        controls["currency"] = gr.Textbox(
            prices.currency, label="Currency", max_lines=1, min_width=120, elem_id=Id.DECIDE_CURRENCY
        )
    shown = Section(partial(draw_costs, lab), first)
    shown.add_html(Id.DECIDE_COSTS)
    shown.add_chart(Id.DECIDE_COST_FIGURE)
    return PriceSection(controls, shown)


def draw_costs(lab: LabProtocol, state: DecideState) -> Mapping[Id, Any]:
    """Table and picture, or what is wrong with a number."""

    def draw() -> Mapping[Id, Any]:
        """Costs in words and as a figure."""
        costs = costs_of(lab, state)
        return {Id.DECIDE_COSTS: costs_html(costs), Id.DECIDE_COST_FIGURE: costs_figure(costs)}

    return guarded(draw, lambda error: {Id.DECIDE_COSTS: notice(str(error), "error"), Id.DECIDE_COST_FIGURE: None})


def costs_of(lab: LabProtocol, state: DecideState) -> CostComparison:
    """What the command line's `mrl cost` says of the same numbers."""
    return compare_costs(state.deployment(lab.full_dim([state.cut_arm])), state.prices)


def _field(label: str, value: float | None, elem_id: Id) -> gr.Number:
    return gr.Number(value, label=label, min_width=150, elem_id=elem_id)
