"""axe-core finds nothing on any tab, in light and dark, on a laptop and a phone, open menus and hints included."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
#: Gradio's own, which cannot be mended from here: the place of a figure not drawn yet, the button to add files.
NOT_OURS = [".toast-wrap", ".empty", 'button[aria-label="common.upload"]']
#: Tabs and what is seen on them once they are there: a link to the Map draws it.
TABS = {
    "curves": "#curves",
    "map": "#map-board canvas",
    "decide": "#decide",
    "funnel": "#funnel-tab",
    "data": "#data",
    "train": "#train",
    "learn": "#learn",
}


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("(skipped) => axe.run({ exclude: skipped.map((s) => [s]) })", NOT_OURS)
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['html'][:160]}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize(("width", "theme"), [(1366, "light"), (390, "dark")])
def test_no_tab_has_a_violation(browser: Browser, address: str, width: int, theme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(30_000)
    problems: dict[str, list[str]] = {}
    page.goto(f"{address}?__theme={theme}&lesson=pitfalls&dim=x1")  # With the hint of a bad link.
    page.wait_for_selector(".cards .card")
    page.wait_for_selector("#dim-range", state="attached")
    page.wait_for_timeout(2_500)  # Until what is faint while it comes is not any more.
    problems["compare"] = violations(page)
    for tab, shown in (*TABS.items(), ("embed=1", ".cards"), ("present=1", ".cards")):
        page.goto(f"{address}?__theme={theme}&{'tab=' if tab in TABS else ''}{tab}")
        page.wait_for_selector(shown, state="visible")
        page.wait_for_timeout(1_200)
        problems[tab] = violations(page)
        if tab == "decide":
            page.get_by_role("tab", name="Byte budget").first.click()
            problems["byte budget"] = violations(page)
    page.goto(f"{address}?__theme={theme}&tab=learn&lesson=pitfalls")
    page.wait_for_selector("#learn", state="visible")
    page.click("#learn-pitfall-arm input")
    page.wait_for_timeout(600)
    problems["open menu"] = violations(page)
    page.close()
    assert {tab: said for tab, said in problems.items() if said} == {}
