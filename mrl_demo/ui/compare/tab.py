"""The Compare tab: two arms side by side under one length slider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.corpora.reading.pictures import PICTURE_TYPES
from mrl_demo.corpora.shipped.examples import Example
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.plots.ranks import RANK_CHART_LAYOUTS
from mrl_demo.ui.address.comparison import FIRST_DIM, ComparisonLink, comparison_kinds
from mrl_demo.ui.address.kinds import WholeNumber
from mrl_demo.ui.compare import view as compare_view
from mrl_demo.ui.compare.asking import Answer, ask, first_answer
from mrl_demo.ui.compare.events import CompareEvents, takes_pictures
from mrl_demo.ui.compare.frames import FRAMES_PATH, MOST_LENGTHS
from mrl_demo.ui.compare.part_menu import part_choices
from mrl_demo.ui.compare.parts import CompareParts
from mrl_demo.ui.compare.state import ALL_LAYERS, Answered, CompareState, Question
from mrl_demo.ui.components.cards import marks_html
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.address_bar import AddressBar, Parameter
from mrl_demo.ui.shared.forms import Form
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.queues import ASK, FOLLOW, LIGHT, LIVE, STATE_SECONDS
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.served import left_out_line
from mrl_demo.ui.shared.visit import Visit
from mrl_demo.ui.shared.widgets import dimension_control, example_buttons, live_html, menu, static_html

_Event = Callable[..., gr.events.Dependency]
#: Once the tab is in front.
_SHOW_QUESTION = (
    f"() => {{ setTimeout(() => document.querySelector('#{Id.ASK}')?.scrollIntoView({{ block: 'start' }}), 100); }}"
)


def build(page: Page) -> CompareDoor:
    """Lay out the tab inside the page, its first results already in it; gives the door for other tabs."""
    with gr.Tab("Compare", id=TabName.COMPARE) as tab:
        question = first_question(page.lab, page.corpus, page.arm)
        parts = _lay_out(page, question, first_answer(page.lab, question, _first_dim(page.lab, question)))
    events = CompareEvents(page.lab, parts, page.builds)
    _wire(events)
    # Models trained meanwhile join the menus.
    for opened in (page.blocks.load, tab.select):
        opened(*_refreshing(events), **LIGHT)
    add_to_address(page.address, events)
    return _door(page, events)


def _refreshing(events: CompareEvents) -> tuple[Callable[..., Any], set[Block], set[Block]]:
    """Handler, inputs and outputs of what brings the menus of methods up to date."""
    parts = events.parts
    form = Form(_menu_state, {"visit": parts.visit, "corpus": parts.corpus, "left": parts.left, "right": parts.right})
    return form.bind(events.refresh_menus), form.inputs, {parts.left, parts.right, parts.left_out}


def _menu_state(visit: Visit | None, corpus: str, left: str, right: str) -> CompareState:
    return CompareState(None, corpus, left, right, None, visit=visit)


def first_question(lab: LabProtocol, corpus: str, arm: str | None = None) -> Question:
    """The first example of the corpus, under the first arm and `arm`, or the best contender there is."""
    link = ComparisonLink.first(lab, corpus, arm)
    return Question(link.q, link.corpus, (link.left, link.right))


def _first_dim(lab: LabProtocol, question: Question) -> int:
    """Where the slider stands at first: a model of the owner's may have fewer numbers."""
    return guarded(lambda: min(FIRST_DIM, lab.full_dim(question.arms)), lambda _: FIRST_DIM)


def warm_up(lab: LabProtocol, corpus: str | None = None, arm: str | None = None) -> None:
    """Load the models of the first view, so that the first search does not wait for them; never raises."""
    question = first_question(lab, corpus or lab.corpora()[0].name, arm)
    ask(lab, replace(question, query="warm-up"), _first_dim(lab, question))


def _lay_out(page: Page, question: Question, answer: Answer) -> CompareParts:
    lab, comparison = page.lab, answer.comparison
    full = compare_view.shared_full_dim(comparison) if comparison else TRAINED_DIMS[-1]
    query, search, chips = _question_box(question.query, lab.examples(question.corpus))
    picture = gr.UploadButton(
        "Search with a picture",
        file_types=list(PICTURE_TYPES),
        size="sm",
        visible=takes_pictures(lab, question.corpus),
        elem_id=Id.ASK_PICTURE,
    )
    corpus, left, right = _menus(lab, question)
    left_out = left_out_line(Id.LEFT_OUT)
    dimension = dimension_control(min(FIRST_DIM, full), full, TRAINED_DIMS)
    part, layers = _more_choices(lab, question.corpus)
    static_html(html('<div role="status" aria-live="polite"></div>'), Id.SEARCHING, read_script("searching.js"))
    notice = live_html(answer.notice_html, Id.NOTICE)
    first = compare_view.results_html(comparison) if comparison else NOTHING
    results = static_html(
        first, Id.RESULTS, read_script("results.js", frames={"path": FRAMES_PATH, "most": MOST_LENGTHS})
    )
    marks = _marks() if lab.settings.uploads_enabled else None
    with gr.Column(elem_id=Id.MOVES):
        static_html(compare_view.MOVES_INTRO, Id.MOVES_INTRO)
        script = read_script("chart.js", layouts=RANK_CHART_LAYOUTS)
        breaks = static_html(compare_view.breaks_html(comparison) if comparison else NOTHING, Id.BREAKS, script)
        figure = compare_view.figure(comparison) if comparison else None
        chart = gr.Plot(figure, show_label=False, elem_id=Id.RANK_MOVES)
    answered = gr.State(Answered(question, full) if comparison else None, time_to_live=STATE_SECONDS)
    return CompareParts(
        query=query,
        search=search,
        chips=chips,
        picture=picture,
        corpus=corpus,
        left=left,
        right=right,
        left_out=left_out,
        dimension=dimension,
        layers=layers,
        part=part,
        notice=notice,
        results=results,
        breaks=breaks,
        chart=chart,
        answered=answered,
        wanted=gr.State(None, time_to_live=STATE_SECONDS),
        built=gr.State(0, time_to_live=STATE_SECONDS),
        visit=page.visit,
        marks=marks,
    )


def _marks() -> gr.HTML:
    return static_html(marks_html(()), Id.ANSWER_MARKS, read_script("answers.js"))


def _more_choices(lab: LabProtocol, corpus: str) -> tuple[gr.Dropdown, gr.Slider]:
    """Folded away, since most visitors ask about lengths first: some documents alone, and layers left out."""
    choices = part_choices(lab, corpus)
    with gr.Accordion("Only some documents, or fewer layers of the model", open=False, elem_id=Id.MORE_FOLD):
        part = gr.Dropdown(
            choices,
            value=None,  # Empty, so that what is typed finds a label.
            label="Search only documents with this label (empty: all)",
            visible=len(choices) > 1,
            elem_id=Id.PART,
        )
        label = f"Layers that read the texts ({ALL_LAYERS}: all; half of them take about half the time)"
        return part, gr.Slider(1, ALL_LAYERS, ALL_LAYERS, step=1, label=label, elem_id=Id.LAYERS)


def _question_box(query: str, examples: Sequence[Example]) -> tuple[gr.Textbox, gr.Button, gr.HTML]:
    with gr.Row(elem_id=Id.ASK, equal_height=True):
        box = gr.Textbox(
            query,
            label="Your question",
            placeholder="Ask anything",
            lines=1,
            max_lines=1,
            scale=8,
            show_label=False,
            elem_id=Id.QUERY,
        )
        search = gr.Button("Search", variant="primary", scale=0, min_width=96, elem_id=Id.SEARCH)
        chips = example_buttons(examples)
    return box, search, chips


def _menus(lab: LabProtocol, question: Question) -> tuple[gr.Dropdown, gr.Dropdown, gr.Dropdown]:
    """Collection, left and right method."""
    arms = [(arm.label, arm.name) for arm in lab.arms()]
    corpora = [(choice.label, choice.name) for choice in lab.corpora()]
    with gr.Row(elem_id=Id.CHOICES):
        corpus = menu("Collection", corpora, question.corpus, Id.CORPUS, min_width=200)
        left = menu("Left method", arms, question.arms[0], Id.LEFT_ARM, min_width=140)
        right = menu("Right method", arms, question.arms[1], Id.RIGHT_ARM, min_width=140)
    return corpus, left, right


def _wire(events: CompareEvents) -> None:
    parts, form = events.parts, events.parts.form
    filled = {parts.query, parts.chips, parts.picture, parts.left, parts.right, *parts.answer}
    for trigger in (parts.query.submit, parts.search.click):
        _search_on(trigger, form.bind(events.search), form.inputs, parts.answer)
    _search_on(parts.chips.pick, form.bind(events.pick), form.inputs, {parts.query, *parts.answer})
    _search_on(parts.picture.upload, form.bind(events.search_picture), form.inputs, {parts.query, *parts.answer})
    for chosen in (parts.left.input, parts.right.input, parts.layers.release, parts.part.input):
        _search_on(chosen, form.bind(events.search_again), form.inputs, parts.answer)
    changed = _search_on(parts.corpus.input, form.bind(events.change_corpus), form.inputs, filled)
    changed.then(*_refreshing(events), **LIGHT)  # Only then: a menu must not lose what that event is sent.
    parts.dimension.input(form.bind(events.slide), form.inputs, {parts.notice, parts.results}, **LIVE)
    parts.wanted.change(form.bind(events.build), form.inputs, {parts.notice, parts.built}, **FOLLOW)
    parts.built.change(form.bind(events.search_again), form.inputs, parts.answer, **{**ASK, "trigger_mode": "multiple"})


def _search_on(
    trigger: _Event, search: Callable[..., Any], inputs: set[Block], outputs: set[Block]
) -> gr.events.Dependency:
    """Search when `trigger` fires; the browser hears when that begins and when it is over, however it ends."""
    trigger(None, None, None, js=_tell("search-starts"), api_visibility="private")
    searched = trigger(search, inputs, outputs, **ASK)
    return searched.then(None, None, None, js=_tell("search-ends"), api_visibility="private")


def _tell(event: str) -> str:
    return f"() => {{ document.dispatchEvent(new CustomEvent('{event}')); }}"


def _search_again(events: CompareEvents, before: gr.events.Dependency) -> gr.events.Dependency:
    form = events.parts.form
    return before.then(form.bind(events.search_again), form.inputs, events.parts.answer, **ASK)


def add_to_address(bar: AddressBar, events: CompareEvents) -> None:
    """Put the question, the menus and the length into the page's address."""
    parts, kinds = events.parts, comparison_kinds(events.lab)
    answered = "() => document.querySelector('.arms')?.dataset.query ?? ''"
    bar.add(
        TabName.COMPARE,
        [
            Parameter("q", kinds["q"], parts.query, pushes=True, heard=(parts.results.change,), read=answered),
            Parameter("corpus", kinds["corpus"], parts.corpus, pushes=True),
            Parameter("left", kinds["left"], parts.left, pushes=True),
            Parameter("right", kinds["right"], parts.right, pushes=True),
            Parameter("dim", kinds["dim"], parts.dimension, is_shared=True),
            Parameter("layers", WholeNumber(1, ALL_LAYERS), parts.layers),
            Parameter("part", kinds["part"], parts.part, pushes=True),
        ],
        update=events.restore,
        outputs={parts.chips, parts.picture},
        follow=lambda event: _search_again(events, event.then(*_refreshing(events), **LIGHT)),
    )


def _door(page: Page, events: CompareEvents) -> CompareDoor:
    parts = events.parts

    def search_after(event: gr.events.Dependency) -> None:
        """Search once the fields are filled, and show the question."""
        event.success(None, None, None, js=_SHOW_QUESTION, api_visibility="private")
        form = parts.form
        event.success(form.bind(events.search_again), form.inputs, parts.answer, **ASK)

    def redraw_after(event: gr.events.Dependency) -> None:
        """Draw anew once the length is set."""
        form = parts.form
        redrawn = {parts.results, parts.breaks, parts.chart, *([parts.marks] if parts.marks else [])}
        event.then(form.bind(events.redraw), form.inputs, redrawn, **LIGHT)

    return CompareDoor(
        page,
        parts.query,
        parts.corpus,
        parts.left,
        parts.right,
        parts.dimension,
        parts.marks,
        parts.answered,
        parts.notice,
        search_after,
        redraw_after,
    )
