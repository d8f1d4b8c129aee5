"""The menu of labels in Compare."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import ANSWER_ELSEWHERE, Note
from mrl_demo.ui.compare.events import CompareEvents
from mrl_demo.ui.compare.frames import FrameRequest
from mrl_demo.ui.compare.part_menu import part_choices
from mrl_demo.ui.compare.view import results_html
from tests.ui.compare.test_tab import STATE, by_id, events
from tests.ui.samples import StubLab, comparison

__all__ = ["events"]


def test_the_menu_names_labels_with_their_documents() -> None:
    assert part_choices(StubLab(), "builtin") == [
        ("All documents", ""),
        ("topic: bees (10)", "topic=bees"),
        ("topic: tea (1)", "topic=tea"),
    ]


def test_a_label_limits_the_search_and_the_slider_repeats_it(events: CompareEvents) -> None:
    updates = by_id(events.search(replace(STATE, part="topic=bees")))
    assert "with topic “bees”" in updates["results"]
    answered = updates["state"]
    assert answered.question.part == "topic=bees"
    assert "with topic “bees”" in by_id(events.slide(replace(STATE, part="", answered=answered)))["results"]
    assert "is no condition" in by_id(events.search(replace(STATE, part="colour=red")))["notice"]


def test_another_collection_is_searched_whole_and_brings_its_labels(events: CompareEvents) -> None:
    updates = by_id(events.change_corpus(replace(STATE, corpus="builtin", part="topic=bees")))
    assert (updates["part"]["value"], "with topic" in updates["results"]) == (None, False)
    opened = by_id(events.search_again(replace(STATE, corpus="other", part="topic=bees")))  # Another tab's door.
    assert (opened["notice"], opened["part"]["value"]) == ("", None)
    fresh = by_id(events.search(replace(STATE, answered=None, part="topic=tea")))["part"]
    assert (fresh["value"], len(fresh["choices"])) == ("topic=tea", 3)


def test_an_address_brings_a_label_only_if_the_collection_has_it(events: CompareEvents) -> None:
    assert by_id(events.restore({"corpus": "builtin", "part": "topic=tea"}))["part"]["value"] == "topic=tea"
    assert by_id(events.restore({"corpus": "builtin", "part": "topic=<b>"}))["part"]["value"] is None
    assert by_id(events.restore({"corpus": "own", "part": "topic=tea"}))["part"]["visible"] is False


def test_no_card_is_called_the_answer_of_a_question_whose_answer_lies_elsewhere() -> None:
    unknown = tuple(replace(arm, result=replace(arm.result, answer_rank=None)) for arm in comparison().arms)
    asked = replace(comparison(), arms=unknown, where={"topic": "bees"})
    assert "This is the answer" in results_html(asked)
    note = Note(ANSWER_ELSEWHERE, "It is not among them.")
    elsewhere = tuple(replace(arm, notes=(note,)) for arm in unknown)
    assert "This is the answer" not in results_html(replace(asked, arms=elsewhere))


def test_frames_and_code_are_of_the_part() -> None:
    shown = results_html(replace(comparison(), where={"topic": "bees"}))
    assert "&#34;part&#34;: &#34;topic=bees&#34;" in shown or "topic=bees" in shown
    assert "--where topic=bees" in shown
    asked = {"query": "x", "corpus": "builtin", "arms": ["base"], "dims": [8]}
    assert FrameRequest.from_json(json.dumps(asked | {"part": "topic=bees"})).question.part == "topic=bees"
    assert FrameRequest.from_json(json.dumps(asked)).question.part == ""
    with pytest.raises(LabError):
        FrameRequest.from_json(json.dumps(asked | {"part": 3}))
    with pytest.raises(LabError):
        FrameRequest.from_json("[1]")
