"""What a link sets in the Curves tab."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from mrl_demo.ui.address.reading import read_parameters
from mrl_demo.ui.app import build_app
from mrl_demo.ui.curves.linking import NAMES, SECTIONS
from mrl_demo.ui.curves.state import Choice
from tests.ui.pages import by_id
from tests.ui.samples import StubLab


class Sent:
    """What `gr.EventData` holds."""

    def __init__(self, **values: str) -> None:
        self._data = {"values": values}


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    return build_app(StubLab())


def restored(page: gr.Blocks, **values: str) -> dict[str, Any]:
    (event,) = (fn for fn in page.fns.values() if fn.targets and fn.targets[0][1] == "restore_curves")
    assert event.fn
    return by_id(event.fn(Sent(**values)))


def test_every_choice_of_the_tab_has_a_parameter() -> None:
    assert set(NAMES.values()) == set(Choice.__dataclass_fields__)


def test_a_link_sets_section_measure_and_methods(page: gr.Blocks) -> None:
    updates = restored(
        page, section="cost", metric="recall@10", scale="share", methods="base", published="0", vectors="1000000"
    )
    assert updates["curves-tabs"].selected == "cost"
    assert (updates["curves-metric"], updates["curves-mode"]) == ("recall@10", "share")
    assert updates["curves-arms"].value == ["base"]
    assert updates["curves-published"] is False
    assert updates["curves-size"] == 1_000_000
    assert updates["address"].props["told_curves"]["hint"] == ""


def test_a_section_or_method_that_there_is_not_is_said(page: gr.Blocks) -> None:
    updates = restored(page, section="admin", methods="base,nobody", vectors="7", published="yes", measured="/etc")
    told = updates["address"].props["told_curves"]
    for words in ("section: 'admin' is not among " + ", ".join(SECTIONS), "'nobody'", "'7'", "'yes'", "'/etc'"):
        assert words in told["hint"]
    assert told["values"] == {}


def test_no_labels_are_a_value_too(page: gr.Blocks) -> None:
    told = restored(page, labels="")["address"].props["told_curves"]
    assert told == {**told, "hint": "", "values": {"labels": ""}}
    assert not read_parameters({}, {"labels": ""}).values
