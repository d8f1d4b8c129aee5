"""The Map tab without a browser, and once in one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import gradio as gr
import pytest

from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.map import tab as collection_map
from mrl_demo.ui.map.state import MapRequest, MapState
from tests.ui.pages import by_id, one_tab, steps_of
from tests.ui.samples import NASTY, StubLab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REQUEST = cast("gr.Request", None)


@pytest.fixture(scope="module")
def drawing() -> collection_map.Drawing:
    def build(page: Any) -> collection_map.MapParts:
        compare.build(page)
        with gr.Tab():
            return collection_map._lay_out(page.builds)

    _, parts = one_tab(StubLab(), build)
    return collection_map.Drawing(StubLab(), parts)


def test_a_map_that_is_ready_is_drawn_on_entering_and_stays(drawing: collection_map.Drawing) -> None:
    state = MapState("how do bees talk", "builtin", "base", "tuned")
    *_, last = (by_id(step) for step in steps_of(drawing.enter(state)))
    payload = last["map-board"].props["payload"]
    assert [side["arm"] for side in payload["sides"]] == ["base", "tuned"]
    assert payload["sides"][0]["tens"] == [[1, 0], [0, 1]]
    assert NASTY[:20] in json.dumps(payload, ensure_ascii=False)
    drawn = last["state"]
    assert drawn == MapRequest("builtin", ("base", "tuned"), "how do bees talk")
    again = MapState("how do bees talk ", "builtin", "base", "tuned", drawn)
    assert steps_of(drawing.enter(again)) == []


def test_a_map_that_takes_a_while_waits_for_the_button(drawing: collection_map.Drawing) -> None:
    (step,) = (by_id(step) for step in steps_of(drawing.enter(MapState("", "own", "base", "tuned"))))
    assert "own has not been laid out yet" in step["map-line"].lower()
    assert step["map-board"].props["payload"] is None


def test_a_map_that_cannot_be_drawn_says_why(drawing: collection_map.Drawing) -> None:
    *_, last = (by_id(step) for step in steps_of(drawing.run(MapState("", "broken", "base", "tuned"), REQUEST)))
    assert "There is no corpus" in last["map-line"]
    assert last["map-draw"].interactive


@pytest.mark.browser
def test_a_visitor_recolours_the_map_and_walks_over_it(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    page, errors = context.new_page(), list[str]()
    page.on("console", lambda entry: errors.append(entry.text) if entry.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".card")
    page.get_by_role("tab", name="Map", exact=True).click()
    page.wait_for_selector("#map-board[data-paint-ms], #map-board [data-paint-ms]")
    assert page.locator("#map-board canvas").count() == 2
    assert "At 64 of 384 numbers" in page.inner_text(".map-words")
    before = page.locator("#map-board canvas").first.evaluate("canvas => canvas.toDataURL()")
    page.locator(".map-range").focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => document.querySelector('.map-words').textContent.startsWith('At 2 of')")
    assert page.input_value("#dim-range") == "2"  # Compare's slider is the same.
    assert page.locator("#map-board canvas").first.evaluate("canvas => canvas.toDataURL()") != before
    page.locator("#map-board canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".map-tip:not([hidden])")
    assert "neighbours kept at 2 numbers" in page.inner_text(".map-tip")
    first = page.inner_text(".map-tip b")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("w => document.querySelector('.map-tip b').textContent !== w", arg=first)
    drawn = "() => document.querySelector('#map-board canvas').toDataURL()"
    whole = page.evaluate(drawn)
    page.keyboard.press("+")
    page.wait_for_function(f"whole => ({drawn})() !== whole", arg=whole)
    near = page.evaluate(drawn)
    box = page.locator("#map-board canvas").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 180, steps=3)
    page.mouse.up()
    page.wait_for_function(f"near => ({drawn})() !== near", arg=near)
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Whole map").click()
    page.locator("#map-board canvas").first.focus()
    page.keyboard.press("Escape")
    page.locator("#map-board button.sort").first.click()
    names = page.locator("#map-board tbody th").all_inner_texts()
    assert names == sorted(names) and len(names) == 12
    assert errors == []
    context.close()
