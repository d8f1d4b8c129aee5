from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import gradio as gr
import pytest

from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.compare.asking import EMPTY_BOX_HINT, Answer, ask
from mrl_demo.ui.compare.events import CompareEvents
from mrl_demo.ui.compare.state import Answered, Build, CompareState, Question
from mrl_demo.ui.shared.links import CompareDoor
from tests.ui.pages import by_id, one_tab, steps_of
from tests.ui.samples import StubLab

QUESTION = Question("how do bees talk", "builtin", ("base", "tuned"))
STATE = CompareState("bees", "builtin", "base", "tuned", 64, Answered(QUESTION, 384))
ANSWER = {"notice", "results", "breaks", "rank-moves", "state", "answer-marks"}


@pytest.fixture(scope="module")
def events() -> CompareEvents:
    parts: list[Any] = []

    def build(page: Any) -> None:
        question = compare.first_question(page.lab, page.corpus)
        parts.append(compare._lay_out(page, question, ask(page.lab, question, 64)))

    with gr.Blocks() as blocks, gr.Tabs() as tabs, gr.Tab():
        build(Mock(lab=StubLab(), corpus="builtin", blocks=blocks, tabs=tabs, visit=gr.State(None)))
    return CompareEvents(StubLab(), parts[0])


def say(query: str, dim: object = 64) -> Answer:
    return ask(StubLab(), replace(QUESTION, query=query), dim)


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


def test_the_first_question_is_an_example_under_base_and_tuned() -> None:
    expected = Question("builtin question 0", "builtin", ("base", "tuned"))
    assert compare.first_question(StubLab(), "builtin") == expected
    assert compare.first_question(StubLab(), "own").query == "own question 0"


def test_a_search_fills_everything_and_remembers_the_question(events: CompareEvents) -> None:
    updates = by_id(events.search(replace(STATE, answered=None)))
    assert set(updates) == {*ANSWER, "dimension", "part"}
    assert updates["state"] == Answered(replace(QUESTION, query="bees"), 384)


def test_an_empty_search_keeps_the_last_results(events: CompareEvents) -> None:
    assert set(by_id(events.search(replace(STATE, query="")))) == {"notice"}
    assert set(by_id(events.search(replace(STATE, query=None)))) == {"notice"}


def test_a_search_leaves_the_slider_alone_while_it_ends_at_the_same_length(events: CompareEvents) -> None:
    assert set(by_id(events.search(STATE))) == ANSWER


def test_sliding_repeats_the_last_search_whatever_is_half_typed(events: CompareEvents) -> None:
    updates = by_id(events.slide(replace(STATE, query="half ty", dim=16)))
    assert "how do bees talk" in updates["results"]
    assert 'data-dim="16"' in updates["results"]
    assert updates["notice"] == ""


def test_sliding_after_the_state_expired_searches_the_box(events: CompareEvents) -> None:
    assert "bees" in by_id(events.slide(replace(STATE, answered=None)))["results"]


def test_an_example_is_picked_by_position(events: CompareEvents) -> None:
    updates = by_id(events.pick(STATE, gr.EventData(None, {"position": 3})))
    assert updates["query"] == "builtin question 3"
    assert "builtin question 3" in updates["results"]


@pytest.mark.parametrize("position", ["<b>", None, 8, -1])
def test_a_made_up_position_still_picks_an_example(events: CompareEvents, position: object) -> None:
    updates = by_id(events.pick(STATE, gr.EventData(None, {"position": position})))
    assert updates["query"].startswith("builtin question")


def test_another_collection_brings_its_own_examples(events: CompareEvents) -> None:
    other = replace(STATE, query="builtin question 2", corpus="own")
    updates = by_id(events.change_corpus(other))
    assert updates["query"] == "own question 0"
    assert "own question 7" in updates["examples"]
    assert by_id(events.change_corpus(replace(other, query="my own words")))["query"] == "my own words"


def test_another_arm_searches_the_last_question_if_the_box_is_empty(events: CompareEvents) -> None:
    assert "how do bees talk" in by_id(events.search_again(replace(STATE, query="")))["results"]


def test_a_shorter_model_is_searched_at_its_own_end_if_the_slider_stood_beyond(events: CompareEvents) -> None:
    assert 'data-dim="384"' in by_id(events.search_again(replace(STATE, dim=700)))["results"]
    assert "whole number" in by_id(events.search_again(replace(STATE, dim=0)))["notice"]


def test_the_door_leads_to_compare_and_searches_there() -> None:
    blocks, door = one_tab(StubLab(), compare.build)
    assert isinstance(door, CompareDoor)
    with blocks:
        button = gr.Button()
        door.search_after(button.click(lambda: door.open({door.query: "bees"}), None, door.outputs))
    updates = door.open({door.query: "bees", door.left: "tuned"})
    assert by_id(updates)["query"] == "bees"
    assert updates[door.page.tabs].selected == "compare"
    names = [event["api_name"] for event in blocks.get_config_file()["dependencies"]]
    assert sum(str(name).startswith("search_again") for name in names) == 6  # Menus, labels, layers, a build, the door.


def test_a_search_over_missing_vectors_asks_for_a_build_and_ends(events: CompareEvents) -> None:
    lab = StubLab()
    lab.unready = {"own"}
    missing = replace(events, lab=lab)
    asked = by_id(missing.search(replace(STATE, corpus="own")))
    assert list(asked.values()) == [Build("own", ("base", "tuned"), 1)]
    again = by_id(missing.search(replace(STATE, corpus="own", wanted=asked["state"])))
    assert again["state"].number == 2
    assert set(by_id(missing.search(STATE))) == ANSWER


def follow(events: CompareEvents, wanted: Build) -> list[dict[str, Any]]:
    request = Mock(session_hash="me", client=Mock(host="here"))
    return [by_id(step) for step in steps_of(events.build(replace(STATE, wanted=wanted), request))]


def test_a_build_is_followed_and_then_searched(events: CompareEvents) -> None:
    *_, end = follow(events, Build("own", ("base",), 3))
    assert end == {"notice": "", "state": 3}


def test_a_build_that_fails_says_why_and_searches_nothing(events: CompareEvents) -> None:
    *_, end = follow(events, Build("broken", ("base",), 4))
    assert "no corpus &#39;broken&#39;" in end["notice"]
    assert "state" not in end


def test_the_layer_slider_asks_for_the_first_layers_and_at_its_end_for_the_whole_models(events: CompareEvents) -> None:
    assert replace(STATE, layers=3).question.arms == ("base@3", "tuned@3")
    assert STATE.question.arms == ("base", "tuned")
    assert replace(STATE, layers="3; x").question.arms == ("base", "tuned")  # type: ignore[arg-type]
    assert by_id(events.restore({"layers": 2})) == {"layers": 2}
