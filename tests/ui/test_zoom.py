"""A laptop's page at 200%: nothing runs out of the window, and no control lies over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mrl_demo.ui.shared.links import TabName

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
#: What is wider than the window, and pairs of controls or words that cover each other.
TROUBLE = """() => {
  const width = document.documentElement.clientWidth, seen = [], trouble = [];
  const all = "button, select, textarea, input[type=text], input[type=number], h1, h2, .page-head p, .lead";
  if (document.documentElement.scrollWidth > width) trouble.push("the page scrolls sideways");
  const isFree = (e) => { // Of boxes that scroll or cut by themselves, and of layers over the page.
    for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.overflowX !== "visible" || (style.position === "fixed")) return false;
    }
    return true;
  };
  const name = (e) => e.id || e.ariaLabel || e.textContent.trim().slice(0, 40) || e.className;
  for (const e of document.querySelectorAll(all)) {
    const box = e.getBoundingClientRect();
    const isSeen = box.width > 4 && e.checkVisibility({ visibilityProperty: true });
    if (!isSeen || e.closest("#dim-slider, [popover]") || !isFree(e)) continue;
    if (box.right > width + 1 || box.left < -1) trouble.push(`${name(e)} runs out`);
    for (const [other, its] of seen) {
      if (other.contains(e) || e.contains(other)) continue;
      const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
      const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
      if (across > 2 && down > 2) trouble.push(`${name(e)} lies over ${name(other)}`);
    }
    seen.push([e, box]);
  }
  return trouble;
}"""
NAMES = {TabName.DATA: "Your data"}
OPEN = """tab => {
  window.history.pushState(null, "", `?tab=${tab}`);
  window.dispatchEvent(new PopStateEvent("popstate"));
}"""


def test_no_tab_runs_out_of_the_window_or_covers_itself_at_twice_the_size(browser: Browser, stub_address: str) -> None:
    page = browser.new_page(viewport={"width": 683, "height": 384})
    page.set_default_timeout(20_000)
    page.goto(stub_address)
    page.wait_for_selector("#address [data-ready]", state="attached")
    trouble = {}
    for tab in TabName:
        page.evaluate(OPEN, tab)
        page.wait_for_selector(f'[role="tab"][aria-selected="true"]:has-text("{NAMES.get(tab, tab.capitalize())}")')
        page.wait_for_selector("html:not([data-restoring])")
        page.wait_for_timeout(500)  # Until its parts have their places.
        trouble[str(tab)] = page.evaluate(TROUBLE)
    page.close()
    assert {tab: said for tab, said in trouble.items() if said} == {}
