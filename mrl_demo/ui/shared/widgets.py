"""Gradio components of our own: HTML from `components/`, brought to life by a script from `ui/static/`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import gradio as gr

from mrl_demo.corpora.examples import Example
from mrl_demo.ui.components.dimension import dimension_markup
from mrl_demo.ui.components.examples import example_chips

#: What a control holds, as Gradio hands it over.
Control: TypeAlias = Any
STATIC = Path(str(files("mrl_demo.ui"))) / "static"


def static_html(value: str, elem_id: str, script: str | None = None) -> gr.HTML:
    """HTML that the server fills, with an optional script of `ui/static/` that runs once it is on the page."""
    js = read_static(script) if script else None
    return gr.HTML(value, elem_id=elem_id, js_on_load=js, apply_default_css=False)


def live_html(value: str, elem_id: str) -> gr.HTML:
    """HTML that screen readers announce when it changes."""
    template = '<div role="status" aria-live="polite">${value}</div>'
    return gr.HTML(value, html_template=template, elem_id=elem_id, js_on_load=None, apply_default_css=False)


def dimension_control(dim: int, full_dim: int, lengths: Sequence[int]) -> gr.HTML:
    """The slider over every prefix; its value is the length as an int and it fires `input` while it is dragged."""
    return gr.HTML(
        dim,
        html_template="${markup}",
        js_on_load=read_static("dimension.js"),
        apply_default_css=False,
        elem_id="dimension",
        markup=dimension_markup(dim, full_dim, lengths),
    )


def example_buttons(examples: Sequence[Example]) -> gr.HTML:
    """Chips that fire `pick` with their `position` among the examples."""
    return static_html(example_chips(examples), "examples", "examples.js")


def read_static(name: str) -> str:
    """Text of a file in `ui/static/`."""
    return (STATIC / name).read_text(encoding="utf-8")
