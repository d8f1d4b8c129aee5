"""What visitors do, in a real browser against the real app."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser
NASTY = "<img src=x onerror=\"document.title='owned'\"> \u202egnp.exe \x07 שלום 😀"


@dataclass
class Visit:
    """A page and what went wrong on it; `assert_clean` is the last step of every journey."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda entry: self.errors.append(entry.text) if entry.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._check)
        self.page.on("websocket", lambda socket: self._check(socket))

    def _check(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname not in {"127.0.0.1", "localhost"}:
            self.outside.append(request.url)

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.outside == []

    def order(self, side: str) -> list[str]:
        """Documents of one side's cards, best first."""
        return self.page.eval_on_selector_all(f".arm.side-{side} .card", "cards => cards.map(c => c.dataset.doc)")

    def at(self, dim: int) -> None:
        """Wait until the results are those of `dim`, then until the cards stand still."""
        self.page.wait_for_selector(f'.arms[data-dim="{dim}"]')
        assert self.page.inner_text(".dim-number") == str(dim)

    def ask(self, query: str) -> None:
        self.page.fill("#query input", query)
        self.page.click("#search button, button#search")

    def asked(self, words: str) -> None:
        self.page.wait_for_function("w => document.querySelector('.asked').textContent.includes(w)", arg=words)


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    contexts: list[BrowserContext] = []

    def start(width: int = 1280, height: int = 900, **options: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        visit = Visit(context.new_page())
        visit.watch()
        visit.page.goto(address)
        visit.page.wait_for_selector(".card")
        return visit

    yield start
    for context in contexts:
        context.close()


def drag(page: Page, start: float, end: float) -> None:
    """Drag the slider's thumb between two shares of its track, in small steps like a hand."""
    track = page.locator(".dim-track").bounding_box()
    assert track is not None
    middle = track["y"] + track["height"] / 2
    page.mouse.move(track["x"] + track["width"] * start, middle)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * end, middle, steps=12)
    page.mouse.up()


def test_the_first_view_has_results_for_the_first_example_at_64(visit: Callable[..., Visit]) -> None:
    first = visit()
    first.at(64)
    assert first.page.locator(".chip").count() >= 8
    first.page.click(".examples-open")
    assert first.page.input_value("#query input") == first.page.locator(".chip").nth(1).inner_text().split("\n")[0]
    for side in "ab":
        assert len(first.order(side)) >= 5
    assert "times smaller" in first.page.inner_text(".verdict")
    first.page.wait_for_selector("#rank-moves .scatterlayer path.js-line")
    assert first.page.locator(".breaks li").count() == 2
    first.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_has_results_on_a_laptop_and_on_a_phone(visit: Callable[..., Visit], scheme: str) -> None:
    bottom = "([selector, i]) => document.querySelectorAll(selector)[i].getBoundingClientRect().bottom"
    laptop, phone = visit(1366, 768, color_scheme=scheme), visit(390, 844, color_scheme=scheme, is_mobile=True)
    for side in "ab":
        assert laptop.page.evaluate(bottom, [f".side-{side} .card", 2]) <= 768
        assert laptop.page.evaluate(bottom, [f".side-{side} .outcome", 0]) <= 768
        assert phone.page.evaluate(bottom, [f".side-{side} .card-title", 0]) <= 844
    for guest in (laptop, phone):
        assert guest.page.evaluate("scrollY") == 0
        assert guest.page.evaluate(bottom, ["#dim-range", 0]) < guest.page.evaluate(bottom, [".verdict", 0])
        guest.assert_clean()


def test_name_and_slider_are_painted_without_any_script(browser: Browser, address: str) -> None:
    with browser.new_context(viewport={"width": 1366, "height": 768}, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        for selector in (".skeleton h1", ".skeleton .slide"):
            box = page.locator(selector).bounding_box()
            assert box is not None and box["y"] + box["height"] < 400 and box["width"] > 100
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".card:visible")
        assert not page.is_visible(".skeleton")


def test_words_and_examples_open_and_close_by_keyboard(visit: Callable[..., Visit]) -> None:
    guest = visit()
    word = guest.page.locator(".side-a h2 .term")
    word.focus()
    guest.page.keyboard.press("Enter")
    assert "planned for" in guest.page.inner_text(".term-tip")
    assert word.get_attribute("aria-expanded") == "true"
    guest.page.keyboard.press("Escape")
    guest.page.wait_for_selector(".term-tip", state="hidden")
    assert word.evaluate("button => button === document.activeElement && button.ariaExpanded") == "false"
    guest.page.locator(".examples-open").focus()
    guest.page.keyboard.press("Enter")
    guest.page.keyboard.press("Tab")
    first = guest.page.inner_text(".asked")
    guest.page.keyboard.press("Enter")  # Surprise me.
    guest.page.wait_for_function("f => document.querySelector('.asked').textContent !== f", arg=first)
    assert not guest.page.is_visible(".chips")
    guest.assert_clean()


def test_the_chart_of_ranks_is_a_second_slider_and_points_at_cards(visit: Callable[..., Visit]) -> None:
    guest = visit(1366, 1500)
    page = guest.page
    page.wait_for_selector("#rank-moves .js-plotly-plot[data-listens]")
    page.locator("#rank-moves").scroll_into_view_if_needed()
    answer = page.locator(".side-b .card.is-answer")
    answer.hover()
    thickest = "() => document.querySelector('#rank-moves .js-plotly-plot').data.some(line => line.line.width === 5)"
    page.wait_for_function(thickest)
    page.mouse.move(5, 5)
    page.wait_for_function("() => !document.querySelector('[data-linked]')")
    line = page.evaluate("""() => {
      const plot = document.querySelector('#rank-moves .js-plotly-plot'), { xaxis, yaxis } = plot._fullLayout;
      const box = plot.getBoundingClientRect(), y = box.top + yaxis._offset + yaxis._length * .6;
      return [64, 32].map(dim => [box.left + xaxis._offset + xaxis.d2p(dim), y]);
    }""")
    page.mouse.move(*line[0])
    page.mouse.down()
    page.mouse.move(*line[1], steps=5)
    page.mouse.up()
    page.wait_for_function("() => Math.abs(Number(document.querySelector('.arms').dataset.dim) - 32) <= 1")
    page.focus("#rank-moves .js-plotly-plot")
    before = int(page.input_value("#dim-range"))
    page.keyboard.press("ArrowLeft")
    guest.at(before - 1)
    guest.assert_clean()


def test_what_nothing_answers_gets_no_verdict(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.ask("asdkjh qwelkj zxmnc")
    guest.asked("asdkjh")
    guest.page.wait_for_selector(".verdict.unanswered")
    assert guest.page.locator(".outcome").count() == 0
    guest.assert_clean()


def test_an_example_then_the_slider_by_mouse_changes_both_rankings(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.page.click(".examples-open")
    example = guest.page.locator(".chip").nth(2)
    words = example.inner_text().split("\n")[0].rstrip("…")
    example.click()
    guest.asked(words)
    before = guest.order("a"), guest.order("b")
    drag(guest.page, 0.54, 0.0)
    guest.at(1)
    assert guest.order("a") != before[0]
    assert guest.order("b") != before[1]
    guest.assert_clean()


#: Milliseconds from the beginning of a search to the word that tells of it, by the browser's own clock.
TIME_SEARCHING = """() => {
  let began = 0;
  document.addEventListener("search-starts", () => { began = performance.now(); });
  const line = document.querySelector("#searching [role=status]");
  new MutationObserver(() => { if (line.textContent) window.patience = performance.now() - began; })
    .observe(line, { childList: true });
}"""


def test_a_question_is_in_the_box_at_once_and_a_slow_answer_is_announced(visit: Callable[..., Visit]) -> None:
    guest = visit()
    held: list[Any] = []
    guest.page.evaluate(TIME_SEARCHING)
    guest.page.route("**/gradio_api/queue/join*", lambda route: held.append(route))
    guest.page.click(".examples-open")
    example = guest.page.locator(".chip").nth(3)
    words = example.inner_text().split("\n")[0].rstrip("…")
    example.click()
    assert words in guest.page.input_value("#query input")
    guest.page.wait_for_selector("#searching >> text=Searching")
    assert 395 <= guest.page.evaluate("window.patience") < 5_000
    guest.page.unroute("**/gradio_api/queue/join*")  # Lets go what is held, too.
    guest.asked(words)
    guest.page.wait_for_selector("#searching [role=status]", state="hidden")
    guest.assert_clean()


def test_the_last_of_two_hasty_questions_has_the_last_word(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.page.route("**/gradio_api/queue/join*", lambda route: guest.page.wait_for_timeout(600) or route.continue_())
    for words in ("why is the sky blue", "how do bees find the way home"):
        guest.page.fill("#query input", words)
        guest.page.press("#query input", "Enter")
    guest.asked("bees find the way")
    guest.assert_clean()


def test_the_slider_by_keyboard(visit: Callable[..., Visit]) -> None:
    guest = visit()
    slider = guest.page.locator("#dim-range")
    slider.focus()
    for key, dim in (("ArrowRight", 65), ("ArrowLeft", 64), ("PageDown", 32), ("PageUp", 64), ("Home", 1)):
        guest.page.keyboard.press(key)
        guest.at(dim)
    guest.page.keyboard.press("End")
    guest.at(int(slider.get_attribute("max") or 0))
    # At full length nothing has moved against itself.
    assert guest.page.locator(".cards .move, .ghost").count() == 0
    guest.assert_clean()


def test_with_a_hand_on_it_the_slider_needs_no_server(
    visit: Callable[..., Visit],
) -> None:
    guest = visit()
    guest.page.locator("#dim-range").focus()
    guest.page.wait_for_function(
        "() => document.querySelector('#results [data-kept]')?.dataset.kept >= 96", timeout=60_000
    )
    guest.page.context.set_offline(True)
    for key, dim in (("ArrowLeft", 63), ("PageUp", 64), ("ArrowRight", 65), ("ArrowRight", 66)):
        guest.page.keyboard.press(key)
        guest.page.wait_for_selector(f'.arms[data-dim="{dim}"]', timeout=2_000)
    guest.page.context.set_offline(False)
    # Another question's results are its own, at the length where the slider stands.
    guest.ask("why do bees dance")
    guest.asked("why do bees dance")
    guest.at(66)
    guest.page.locator("#dim-range").focus()
    guest.page.keyboard.press("ArrowRight")
    guest.at(67)
    assert "why do bees dance" in guest.page.inner_text(".asked")


def test_trained_lengths_are_one_click_away(visit: Callable[..., Visit]) -> None:
    guest = visit()
    for dim in (8, 16, 32, 128, 256, 384):
        button = guest.page.locator(f'.dim-ticks button[data-dim="{dim}"]')
        button.click()
        guest.at(dim)
        assert button.get_attribute("aria-pressed") == "true"
    guest.assert_clean()


def test_the_slider_says_and_draws_the_same_as_the_server(visit: Callable[..., Visit]) -> None:
    guest = visit()
    position = "() => document.querySelector('.dim').style.getPropertyValue('--pos')"
    for button in guest.page.locator(".dim-ticks button").all():
        button.click()
        at = button.evaluate("b => b.style.getPropertyValue('--at')")
        assert float(guest.page.evaluate(position)) == pytest.approx(float(at), abs=2e-4)


def test_moving_the_slider_sends_one_light_request_at_a_time(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.ask("how do bees tell each other where flowers are")
    guest.asked("how do bees tell")
    guest.page.locator(".figures-fold summary").first.click()
    encode = guest.page.locator(".figure", has_text="Encode").first
    before = encode.inner_text()
    drag(guest.page, 0.5, 0.9)
    guest.page.wait_for_timeout(300)
    assert encode.inner_text() == before  # Nothing was encoded again: the time is still that of the search.


def test_two_visitors_do_not_see_each_other(visit: Callable[..., Visit]) -> None:
    one, two = visit(), visit()
    one.ask("the first visitor's own question")
    one.asked("the first visitor's own question")
    two.page.locator('.dim-ticks button[data-dim="16"]').click()
    two.at(16)
    assert "first visitor" not in two.page.inner_text(".asked")
    one.page.locator('.dim-ticks button[data-dim="8"]').click()
    one.at(8)
    assert "first visitor" in one.page.inner_text(".asked")
    two.at(16)


def test_hostile_text_is_shown_not_run(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.ask(NASTY)
    guest.asked("<img src=x")
    assert guest.page.locator(".asked img").count() == 0
    assert guest.page.title() != "owned"
    assert "\u202e" not in guest.page.inner_text(".asked")
    guest.assert_clean()


def test_an_empty_query_gets_a_hint_and_keeps_the_results(visit: Callable[..., Visit]) -> None:
    guest = visit()
    before = guest.order("a")
    guest.ask("   ")
    guest.page.wait_for_selector("#notice .hint")
    assert guest.order("a") == before
    guest.assert_clean()


@pytest.mark.parametrize("query", ["x", "😀😀", "\x01\x02", "ابحث عن الخبز"])
def test_odd_queries_are_answered_or_explained(visit: Callable[..., Visit], query: str) -> None:
    guest = visit()
    first = guest.page.inner_text(".asked")
    guest.ask(query)
    changed = "f => document.querySelector('.asked').innerText !== f || document.querySelector('#notice .notice')"
    guest.page.wait_for_function(changed, arg=first)
    assert guest.page.locator(".card").count() >= 10
    guest.assert_clean()


def test_a_query_of_100000_characters_is_capped_with_a_note(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.ask("word " * 20_000)
    guest.page.wait_for_selector("#notice .notice")
    assert re.search(r"2[,.]?000", guest.page.inner_text("#notice"))
    assert guest.page.evaluate("document.documentElement.scrollWidth") <= 1280
    guest.assert_clean()


def test_another_arm_can_be_chosen(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.page.click("#right-arm input")
    option = guest.page.get_by_role("option").last
    label = option.get_attribute("aria-label") or option.inner_text().strip("✓ \n")
    option.click()
    guest.page.wait_for_function(
        "l => document.querySelector('.side-b h2').textContent === l", arg=label, timeout=60_000
    )
    guest.assert_clean()


def test_a_label_limits_the_search_by_keyboard_and_goes_into_the_address(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.page.click("#more-fold button")
    guest.page.focus("#part input")
    guest.page.keyboard.type("bicycle")
    guest.page.wait_for_selector("#part [role=option]")
    guest.page.keyboard.press("ArrowDown")
    guest.page.keyboard.press("Enter")
    words = guest.page.locator(".searched-part")
    assert words.inner_text() == "Only the 20 documents with topic “Bicycle repair” are searched."
    guest.page.focus("#dim-range")
    guest.page.keyboard.press("ArrowLeft")
    guest.at(63)
    assert words.is_visible()
    guest.page.wait_for_url("**part=topic%3Dbicycle-repair**")
    guest.assert_clean()


def test_a_phone_sees_everything_without_scrolling_sideways(visit: Callable[..., Visit]) -> None:
    phone = visit(390, 844, is_mobile=True, has_touch=True)
    phone.page.wait_for_selector("#rank-moves .scatterlayer path.js-line")
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    phone.page.locator('.dim-ticks button[data-dim="16"]').tap()
    phone.at(16)
    sizes = phone.page.eval_on_selector_all(
        ".dim-ticks button", "all => all.map(b => { const r = b.getBoundingClientRect(); return [r.left, r.right]; })"
    )
    assert all(before[1] <= after[0] + 0.5 for before, after in pairwise(sizes))
    phone.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(visit: Callable[..., Visit], scheme: str) -> None:
    guest = visit(color_scheme=scheme)
    assert guest.page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    for selector in (
        ".page-head p",
        ".examples-open",
        ".verdict",
        ".outcome b",
        ".figures-line",
        ".card-title",
        ".card-text",
        ".move",
        ".move.newcomer",
        ".ghost",
        ".tag",
        ".rank",
        ".arm-head h2",
        '.dim-ticks [aria-pressed="true"]',
        "#search",
        ".breaks li",
    ):
        for found in guest.page.locator(selector).all()[:2]:
            assert found.evaluate(CONTRAST) >= 4.5, selector


def test_focus_can_be_seen_and_the_page_is_labelled(visit: Callable[..., Visit]) -> None:
    guest = visit()
    guest.page.locator("#dim-range").focus()
    guest.page.keyboard.press("ArrowRight")
    assert guest.page.eval_on_selector(".dim-thumb", "t => getComputedStyle(t).outlineStyle") == "solid"
    nameless = guest.page.evaluate(
        "() => [...document.querySelectorAll('main button, main input')].filter(e => e.offsetParent && !(e.ariaLabel"
        " || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).map(e => e.outerHTML)"
    )
    assert nameless == []


def test_cards_stand_still_for_who_wants_less_motion(visit: Callable[..., Visit]) -> None:
    guest = visit(reduced_motion="reduce")
    guest.page.evaluate(
        "() => { window.moved = 0; const play = Element.prototype.animate;"
        " Element.prototype.animate = function (...a) { window.moved += 1; return play.apply(this, a); }; }"
    )
    guest.page.locator('.dim-ticks button[data-dim="8"]').click()
    guest.at(8)
    assert guest.page.evaluate("window.moved") == 0


def test_the_page_shows_no_private_endpoints(visit: Callable[..., Visit], address: str) -> None:
    guest = visit()
    info = json.loads(guest.page.request.get(f"{address}gradio_api/info").text())
    named = {"/search", "/compare", "/evaluate", "/recommend", "/export", "/threshold"}
    assert set(info["named_endpoints"]) == named
    assert info["unnamed_endpoints"] == {}


#: WCAG 2 contrast of an element's text against the first opaque background behind it.
CONTRAST = """element => {
  const parse = (text) => {
    const numbers = (text.match(/[\\d.]+/g) || []).map(Number);
    return text.startsWith("color(srgb") ? numbers.map((v, i) => (i < 3 ? v * 255 : v)) : numbers;
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  let back = [255, 255, 255];
  for (; behind; behind = behind.parentElement) {
    const colour = parse(getComputedStyle(behind).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) { back = colour.slice(0, 3); break; }
  }
  const pair = [light(parse(getComputedStyle(element).color).slice(0, 3)), light(back)].sort((x, y) => y - x);
  return (pair[0] + 0.05) / (pair[1] + 0.05);
}"""
