"""The section on classification: whether a fraction of the numbers makes as good a classifier."""

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
from mrl_demo.ui.curves.pickers import method_choice, scale_choice
from mrl_demo.ui.curves.quality import NOTHING_MEASURED, sweep_file
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.sections import Section
from mrl_demo.ui.shared.widgets import menu

_NO_LABELS = (
    "This collection has no labels and no scored pairs: a column called label, or two columns of texts and one of "
    "scores, and this section shows how few numbers classify as well as all."
)


@dataclass(frozen=True)
class ClassesSection:
    """What is laid out for the section, with its menu."""

    task: gr.Dropdown
    scale: gr.Radio
    arms: gr.CheckboxGroup
    shown: Section[CurvesState]
    bar: DownloadBar


def lay_out_classes(results: Results, first: CurvesState) -> ClassesSection:
    """Lay out the section here."""
    with gr.Row(elem_classes="curves-row"):
        task = menu("Labels", results.task_entries(first), first.choice.task or None, Id.CURVES_TASK, min_width=240)
        scale = scale_choice(first.choice.class_scale, Id.CURVES_CLASSES_MODE)
    shown = Section(partial(draw_classes, results), first)
    shown.add_html(Id.CURVES_CLASSES_WORDS)
    shown.add_html(Id.CURVES_CLASSES_TASK)
    shown.add_chart(Id.CURVES_CLASSES)
    entries = results.arm_entries(first)
    arms = method_choice(entries, first.choice.class_arms, Id.CURVES_CLASSES_FOLD, Id.CURVES_CLASSES_ARMS)
    bar = DownloadBar(partial(sweep_file, results), Id.CURVES_CLASSES_FILES, "curves-classes", Id.CURVES_CLASSES)
    shown.add_html(Id.CURVES_CLASSES_TABLE)
    return ClassesSection(task, scale, arms, shown, bar)


def draw_classes(results: Results, state: CurvesState) -> Mapping[Id, Any]:
    """Sentence, chart and table of the chosen labels."""
    figures = results.figures(state)
    metric = results.task(state)
    own = state.choice
    choice = replace(own, metric=metric, scale=own.class_scale, arms=own.class_arms, published=False)
    task = curves_words.task_words(figures, metric) if figures and metric else ""
    if not metric:
        headline: object = _NO_LABELS if figures else NOTHING_MEASURED
        figures = None
    else:
        headline = curves_words.classes_headline(figures, choice) if figures else NOTHING_MEASURED
    return {
        Id.CURVES_CLASSES_WORDS: html('<p class="curve-words" role="status">{headline}</p>', headline=headline),
        Id.CURVES_CLASSES_TASK: html('<p class="origin">{task}</p>', task=task),
        Id.CURVES_CLASSES: curves_view.classes_chart(figures, choice),
        Id.CURVES_CLASSES_TABLE: curves_view.quality_table(figures, choice) if figures else NOTHING,
    }
