"""The section on quality against length: sentence, chart, tables, where they were measured, what others found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.curves import view as curves_view
from mrl_demo.ui.curves import words as curves_words
from mrl_demo.ui.curves.downloads import DownloadBar
from mrl_demo.ui.curves.files import TextFile, sweep_text
from mrl_demo.ui.curves.pickers import method_choice, metric_menu, scale_choice
from mrl_demo.ui.curves.published import published_html
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.sections import Section

NOTHING_MEASURED = (
    "Nothing is measured for this collection yet: press “Measure anew on this machine”. It measures the methods that "
    "are ticked under “More methods”, and those you brought."
)


@dataclass(frozen=True)
class QualitySection:
    """What is laid out for the section, with its controls."""

    metric: gr.Dropdown
    scale: gr.Radio
    published: gr.Checkbox
    arms: gr.CheckboxGroup
    shown: Section[CurvesState]
    after: Section[CurvesState]
    bar: DownloadBar


def lay_out_quality(results: Results, first: CurvesState) -> QualitySection:
    """Lay out the section here."""
    shown = Section(partial(draw_quality, results), first)
    after = Section(partial(_draw_before_after, results), first)
    choice = first.choice
    shown.add_html(Id.CURVES_HEADLINE)
    with gr.Row(elem_classes="curves-row"):
        metric = metric_menu(choice.metric, Id.CURVES_METRIC)
        scale = scale_choice(choice.scale, Id.CURVES_MODE)
        published = gr.Checkbox(
            choice.published, label="Published figures", container=False, min_width=150, elem_id=Id.CURVES_PUBLISHED
        )
    shown.add_chart(Id.CURVES_QUALITY)
    arms = method_choice(results.arm_entries(first), choice.arms, Id.CURVES_FOLD, Id.CURVES_ARMS)
    bar = DownloadBar(partial(sweep_file, results), Id.CURVES_FILES, "curves", Id.CURVES_QUALITY)
    shown.add_html(Id.CURVES_TABLE)
    after.add_html(Id.CURVES_BEFORE_AFTER)
    shown.add_html(Id.CURVES_ORIGIN)
    shown.add_html(Id.CURVES_QUOTES)
    return QualitySection(metric, scale, published, arms, shown, after, bar)


def draw_quality(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Headline, chart, table, provenance and published figures."""
    figures = results.figures(state)
    choice = replace(state.choice, metric=results.metric(state, state.choice.metric))
    headline = curves_view.headline_html(figures, choice) if figures else curves_view.headline_without(NOTHING_MEASURED)
    origin = NOTHING
    if figures:
        origin = html(
            '<div class="origin">{provenance}{notes}</div>',
            provenance=curves_words.provenance(figures.curves),
            notes=curves_view.notes_html(figures.curves.sweep.notes),
        )
    return {
        Id.CURVES_HEADLINE: headline,
        Id.CURVES_QUALITY: curves_view.quality_chart(figures, choice),
        Id.CURVES_TABLE: curves_view.quality_table(figures, choice),
        Id.CURVES_ORIGIN: origin,
        Id.CURVES_QUOTES: published_html(choice),
    }


def _draw_before_after(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Nothing of it depends on the section's controls, so it is filled apart."""
    return {Id.CURVES_BEFORE_AFTER: curves_view.before_after(results.figures(state))}


def sweep_file(results: Results, state: CurvesState, kind: str) -> TextFile | None:
    """Everything measured on the chosen collection."""
    figures = results.figures(state)
    return TextFile(f"curves-{state.choice.corpus}", kind, sweep_text(figures, kind)) if figures else None
