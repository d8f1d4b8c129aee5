"""What an address may ask for, without a browser."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.errors import LabError
from mrl_demo.ui.address.kinds import LONGEST_TEXT, DecimalNumber, FreeText, Kind, OneOf, Several, Switch, WholeNumber
from mrl_demo.ui.address.reading import link_hint, read_parameters
from mrl_demo.ui.app import build_app
from mrl_demo.ui.shared.address_bar import AddressBar, Parameter
from tests.ui.pages import by_id
from tests.ui.samples import NASTY, StubLab

NAMES = ["base", "tuned", "adapted"]
KINDS: dict[str, Kind] = {
    "q": FreeText(),
    "left": OneOf(lambda: NAMES),
    "methods": Several(lambda: NAMES),
    "dim": WholeNumber(1, 384),
    "published": Switch(),
    "price": DecimalNumber(-1, 1_000),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q", NASTY),
        ("left", "tuned"),
        ("methods", ["tuned", "base"]),
        ("methods", []),
        ("dim", 64),
        ("published", False),
        ("price", 7.45),
        ("price", 136.0),
        ("price", -0.5),
    ],
)
def test_what_is_written_is_read_back(name: str, value: object) -> None:
    assert KINDS[name].read(KINDS[name].write(value)) == value


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=60))
def test_any_text_is_a_value_of_its_kind_or_a_hint(name: str, text: str) -> None:
    reading = read_parameters(KINDS, {name: text})
    assert (name in reading.values) != bool(reading.hints)
    if name in reading.values:
        assert KINDS[name].read(KINDS[name].write(reading.values[name])) == reading.values[name]


@pytest.mark.parametrize("sent", [None, "q=1", ["q"], {"q": 5}, {"other": "x"}, {"dim": None}])
def test_what_is_no_text_of_ours_is_left_out(sent: Any) -> None:
    reading = read_parameters(KINDS, sent)
    assert not reading.values
    assert not reading.hints


@pytest.mark.parametrize("text", ["0", "385", "-1", "6.0", "1e2", "٣", " 5", "9" * 5_000, ""])
def test_a_length_is_a_whole_number_that_vectors_have(text: str) -> None:
    with pytest.raises(LabError, match="whole number from 1 to 384"):
        KINDS["dim"].read(text)


@pytest.mark.parametrize("text", ["1001", "-1.1", "nan", "inf", "1e2", "1_0", ".5", "5.", "٣", " 5", "9" * 5_000, ""])
def test_a_price_is_a_decimal_number_within_its_bounds(text: str) -> None:
    with pytest.raises(LabError, match="not a number from -1 to 1,000"):
        KINDS["price"].read(text)


def test_a_long_text_is_cut_in_the_address_and_in_a_hint() -> None:
    assert len(FreeText().read("x" * 100_000)) == LONGEST_TEXT
    assert len(link_hint(read_parameters(KINDS, {"left": "x" * 100_000}).hints)) < 300


def test_a_name_of_another_tab_is_refused() -> None:
    bar = AddressBar()
    with gr.Blocks():
        bar.add("compare", [Parameter("q", FreeText(), gr.Textbox())])
        with pytest.raises(ValueError, match="q"):
            bar.add("learn", [Parameter("q", FreeText(), gr.Textbox())])


class Sent:
    """What `gr.EventData` holds."""

    def __init__(self, **values: str) -> None:
        self._data = {"values": values}


def restored(page: gr.Blocks, group: str, **values: str) -> dict[str, Any]:
    """What the page's own event answers to the texts of an address, by element id."""
    (event,) = (fn for fn in page.fns.values() if (fn.targets or [("", "")])[0][1] == f"restore_{group}")
    assert event.fn
    return by_id(event.fn(Sent(**values)))


def test_a_link_sets_every_control_of_compare() -> None:
    updates = restored(build_app(StubLab()), "compare", q=NASTY, corpus="own", left="tuned", right="base", dim="8")
    assert (updates["query"], updates["corpus"]) == (NASTY, "own")
    assert (updates["left-arm"].value, updates["right-arm"].value) == ("tuned", "base")
    assert updates["dimension"].value == 8
    assert "own question 0" in updates["examples"]
    assert updates["address"].props["told_compare"]["hint"] == ""


def test_a_link_to_more_numbers_than_a_model_has_shows_all_of_them() -> None:
    assert restored(build_app(StubLab()), "compare", left="base", right="tuned", dim="4096")["dimension"].value == 384


def test_a_name_in_a_link_is_compared_and_never_loaded() -> None:
    lab = StubLab()
    page = build_app(lab)
    lab.corpus = lab.full_dim = lab.prepare = None  # type: ignore[assignment,method-assign]
    updates = restored(page, "compare", corpus="/etc/passwd", left="someone/model", right="../up", dim="8")
    assert set(updates) == {"address"}
    hint = updates["address"].props["told_compare"]["hint"]
    assert "corpus: '/etc/passwd' is not among builtin, own" in hint
    assert updates["address"].props["told_compare"]["values"] == {"dim": "8"}
