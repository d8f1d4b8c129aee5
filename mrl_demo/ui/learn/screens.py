"""The five screens: a text, a sum, a cut, the order, the price; one thing to try on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block
from markupsafe import Markup

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.core.vectors import check_dimension
from mrl_demo.lab.lessons import LessonService
from mrl_demo.lessons.numbers import cut_pair, fill_up
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn import view as learn_view
from mrl_demo.ui.learn.words import SCREENS
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import CompareDoor
from mrl_demo.ui.shared.queues import LIGHT, LIVE, SEARCH
from mrl_demo.ui.shared.widgets import static_html

FIRST_TEXT = "Bicycles stay up by steering into a fall."
SECOND_TEXT = "What keeps a two-wheeler from tipping over?"
_FIRST_DIM = 64
#: What screens 4 and 5 set side by side, if it is there.
_TOLD = ("base", "tuned", "corpus-pca")


@dataclass(frozen=True)
class Screens:
    """The screens over a lab, for its built-in collection or the one that the page opened on."""

    lessons: LessonService
    corpus: str
    door: CompareDoor | None

    @property
    def full(self) -> int:
        """Numbers in the ordinary model's vectors."""
        return self.lessons.lab.full_dim([self.lessons.arms[0]])

    def text(self, text: str) -> Markup:
        """Screen 1."""
        return _drawn(lambda: learn_view.one_text(text, self.lessons.vector(self.lessons.arms[0], text)))

    def sum(self, first: str, second: str, counted: float) -> Markup:
        """Screen 2."""

        def draw() -> Markup:
            """The cosine as a sum so far."""
            a, b = (self.lessons.vector(self.lessons.arms[0], text) for text in (first, second))
            return learn_view.sum_so_far(fill_up(a, b), max(1, min(int(counted), len(a))))

        return _drawn(draw)

    def cut(self, first: str, second: str, dim: float) -> Markup:
        """Screen 3."""

        def draw() -> Markup:
            """Both texts cut to the length."""
            a, b = (self.lessons.vector(self.lessons.arms[0], text) for text in (first, second))
            return learn_view.cut_texts(a, b, cut_pair(a, b, check_dimension(dim, self.full)), float(a @ b))

        return _drawn(draw)

    def front(self, dim: float) -> Markup:
        """Screen 4."""

        def draw() -> Markup:
            """How much of its vectors each method has in their first numbers."""
            wanted = check_dimension(dim, self.full)
            told = [arm for arm in self.lessons.lab.arms() if arm.name in _TOLD]
            styles = arm_styles([arm.name for arm in told])
            rows = [
                (arm.label, self.lessons.energy(arm.name, self.corpus, (wanted,))[0], styles[arm.name].colour)
                for arm in told
            ]
            return learn_view.front_loading(rows, wanted, self.full)

        return _drawn(draw)

    def training(self) -> Markup:
        """Screen 4: what the shipped training did at every length, from its own log."""
        return _drawn(lambda: learn_view.training_log(self.lessons.training_log(self.lessons.arms[1])))

    def cost(self, dim: float) -> Markup:
        """Screen 5: what was measured and shipped, so only for the built-in collection."""

        def draw() -> Markup:
            """What the cut costs each method."""
            rows, length = [], check_dimension(dim, self.full)
            for arm in self.lessons.lab.arms():
                row = self.lessons.shipped_row(arm.name, "builtin", length)
                whole = self.lessons.shipped_row(arm.name, "builtin", self.full)
                if arm.name in _TOLD and row and whole:
                    rows.append((arm.label, row, whole))
            return learn_view.cost_table(rows, length, self.full)

        return _drawn(draw)


def _drawn(draw: Callable[[], Markup]) -> Markup:
    return guarded(draw, lambda error: notice(str(error), "error"))


def lay_out_screens(screens: Screens) -> None:
    """Lay out the screens here, filled; nothing is computed that the first view of the page would wait for."""
    with gr.Tabs(elem_id=Id.LEARN_TABS, overflow_behavior="wrap"):
        for place, (title, lay_out) in enumerate(
            (
                (SCREENS[0].title, _lay_out_text),
                (SCREENS[1].title, _lay_out_sum),
                (SCREENS[2].title, _lay_out_cut),
                (SCREENS[3].title, _lay_out_front),
                (SCREENS[4].title, _lay_out_cost),
            )
        ):
            with gr.Tab(title) as tab:
                gr.HTML(
                    html(
                        '<p class="lead">{words}</p>', words=SCREENS[place].words.replace("{full}", str(screens.full))
                    ),
                    apply_default_css=False,
                )
                lay_out(screens, tab)


def _lay_out_text(screens: Screens, tab: gr.Tab) -> None:
    with gr.Row(elem_classes="curves-row"):
        text = gr.Textbox(FIRST_TEXT, label="A text", max_lines=1, scale=6, elem_id=Id.LEARN_TEXT)
        show = gr.Button("Show its numbers", variant="primary", scale=0, min_width=170, elem_id=Id.LEARN_SHOW)
    code = static_html(html(""), Id.LEARN_CODE)
    for event in (show.click, text.submit, tab.select):
        event(screens.text, [text], [code], **SEARCH)
    _lay_out_try(screens, Id.LEARN_TRY_TEXT, query=text)


def _lay_out_sum(screens: Screens, tab: gr.Tab) -> None:
    first, second = _two_texts(Id.LEARN_FIRST, Id.LEARN_SECOND)
    counted = gr.Slider(1, screens.full, _FIRST_DIM, step=1, label="Numbers added up so far", elem_id=Id.LEARN_COUNTED)
    shown = static_html(html(""), Id.LEARN_SUM)
    inputs = [first, second, counted]
    for event in (first.submit, second.submit, tab.select):
        event(screens.sum, inputs, [shown], **SEARCH)
    counted.input(screens.sum, inputs, [shown], **LIVE)
    _lay_out_try(screens, Id.LEARN_TRY_SUM, query=second)


def _lay_out_cut(screens: Screens, tab: gr.Tab) -> None:
    first, second = _two_texts(None, None)
    dim = _length(screens, Id.LEARN_CUT_AT)
    shown = static_html(html(""), Id.LEARN_CUT)
    inputs = [first, second, dim]
    for event in (first.submit, second.submit, tab.select):
        event(screens.cut, inputs, [shown], **SEARCH)
    dim.input(screens.cut, inputs, [shown], **LIVE)
    _lay_out_try(screens, Id.LEARN_TRY_CUT, query=second, dim=dim)


def _lay_out_front(screens: Screens, tab: gr.Tab) -> None:
    dim = gr.Radio(_marks(screens.full), value=_FIRST_DIM, label="First numbers", elem_id=Id.LEARN_FRONT_AT)
    shown = static_html(html(""), Id.LEARN_FRONT)
    tab.select(screens.front, [dim], [shown], **SEARCH)
    dim.input(screens.front, [dim], [shown], **SEARCH)
    static_html(screens.training(), Id.LEARN_LOG)
    _lay_out_try(screens, Id.LEARN_TRY_FRONT, dim=dim)


def _lay_out_cost(screens: Screens, tab: gr.Tab) -> None:
    dim = gr.Radio(_marks(screens.full), value=_FIRST_DIM, label="Numbers kept", elem_id=Id.LEARN_COST_AT)
    shown = static_html(html(""), Id.LEARN_COST)
    tab.select(screens.cost, [dim], [shown], **LIGHT)
    dim.input(screens.cost, [dim], [shown], **LIVE)
    _lay_out_try(screens, Id.LEARN_TRY_COST, dim=dim)


def _lay_out_try(
    screens: Screens, elem_id: Id, query: gr.Textbox | None = None, dim: gr.Radio | gr.Slider | None = None
) -> None:
    """A button that takes what stands here to the Compare tab."""
    if screens.door is None:
        return
    door = screens.door
    told: list[tuple[Block, Block]] = [(door.query, query)] if query is not None else []
    told += [(door.dimension, dim)] if dim is not None else []

    def open_compare(*values: str | float) -> Updates:
        """Open Compare with what the fields hold."""
        targets = [target for target, _ in told]
        whole = [
            int(value) if target is door.dimension else value for target, value in zip(targets, values, strict=True)
        ]
        return door.open(dict(zip(targets, whole, strict=True)))

    tried = gr.Button("Try it in Compare →", scale=0, min_width=200, elem_id=elem_id)
    door.search_after(tried.click(open_compare, [source for _, source in told], door.outputs, **LIGHT))


def _two_texts(first_id: Id | None, second_id: Id | None) -> tuple[gr.Textbox, gr.Textbox]:
    with gr.Row(elem_classes="curves-row"):
        first = gr.Textbox(FIRST_TEXT, label="First text", max_lines=1, elem_id=first_id)
        second = gr.Textbox(SECOND_TEXT, label="Second text", max_lines=1, elem_id=second_id)
    return first, second


def _length(screens: Screens, elem_id: Id) -> gr.Slider:
    return gr.Slider(1, screens.full, _FIRST_DIM, step=1, label="Numbers kept", elem_id=elem_id)


def _marks(full: int) -> list[int]:
    return [*(dim for dim in TRAINED_DIMS if dim < full), full]
