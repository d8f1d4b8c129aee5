"""The share menu, an embedded page and the presenter view, in a browser over a stand-in lab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1366, "height": 768}) as fresh:
        fresh.set_default_timeout(15_000)
        yield fresh


def visit(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#address [data-ready]", state="attached")
    page.wait_for_selector("html:not([data-restoring]) .arm .card")
    return page


def at(page: Page, dim: int) -> None:
    page.wait_for_selector(f'.arms[data-dim="{dim}"]')


def test_the_menu_gives_away_link_picture_and_code(context: BrowserContext, stub_address: str, tmp_path: Path) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit(context, f"{stub_address}?dim=16&q=bees+%26+%22tea%22")
    at(page, 16)
    page.focus(".share summary")
    page.keyboard.press("Enter")
    page.click('[data-share="link"]')
    page.wait_for_selector("text=Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.input_value(".share-link")
    assert link.endswith("?q=bees+%26+%22tea%22&corpus=builtin&left=base&right=tuned&dim=16&layers=6&tab=compare")
    page.click('[data-share="embed"]')
    page.wait_for_selector("text=Code copied.")
    code = page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as saved:
        page.click('[data-share="card"]')
    saved.value.save_as(tmp_path / "card.png")
    assert (tmp_path / "card.png").read_bytes() == f'card of bees & "tea" at 16, {stub_address}'.encode()
    page.route("**/card.png*", lambda route: route.fulfill(status=200, headers={"x-card": "front"}))
    page.click('[data-share="card"]')
    page.wait_for_selector("text=No picture of this view just now")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    # What was copied is put into somebody else's page.
    page.set_content(f"<h1>A blog</h1>{code}")
    frame = page.frame_locator("iframe")
    frame.locator('.arms[data-dim="16"][data-query^="bees"]').wait_for()
    assert frame.locator(".asked").inner_text() == 'Results for bees & "tea"'
    assert frame.locator("#page-footer, .share").locator("visible=true").count() == 0
    assert frame.locator("#page-header").evaluate("header => header.offsetHeight") <= 1  # Its heading stays to be read.
    assert frame.get_by_role("tab", name="Compare").count() == 0
    out = frame.locator(".link-out a")
    assert out.get_attribute("href") == link
    assert out.get_attribute("target") == "_blank"


def test_the_presenter_view_is_led_by_keys_and_left_by_escape(context: BrowserContext, stub_address: str) -> None:
    page = visit(context, f"{stub_address}?present=1&dim=32")
    at(page, 32)
    assert page.locator("#page-footer, .share").locator("visible=true").count() == 0
    assert page.eval_on_selector(".card-title", "t => t.getBoundingClientRect().height") > 20
    for key, dim in (("ArrowRight", 64), ("PageDown", 128), ("ArrowLeft", 64), ("PageUp", 32)):
        page.keyboard.press(key)
        at(page, dim)
    page.keyboard.press("n")
    page.wait_for_selector("text=Results for builtin question 1")
    page.keyboard.press("p")
    page.wait_for_selector("text=Results for builtin question 0")
    page.fill("#query input", "")
    page.keyboard.type("pen")  # Keys of the view are letters while one types.
    assert page.input_value("#query input") == "pen"
    page.keyboard.press("Escape")
    page.wait_for_selector(".share")
    assert "present" not in page.evaluate("location.search")
    page.get_by_role("tab", name="Curves").first.click()
    page.click(".share summary")
    page.click('[data-share="present"]')
    page.wait_for_selector(".present-keys")
    assert "present=1" in page.evaluate("location.search")
    page.wait_for_selector("#curves-tabs [role=tablist]")
    page.keyboard.press("ArrowRight")  # Where there is no slider, the next of the tabs within.
    page.wait_for_selector('#curves-tabs [role="tab"][aria-selected="true"]:has-text("Classification")')
