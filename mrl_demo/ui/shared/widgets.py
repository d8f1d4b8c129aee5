"""Gradio components of our own: HTML from `components/`, brought to life by a script from `ui/static/`."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from markupsafe import Markup

from mrl_demo.corpora.shipped.examples import Example
from mrl_demo.ui.components.dimension import dimension_markup
from mrl_demo.ui.components.examples import example_chips
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.scripts import read_script


def static_html(value: Markup, elem_id: Id, script: str | None = None) -> gr.HTML:
    """HTML that the server fills, with an optional script (of `read_script`) that runs once it is on the page."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=script, apply_default_css=False)


def live_html(value: Markup, elem_id: Id) -> gr.HTML:
    """HTML that screen readers announce when it changes."""
    template = '<div role="status" aria-live="polite">${value}</div>'
    return gr.HTML(value, html_template=template, elem_id=elem_id, js_on_load=None, apply_default_css=False)


def menu(
    label: str,
    entries: Sequence[tuple[str, str]],
    value: str | None,
    elem_id: Id,
    min_width: int,
    *,
    is_visible: bool = True,
) -> gr.Dropdown:
    """A menu of `(label, value)` entries to choose one from."""
    return gr.Dropdown(
        list(entries),
        value=value,
        label=label,
        filterable=False,
        min_width=min_width,
        visible=is_visible,
        elem_id=elem_id,
    )


def dimension_control(dim: int, full_dim: int, lengths: Sequence[int]) -> gr.HTML:
    """The slider over every prefix; its value is the length as an int and it fires `input` while it is dragged."""
    return gr.HTML(
        dim,
        html_template="${markup}",
        js_on_load=read_script("dimension.js"),
        apply_default_css=False,
        elem_id=Id.DIMENSION,
        markup=dimension_markup(dim, full_dim, lengths),
    )


def dimension_update(dim: int, full_dim: int, lengths: Sequence[int]) -> gr.HTML:
    """The slider at another length, or one that ends elsewhere."""
    return gr.HTML(value=dim, markup=dimension_markup(dim, full_dim, lengths))


def example_buttons(examples: Sequence[Example]) -> gr.HTML:
    """Chips that fire `pick` with their `position` among the examples."""
    return static_html(example_chips(examples), Id.EXAMPLES, read_script("examples.js"))
