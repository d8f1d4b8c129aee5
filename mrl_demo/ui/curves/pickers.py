"""Controls that several sections have, each section its own: which measure, which scale, which methods."""

from __future__ import annotations

import gradio as gr

from mrl_demo.ui.curves.results import MenuEntries
from mrl_demo.ui.curves.state import METRIC_LABELS, SHARE, VALUE
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.widgets import menu


def metric_menu(value: str, elem_id: Id) -> gr.Dropdown:
    """Which measure a section shows."""
    return menu("Measure", [(label, name) for name, label in METRIC_LABELS.items()], value, elem_id, min_width=200)


def scale_choice(value: str, elem_id: Id) -> gr.Radio:
    """Whether a section shows figures as they are or as shares of each method's own at full length."""
    return gr.Radio(
        [("Value", VALUE), ("Share kept", SHARE)], value=value, label="Show", min_width=170, elem_id=elem_id
    )


def method_choice(entries: MenuEntries, chosen: tuple[str, ...], fold_id: Id, elem_id: Id) -> gr.CheckboxGroup:
    """Which methods a section draws: the few that tell the story at first, the rest in a fold."""
    with gr.Accordion("More methods", open=False, elem_id=fold_id):
        return gr.CheckboxGroup(entries, value=list(chosen), label="Methods shown", elem_id=elem_id)
