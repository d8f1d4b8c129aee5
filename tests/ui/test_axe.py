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
    page.click("#more-fold button")
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


#: What an address says, and what is then seen: sections that the tour above does not open.
SECTIONS = {
    "tab=learn&lesson=tree": "#learn-tree .heap",
    "tab=learn&lesson=guess": "#learn-guess-question .said",
    "tab=learn&lesson=blind": "#learn-blind-sides .plain-list",
    "tab=learn&lesson=class": "#learn-sheet-question .said",
    "tab=learn&lesson=others": "#learn-published",
    "tab=decide&decide-section=judge": "#decide-draw",
    "tab=decide&decide-section=cutoff": "#decide-translate",
    "tab=decide&decide-section=growth": "#decide-grow",
    "tab=decide&decide-section=cost": "#decide-replicas",
    "tab=decide&decide-section=take": "#decide-prepare",
    "tab=funnel&funnel-section=proof": "#funnel-prove",
    "tab=funnel&funnel-section=lengths": "#funnel-gate",
    "tab=curves&section=cost": "#curves-cost-words p",
    "tab=curves&measured=multilingual&section=groups": "#curves-groups-table table",
    "tab=curves&measured=builtin&section=lost": ".lost-lead",
}
OPEN = """query => {
  window.history.pushState(null, "", `?${query}`);
  window.dispatchEvent(new PopStateEvent("popstate"));
}"""


def test_no_section_and_no_state_has_a_violation(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 844}, color_scheme="dark")
    page.set_default_timeout(30_000)
    page.goto(address)
    page.wait_for_selector("#address [data-ready]", state="attached")
    problems: dict[str, list[str]] = {}
    for query, shown in SECTIONS.items():
        page.evaluate(OPEN, query)
        page.wait_for_selector(shown, state="visible")
        page.wait_for_timeout(400)
        problems[query] = violations(page)
    page.evaluate(OPEN, "tab=learn&lesson=class")
    page.wait_for_selector("#learn-sheet-watch", state="visible")
    page.locator("#learn-sheet-guess").get_by_label("8", exact=True).check()
    page.click("#learn-sheet-send")
    page.click("#learn-sheet-reveal")
    page.get_by_text("(the answer)").first.wait_for()
    problems["a class's guesses"] = violations(page)
    page.fill("#learn-sheet input, #learn-sheet textarea", "No name!")
    page.click("#learn-sheet-open")
    page.wait_for_selector("#learn-sheet-class .notice.error")
    problems["an error"] = violations(page)
    page.click("#share summary")
    page.wait_for_timeout(300)
    problems["share"] = violations(page)
    page.close()
    assert {state: said for state, said in problems.items() if said} == {}
