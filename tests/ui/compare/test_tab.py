from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import gradio as gr
import pytest

from mrl_demo.ui.compare.asking import EMPTY_BOX_HINT, Answer, ask, prepare_view
from mrl_demo.ui.compare.events import Events
from mrl_demo.ui.compare.state import ViewState
from mrl_demo.ui.compare.tab import first_view
from tests.ui.samples import StubLab

VIEW = ViewState("how do bees talk", "builtin", ("base", "tuned"))
MENUS = ("builtin", "base", "tuned")


@pytest.fixture
def events() -> Events:
    return Events(StubLab())


def say(query: str, dim: object = 64) -> Answer:
    return ask(StubLab(), ViewState(query, *MENUS[:1], MENUS[1:]), dim)


def skipped(values: tuple[Any, ...]) -> list[bool]:
    return [value == gr.skip() for value in values]


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_an_empty_query_gets_a_hint(query: str) -> None:
    assert (say(query).message, say(query).kind) == (EMPTY_BOX_HINT, "hint")


def test_what_was_done_to_the_query_is_said() -> None:
    assert "The query was cut." in say("long").notice_html


def test_errors_of_the_user_are_shown_escaped() -> None:
    answer = say("broken")
    assert answer.comparison is None
    assert "&lt;x&gt; is damaged" in answer.notice_html


@pytest.mark.parametrize("dim", [0, -1, 385, "many", None, 2.5])
def test_a_dimension_out_of_range_is_named_with_the_range(dim: object) -> None:
    assert "1 to 384" in say("bees", dim).message


def test_errors_of_ours_are_logged_and_their_details_kept(caplog: pytest.LogCaptureFixture) -> None:
    answer = say("bug")
    assert "secret" not in answer.notice_html
    assert "secret" in caplog.text


def test_preparing_reports_progress_and_failure() -> None:
    seen = Mock()
    assert prepare_view(StubLab(), VIEW, seen).message == ""
    seen.assert_called_once_with(0.5, "Encoding")
    broken = ViewState("", "broken", ("base", "tuned"))
    assert "no corpus 'broken'" in prepare_view(StubLab(), broken, seen).message


def test_the_first_view_is_an_example_under_base_and_tuned() -> None:
    assert first_view(StubLab()) == ViewState("builtin question 0", "builtin", ("base", "tuned"))
    assert first_view(StubLab(), "own").query == "own question 0"


def test_a_search_fills_everything_and_remembers_the_query(events: Events) -> None:
    values = events.search(None, "bees", *MENUS, 64)
    assert skipped(values) == [False] * 6
    assert values[-1] == ViewState("bees", "builtin", ("base", "tuned"), 384)


def test_an_empty_search_keeps_the_last_results(events: Events) -> None:
    assert skipped(events.search(VIEW, "", *MENUS, 64)) == [False, True, True, True, True, True]


def test_a_search_leaves_the_slider_alone_while_it_ends_at_the_same_length(events: Events) -> None:
    same = ViewState("bees", "builtin", ("base", "tuned"), 384)
    assert skipped(events.search(same, "bees", *MENUS, 64)) == [False, False, False, False, True, False]


def test_sliding_repeats_the_last_search_whatever_is_half_typed(events: Events) -> None:
    notice, results = events.slide(VIEW, "half ty", *MENUS, 16)
    assert "how do bees talk" in results
    assert 'data-dim="16"' in results
    assert notice == ""


def test_sliding_after_the_state_expired_searches_the_box(events: Events) -> None:
    assert "bees" in events.slide(None, "bees", *MENUS, 16)[1]


def test_an_example_is_picked_by_position(events: Events) -> None:
    picked = events.pick(VIEW, "", *MENUS, 64, gr.EventData(None, {"position": 3}))
    assert picked[0] == "builtin question 3"
    assert "builtin question 3" in picked[2]


@pytest.mark.parametrize("position", ["<b>", None, 8, -1])
def test_a_made_up_position_still_picks_an_example(events: Events, position: object) -> None:
    assert events.pick(VIEW, "", *MENUS, 64, gr.EventData(None, {"position": position}))[0].startswith(
        "builtin question"
    )


def test_another_collection_brings_its_own_examples(events: Events) -> None:
    query, chips, *_ = events.change_corpus(VIEW, "builtin question 2", "own", "base", "tuned", 64)
    assert query == "own question 0"
    assert "own question 7" in chips
    assert events.change_corpus(VIEW, "my own words", "own", "base", "tuned", 64)[0] == "my own words"


def test_another_arm_searches_the_last_question_when_the_box_is_empty(events: Events) -> None:
    assert "how do bees talk" in events.search_again(VIEW, "", *MENUS, 64)[1]


def test_a_shorter_model_is_searched_at_its_own_end_where_the_slider_stood_beyond(events: Events) -> None:
    assert 'data-dim="384"' in events.search_again(VIEW, "", *MENUS, 700)[1]
    assert "whole number" in events.search_again(VIEW, "", *MENUS, 0)[0]
