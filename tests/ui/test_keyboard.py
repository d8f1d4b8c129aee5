"""The page by keyboard alone, in Chromium over the stand-in lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
#: Labels of the menus that are open, and the label of what has the focus.
OPEN = "() => [...document.querySelectorAll('[role=combobox][aria-expanded=true]')].map(menu => menu.ariaLabel)"
FOCUS = "() => document.activeElement.ariaLabel || document.activeElement.textContent.trim()"

#: Numbers every control of the tab in front that can have the focus; gives how many.
NUMBER = """() => {
  const all = "a[href], button, input, select, textarea, summary, [tabindex]";
  const usable = (e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true })
    && e.getBoundingClientRect().width && !(e.type === "radio" && !e.checked);
  const controls = [...document.querySelectorAll(all)].filter(usable);
  controls.forEach((control, i) => { control.dataset.number = i; });
  return controls.length;
}"""
#: The number of what has the focus, and whether it shows that, itself or by what is around it.
WHERE = """() => {
  const control = document.activeElement;
  const around = control.closest(".wrap, label, .container, .block, .chip, li") || control;
  const shows = [control, around].map((e) => getComputedStyle(e)).some((style) =>
    (style.outlineStyle !== "none" && parseFloat(style.outlineWidth)) || style.boxShadow !== "none");
  return [control.dataset.number ?? "", shows];
}"""
TABS = ["compare", "learn", "curves", "decide", "funnel", "map", "data", "train"]


@pytest.fixture
def page(browser: Browser, stub_address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda entry: problems.append(entry.text) if entry.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(stub_address)
    page.wait_for_selector(".card")
    page.wait_for_selector("[data-ready]", state="attached")
    yield page
    context.close()
    assert problems == []


def open_menus(page: Page) -> list[str]:
    page.wait_for_timeout(200)  # Longer than the script waits for Gradio.
    labels: list[str] = page.evaluate(OPEN)
    return labels


def test_menus_are_passed_by_without_opening(page: Page) -> None:
    page.locator(".examples-open").focus()
    for label in ("Collection", "Left method", "Right method"):
        page.keyboard.press("Tab")
        assert open_menus(page) == []
        assert page.evaluate(FOCUS) == label
    page.keyboard.press("Shift+Tab")
    assert open_menus(page) == []
    assert page.evaluate(FOCUS) == "Left method"


@pytest.mark.parametrize("key", ["Enter", "Space", "ArrowDown"])
def test_a_menu_opens_when_asked_and_closes_by_escape_or_by_leaving(page: Page, key: str) -> None:
    page.locator(".examples-open").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press(key)
    assert open_menus(page) == ["Left method"]
    page.keyboard.press("Escape")
    assert open_menus(page) == []
    page.keyboard.press(key)
    assert open_menus(page) == ["Left method"]
    page.keyboard.press("Tab")
    assert open_menus(page) == []


def test_a_choice_by_keyboard_counts_and_keeps_the_focus(page: Page) -> None:
    page.locator(".examples-open").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    for key in ("Enter", "ArrowDown"):
        page.keyboard.press(key)
        assert open_menus(page) == ["Left method"]
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#left-arm input').value === 'Tuned'")
    assert open_menus(page) == []
    assert page.evaluate(FOCUS) == "Left method"


def test_a_menu_still_opens_and_closes_by_mouse(page: Page) -> None:
    page.click("#left-arm input")
    assert open_menus(page) == ["Left method"]
    page.get_by_role("option", name="Tuned").click()
    page.wait_for_function("() => document.querySelector('#left-arm input').value === 'Tuned'")
    assert open_menus(page) == []
    page.click("#right-arm input")
    page.click("#page-header h1")
    assert open_menus(page) == []


def test_tabs_answer_to_arrow_keys(page: Page) -> None:
    page.get_by_role("tab", name="Compare", exact=True).focus()
    for key, label in (("ArrowRight", "Learn"), ("End", "Train"), ("ArrowRight", "Compare"), ("ArrowLeft", "Train")):
        page.keyboard.press(key)
        chosen = page.get_by_role("tab", name=label, exact=True)
        page.wait_for_function("label => document.activeElement.textContent.trim() === label", arg=label)
        assert chosen.get_attribute("aria-selected") == "true"
    page.keyboard.press("Home")
    page.wait_for_selector(".card:visible")


def test_the_slider_is_one_link_away(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "To the slider"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "dim-range"


def test_the_dots_beside_the_menus_have_the_colours_of_the_models(page: Page) -> None:
    dot = "side => getComputedStyle(document.querySelector(`#${side} .container > span`), '::before').backgroundColor"
    bar = "side => getComputedStyle(document.querySelector(`.${side} .dots .on`)).backgroundColor"
    for menu, side in (("left-arm", "side-a"), ("right-arm", "side-b")):
        assert page.evaluate(dot, menu) == page.evaluate(bar, side)


@pytest.mark.parametrize("field", ["#query input, #query textarea", "#corpus input", "#left-arm input"])
def test_nothing_clips_the_ring_around_a_focused_field(page: Page, field: str) -> None:
    clipping = """element => {
      const clips = [];
      const width = element.getBoundingClientRect().width + 12; // The ring is 3 pixels wide and stands 2 apart.
      for (let up = element.parentElement; up && up.tagName !== 'MAIN'; up = up.parentElement)
        if (getComputedStyle(up).overflow !== 'visible' && up.getBoundingClientRect().width < width)
          clips.push(up.id || up.className);
      return clips;
    }"""
    assert page.locator(field).first.evaluate(clipping) == []


@pytest.mark.parametrize("tab", TABS)
def test_every_control_of_a_tab_is_reached_and_shows_its_focus(page: Page, stub_address: str, tab: str) -> None:
    page.goto(f"{stub_address}?tab={tab}")
    page.wait_for_selector("[data-ready]", state="attached")
    page.wait_for_timeout(1_000)  # Until what the tab loads late is there.
    count = page.evaluate(NUMBER)
    assert count > 15
    reached = {}
    for _ in range(count + 5):
        page.keyboard.press("Tab")
        number, shows = page.evaluate(WHERE)
        reached[number] = shows
    assert [number for number in map(str, range(count)) if number not in reached] == []
    assert [number for number, shows in reached.items() if number and not shows] == []
