"""A teacher's and a visitor's way through the Learn tab, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.real_model]


@pytest.fixture
def learn(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}?tab=learn")
    page.get_by_role("tab", name="Learn", exact=True).wait_for()
    yield page
    page.close()
    assert errors == []


def view(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_five_screens_move_as_one_does(learn: Page) -> None:
    learn.get_by_role("tab", name="Learn", exact=True).click()
    view(learn, "2 Likeness is a sum")
    learn.wait_for_selector("#learn-sum .filling")
    before = learn.inner_text("#learn-sum .lead")
    learn.locator("#learn-counted input[type=range]").focus()
    learn.keyboard.press("ArrowRight")
    learn.wait_for_function("b => document.querySelector('#learn-sum .lead').innerText !== b", arg=before)
    assert "After 65 of 384 numbers" in learn.inner_text("#learn-sum .lead")
    view(learn, "3 Cut it")
    learn.wait_for_selector("#learn-cut .bar-code .gone")
    assert "brought back to length 1" in learn.inner_text("#learn-cut .lead")
    view(learn, "4 Why the order matters")
    learn.wait_for_selector("#learn-front .share-bars")
    learn.locator("#learn-log table").wait_for()
    view(learn, "5 What it costs")
    learn.wait_for_selector("#learn-cost table")
    learn.locator("#learn-cost-at").get_by_label("32", exact=True).check()
    learn.wait_for_function("document.querySelector('#learn-cost .lead').innerText.startsWith('12 times smaller')")
    learn.click("#learn-try-cost")
    learn.wait_for_selector('.arms[data-dim="32"]')


def test_a_mistake_shows_its_damage(learn: Page) -> None:
    learn.get_by_role("tab", name="Learn", exact=True).click()
    view(learn, "Pitfalls")
    learn.wait_for_selector("#learn-pitfall-lists .plain-list")
    learn.get_by_label("Queries cut another way").check()
    learn.wait_for_function("document.querySelectorAll('#learn-pitfall-lists .newcomer').length >= 4")
    learn.get_by_label("The old threshold kept").check()
    learn.wait_for_selector("#learn-pitfall-lists .curve-words")
    before, after = re.findall(r"([\d,]+) (?:documents|with)", learn.inner_text("#learn-pitfall-lists .curve-words"))[
        :2
    ]
    assert int(after.replace(",", "")) > int(before.replace(",", ""))


def test_a_tree_is_walked_with_the_keyboard_and_a_question_goes_its_way(learn: Page) -> None:
    view(learn, "Walk the tree")
    learn.wait_for_selector("#learn-tree .heap.on-way")
    assert "The question’s way" in learn.inner_text("#learn-tree .curve-words")
    assert learn.locator("#learn-tree .heap.on-way[open]").count() == 2
    learn.locator("#learn-tree-at").get_by_label("32", exact=True).check()
    learn.wait_for_function("document.querySelectorAll('#learn-tree .heap.on-way[open]').length === 3")
    learn.locator("#learn-tree .prefix-tree > .heap:not([open]) > summary").first.focus()
    learn.keyboard.press("Enter")
    assert learn.evaluate("document.activeElement.parentElement.open")


def test_games_count(learn: Page) -> None:
    learn.get_by_role("tab", name="Learn", exact=True).click()
    view(learn, "Guess the length")
    learn.wait_for_selector("#learn-guess-question .said")
    learn.click("#learn-guess-go")
    learn.get_by_text("Choose a length first.").wait_for()
    learn.locator("#learn-guess").get_by_label("16", exact=True).check()
    learn.click("#learn-guess-go")
    learn.wait_for_selector("#learn-guess-answer .curve-words")
    assert "of 1 right" in learn.inner_text("#learn-guess-answer")
    view(learn, "Blind test")
    learn.wait_for_selector("#learn-blind-sides .plain-list")
    learn.keyboard.press("1")
    learn.get_by_text("of 1 times").wait_for()


def test_a_class_guesses_together(learn: Page, browser: Browser, address: str) -> None:
    pages = [learn, browser.new_page()]
    for page, guess in zip(pages, ("8", "64"), strict=True):
        page.goto(f"{address}?tab=learn&lesson=class&sheet=room-7")
        page.wait_for_selector("#learn-sheet-question .said")
        assert page.input_value("#learn-sheet input, #learn-sheet textarea") == "room-7"
        page.locator("#learn-sheet-guess").get_by_label(guess, exact=True).check()
        page.click("#learn-sheet-send")
    assert pages[0].inner_text("#learn-sheet-question .said") == pages[1].inner_text("#learn-sheet-question .said")
    learn.get_by_text("2 guesses so far.").wait_for()  # The first to guess sees the second arrive.
    pages[1].locator("#learn-sheet-guess").get_by_label("16", exact=True).check()
    pages[1].click("#learn-sheet-send")  # Another guess takes the place of the first.
    teacher = browser.new_page()
    teacher.goto(f"{address}?tab=learn&lesson=class&sheet=room-7&present=1")
    teacher.wait_for_selector("#learn-sheet-question .said")
    teacher.click("#learn-sheet-watch")
    teacher.get_by_text("2 guesses so far.").wait_for()
    teacher.close()
    learn.click("#learn-sheet-reveal")
    learn.get_by_text("(the answer)").wait_for()
    with learn.expect_download() as saved:
        learn.get_by_role("button", name="Answers as CSV").click()
        learn.locator("#learn-sheet-file a").first.click()
    assert "room-7" in saved.value.suggested_filename
    first = [line.rsplit(",", 2)[1:] for line in saved.value.path().read_text("utf-8").splitlines()[1:3]]
    assert first == [["8", "1"], ["16", "1"]]
    pages[1].close()
