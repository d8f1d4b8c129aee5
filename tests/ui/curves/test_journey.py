"""The Curves tab in a real browser against the real app."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mrl_demo.arms.catalogue import group_of
from mrl_demo.core.config import CODE_ROOT
from mrl_demo.ui.curves.pickers import GROUP_HEADS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser
RESULTS = CODE_ROOT / "assets" / "results" / "builtin.json"
LINE = "#curves-quality .scatterlayer path.js-line"


class Guest:
    """A page with the Curves tab open, and the errors its console reported."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.errors = page, list[str]()
        page.on("console", lambda entry: self.errors.append(entry.text) if entry.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".card")
        page.get_by_role("tab", name="Curves", exact=True).click()
        page.wait_for_selector(LINE)

    def section(self, name: str) -> None:
        self.page.locator("#curves-tabs").get_by_role("tab", name=name, exact=True).click()

    def choose(self, menu: str, option: str) -> None:
        self.page.click(f"#{menu} input")
        self.page.get_by_role("option", name=option, exact=True).click()

    def says(self, selector: str, words: str) -> None:
        script = "([s, w]) => document.querySelector(s).innerText.includes(w)"
        self.page.wait_for_function(script, arg=[selector, words])

    def saved(self, selector: str) -> Path:
        with self.page.expect_download() as download:
            self.page.click(selector)
        return Path(download.value.path())


@pytest.fixture
def open_curves(browser: Browser, address: str) -> Iterator[Callable[..., Guest]]:
    contexts: list[BrowserContext] = []

    def start(width: int = 1280, height: int = 900, **options: Any) -> Guest:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(20_000)
        return Guest(context.new_page(), address)

    yield start
    for context in contexts:
        context.close()


def test_the_first_view_says_who_leads_on_how_many_queries_and_where_it_was_measured(
    open_curves: Callable[..., Guest],
) -> None:
    guest = open_curves()
    sweep = json.loads(RESULTS.read_text(encoding="utf-8"))["sweep"]
    assert f"{sweep['n_queries']:,} queries" in guest.page.inner_text(".curve-words")
    assert guest.page.locator("#curves-quality .annotation-text:has-text('●')").count() == 3  # Named at their ends.
    assert sweep["hardware"] in guest.page.inner_text("#curves-origin")
    assert guest.page.locator("#curves-table tbody tr").count() == 3
    assert "better" in guest.page.inner_text("#curves-before-after")
    head = guest.page.locator("#curves-table button.sort", has_text="64").first
    head.focus()
    for order in ("descending", "ascending"):
        guest.page.keyboard.press("Enter")
        assert head.locator("..").get_attribute("aria-sort") == order
        values = [
            float(text[:5]) for text in guest.page.locator("#curves-table tbody td:nth-child(5)").all_inner_texts()
        ]
        assert values == sorted(values, reverse=order == "descending")
    assert guest.errors == []


def test_measure_and_scale_change_what_the_page_says(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.choose("curves-metric", "Recall@10")
    guest.says(".curve-words", "Recall@10, ")
    guest.page.get_by_label("Share kept").check()
    guest.says("#curves-table tbody", "%")
    guest.says("#curves-quotes", "faint diamonds")
    guest.page.get_by_label("Published figures").uncheck()
    guest.page.wait_for_function("() => !document.querySelector('#curves-quotes .published')")
    agreement = "Agreement: overlap@10 with the full ranking"
    guest.page.get_by_label("Value", exact=True).check()
    guest.choose("curves-metric", agreement)
    guest.says(".curve-words", "not quality")
    assert guest.errors == []


HEADS = """() => Object.fromEntries([...document.querySelectorAll('#curves-arms label')]
    .map((label) => [getComputedStyle(label, '::before').content, label.querySelector('input').name])
    .filter(([head]) => head !== 'none').map(([head, name]) => [head.split('"')[1], name]))"""


def test_methods_stand_in_groups_and_can_be_switched_off_and_all_of_them(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.page.click("#curves-fold button")
    boxes = guest.page.locator("#curves-arms input[type=checkbox]")
    boxes.first.wait_for()
    heads = guest.page.evaluate(HEADS)  # Head -> the first method beneath it.
    assert list(heads) == list(GROUP_HEADS.values())
    assert [group_of(name) for name in heads.values()] == list(GROUP_HEADS)
    rows = guest.page.locator("#curves-table tbody tr")
    for left in range(boxes.count() - 1, -1, -1):
        boxes.nth(left).uncheck()
    guest.page.wait_for_function("() => !document.querySelector('#curves-table tbody tr')")
    guest.says(".curve-words", "Choose a method")
    boxes.first.check()
    guest.page.wait_for_function("() => document.querySelectorAll('#curves-table tbody tr').length === 1")
    assert rows.count() == 1
    assert guest.errors == []


def test_cost_changes_with_arm_and_kind(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.section("What a byte buys")
    guest.page.wait_for_selector("#curves-cost .scatterlayer path.js-line")
    guest.page.get_by_label("Latency").check()
    guest.says("#curves-cost-words", " ms with ")
    guest.choose("curves-cost-arm", "Ordinary model")
    guest.says("#curves-cost-words", "Ordinary model")
    assert guest.errors == []


def test_times_of_another_size_are_measured_here_or_said_to_be_missing(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.section("Speed")
    guest.page.wait_for_selector("#curves-speed .scatterlayer path.js-line")
    guest.page.get_by_label("10,000", exact=True).check()
    guest.says("#curves-speed-words", "not timed yet")
    guest.page.click("#curves-time")
    guest.page.wait_for_function(
        "() => document.querySelector('#curves-speed-words').innerText.includes('on this machine just now')",
        timeout=120_000,
    )
    assert "10,000 vectors" in guest.page.inner_text("#curves-speed-words")
    guest.page.click("#curves-speed-table summary")
    assert guest.page.locator("#curves-speed-table tbody tr").count() >= 9
    assert guest.errors == []


def test_a_measurement_shows_progress_and_stops_when_asked(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    before = guest.page.inner_text(".curve-words")
    guest.page.click("#curves-measure")
    guest.page.wait_for_selector("#curves-notice progress")
    guest.page.click("#curves-stop")
    guest.page.wait_for_selector("#curves-notice .notice:has-text('Stopped')", timeout=120_000)
    assert guest.page.inner_text(".curve-words") == before
    assert guest.page.is_enabled("#curves-measure")
    assert guest.errors == []


def test_downloads_open(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    head, *rows = guest.saved("#curves-files [data-kind=csv]").read_text(encoding="utf-8").splitlines()
    assert head.startswith("arm,dim,precision,metric,value,low,high,n_queries")
    sweep = json.loads(guest.saved("#curves-files [data-kind=json]").read_text(encoding="utf-8"))
    assert len(sweep["rows"]) == len(rows) > 100
    assert head.endswith(",collection,n_documents,queries,measured,source,address")
    assert rows[0].endswith(guest.page.url)
    assert guest.saved("#curves-files [data-kind=png]").read_bytes().startswith(b"\x89PNG")
    svg = guest.saved("#curves-files [data-kind=svg]").read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    for part in ("nDCG@10 against vector length", "builtin: 2,400 documents, 800 queries", "2026", guest.page.url):
        assert part in svg
    guest.section("Queries that break")
    assert guest.saved("#curves-lost-files [data-kind=csv]").read_text(encoding="utf-8").startswith("arm,query_id,text")
    assert guest.errors == []


def test_a_query_that_breaks_opens_in_compare_at_that_length(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.section("Queries that break")
    lost = guest.page.locator("button.lost").nth(3)
    dim = lost.locator(".lost-at b").inner_text()
    text = lost.locator(".lost-text > bdi").inner_text()
    lost.click()
    guest.page.wait_for_function("w => document.querySelector('.asked')?.textContent.includes(w)", arg=text)
    guest.page.wait_for_selector(f'.arms[data-dim="{dim}"]')
    assert guest.page.input_value("#query input") == text
    assert guest.page.locator(".card").first.is_visible()
    assert guest.errors == []


def test_classes_and_layers_are_drawn_and_another_choice_draws_others(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.section("Classification")
    guest.says("#curves-classes-words", "of its 384 numbers as with all")
    guest.says("#curves-classes-task", "of topics the classifier never saw")
    guest.page.wait_for_selector("#curves-classes .scatterlayer path.js-line")
    guest.choose("curves-task", "Topics: accuracy of 5 nearest neighbours")
    guest.says("#curves-classes-task", "120 classes")
    guest.section("Layers")
    guest.says("#curves-layers-words", "3 layers of 6 keep ")
    guest.page.wait_for_selector("#curves-layers .heatmaplayer image, #curves-layers .heatmaplayer path")
    guest.choose("curves-layer-arm", "Ordinary model")
    guest.says("#curves-layers-words", "Ordinary model: nDCG@10")
    assert guest.errors == []


def test_a_collection_without_shipped_results_says_what_to_do(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.page.click("#curves-corpus input")
    guest.page.get_by_role("option").filter(has_text="Python").click()
    guest.says(".curve-words", "Nothing is measured")
    assert guest.errors == []


def test_a_phone_and_the_dark_theme_show_all_sections_without_scrolling_sideways(
    open_curves: Callable[..., Guest],
) -> None:
    phone = open_curves(390, 844, is_mobile=True, has_touch=True, color_scheme="dark")
    for section in ("Quality", "Classification", "What a byte buys", "Layers", "Speed", "Queries that break"):
        phone.section(section)
        phone.page.wait_for_timeout(200)
        assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.errors == []


def test_the_sections_are_reached_by_keyboard(open_curves: Callable[..., Guest]) -> None:
    guest = open_curves()
    guest.page.locator("#curves-tabs").get_by_role("tab", name="Speed", exact=True).focus()
    guest.page.keyboard.press("Enter")
    guest.page.wait_for_selector("#curves-speed .scatterlayer path.js-line")
    assert guest.page.locator("#curves-collection").is_hidden()  # It acts on nothing here.
    guest.section("Quality")
    guest.page.locator(".length-slide input").focus()
    guest.page.keyboard.press("ArrowRight")
    guest.says(".curve-words", "At 96 of 384 numbers")
    assert guest.page.input_value("#dim-range") == "96"
    guest.page.wait_for_function(
        "() => document.querySelector('#curves-quality .js-plotly-plot').layout.shapes.some(s => s.x0 === 96)"
    )


def test_the_tab_asks_the_server_for_nothing_to_show_its_first_chart(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#rank-moves .scatterlayer path.js-line")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/queue/" in request.url else None)
    started = time.monotonic()
    page.get_by_role("tab", name="Curves", exact=True).click()
    page.wait_for_selector(LINE)
    assert asked == []
    assert time.monotonic() - started < 20  # The figure itself is in the report; a busy machine must not fail this.
    context.close()
