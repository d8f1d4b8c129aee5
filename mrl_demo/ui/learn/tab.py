"""The Learn tab put together, with the names of its views in the address."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import gradio as gr

from mrl_demo.lab.lessons import LessonService
from mrl_demo.ui.address.kinds import FreeText, OneOf
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn.games import lay_out_blind, lay_out_guess
from mrl_demo.ui.learn.mistakes import lay_out_mistakes
from mrl_demo.ui.learn.screens import Screens, lay_out_screens
from mrl_demo.ui.learn.sheets import lay_out_sheet
from mrl_demo.ui.learn.tree import lay_out_tree
from mrl_demo.ui.learn.words import INTRO, family_list, published_list
from mrl_demo.ui.shared.address_bar import Parameter
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.widgets import static_html

_LONGEST_NAME = 24


class Lesson(StrEnum):
    """The views of the tab, by their names in the address."""

    SCREENS = "screens"
    PITFALLS = "pitfalls"
    TREE = "tree"
    GUESS = "guess"
    BLIND = "blind"
    CLASS = "class"
    OTHERS = "others"


def build(page: Page, compare: CompareDoor | None = None) -> None:
    """Lay out the tab inside the page; a view is filled when it is opened."""
    lessons, corpus = LessonService(page.lab), page.corpus
    with gr.Tab("Learn", id=TabName.LEARN), gr.Column(elem_id=Id.LEARN):
        static_html(INTRO, Id.LEARN_INTRO)
        with gr.Tabs(selected=Lesson.SCREENS, overflow_behavior="wrap") as views:
            with gr.Tab("Five screens", id=Lesson.SCREENS):
                lay_out_screens(Screens(lessons, corpus, compare))
            with gr.Tab("Pitfalls", id=Lesson.PITFALLS) as tab:
                lay_out_mistakes(lessons, corpus, page.measurements, tab)
            with gr.Tab("Walk the tree", id=Lesson.TREE) as tab:
                lay_out_tree(lessons, corpus, page.builds, page.visit, tab)
            with gr.Tab("Guess the length", id=Lesson.GUESS) as tab:
                lay_out_guess(lessons, corpus, tab)
            with gr.Tab("Blind test", id=Lesson.BLIND) as tab:
                lay_out_blind(lessons, corpus, tab)
            with gr.Tab("For a class", id=Lesson.CLASS) as tab:
                sheet = lay_out_sheet(lessons, corpus, tab)
            with gr.Tab("What others found", id=Lesson.OTHERS):
                static_html(published_list(), Id.LEARN_PUBLISHED)
                static_html(family_list(), Id.LEARN_FAMILY)

    def open_view(values: Mapping[str, Any]) -> Updates:
        """Open the lesson, and the sheet, that an address names."""
        told: Updates = {views: gr.Tabs(selected=Lesson(values["lesson"]))} if "lesson" in values else {}
        return {**told, **({sheet: values["sheet"]} if "sheet" in values else {})}

    parameters = [
        Parameter("lesson", OneOf(lambda: list(Lesson)), views, pushes=True),
        Parameter("sheet", FreeText(_LONGEST_NAME), sheet),
    ]
    page.address.add(TabName.LEARN, parameters, update=open_view)
