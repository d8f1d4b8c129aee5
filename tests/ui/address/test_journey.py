"""Links, Back and Forward in a browser, over a stand-in lab: what is tested is the page's own state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
XSS = "'\"><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture
def guest(browser: Browser) -> Iterator[Page]:
    """A fresh browser's page; at the end nothing went wrong on it."""
    problems: list[str] = []
    with browser.new_context(viewport={"width": 1366, "height": 768}) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda entry: problems.append(entry.text) if entry.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        yield page
        assert problems == []


def open_link(page: Page, address: str, **parameters: str) -> None:
    page.goto(address + (f"?{urlencode(parameters)}" if parameters else ""))
    page.wait_for_selector("#address [data-ready]", state="attached")
    page.wait_for_selector("html:not([data-restoring])")


def parameters_of(page: Page) -> dict[str, str]:
    query = parse_qs(urlsplit(page.evaluate("location.href")).query)
    return {name: values[0] for name, values in query.items()}


def says(page: Page, **parameters: str) -> None:
    """Wait until the address has exactly these parameters."""
    wanted = sorted(parameters.items())
    page.wait_for_function(
        "w => JSON.stringify([...new URLSearchParams(location.search)].sort()) === JSON.stringify(w)",
        arg=[list(pair) for pair in wanted],
    )


def shows(page: Page, query: str, dim: int) -> None:
    """Wait until results for a query at a length stand on the page."""
    page.wait_for_function(
        "w => { const arms = document.querySelector('.arms');"
        " return arms.dataset.query === w.query && arms.dataset.dim === String(w.dim); }",
        arg={"query": query, "dim": dim},
    )


def test_the_address_follows_and_back_and_forward_lead_through_it_without_a_reload(
    guest: Page, stub_address: str
) -> None:
    open_link(guest, stub_address)
    guest.evaluate("window.sameDocument = true")
    assert parameters_of(guest) == {}
    guest.fill("#query input", "bees")
    guest.click("#search")
    says(guest, q="bees")
    guest.locator('.dim-ticks button[data-dim="16"]').click()
    says(guest, q="bees", dim="16")
    guest.get_by_role("tab", name="Curves").first.click()
    says(guest, q="bees", dim="16", tab="curves")
    guest.go_back()
    says(guest, q="bees", dim="16")
    guest.wait_for_selector('[role="tab"][aria-selected="true"]:has-text("Compare")')
    guest.go_back()
    says(guest)
    shows(guest, "builtin question 0", 64)
    assert guest.input_value("#query input") == "builtin question 0"
    guest.go_forward()
    says(guest, q="bees", dim="16")
    shows(guest, "bees", 16)
    assert guest.inner_text(".dim-number") == "16"
    assert guest.evaluate("window.sameDocument")


def test_a_link_is_restored_in_a_fresh_browser(guest: Page, stub_address: str) -> None:
    link = {"q": "why is the sky blue? 50% & more", "corpus": "own", "left": "tuned", "right": "base", "dim": "8"}
    open_link(guest, stub_address, **link, __theme="dark")
    shows(guest, link["q"], 8)
    assert guest.input_value("#query input") == link["q"]
    sides = guest.eval_on_selector_all(".arm", "all => all.map(arm => arm.dataset.arm)")
    assert guest.input_value("#corpus input") == "Own"
    assert guest.locator(".chip").nth(1).text_content() == "own question 0a paraphrase"
    assert guest.inner_text("#address") == ""
    assert len(sides) == 2
    says(guest, **link, __theme="dark")


#: A tab, what a link says of it, and controls that then hold these values, by their selectors.
OTHER_TABS = {
    "curves": ({"section": "cost", "cost": "latency", "metric": "recall@10"}, {}),
    "decide": (
        {
            "decide-section": "cost",
            "decide-bytes": "96",
            "decide-arms": "base",
            "decide-precision": "int8",
            "decide-dim": "128",
            "decide-vectors": "5000000",
            "decide-memory-price": "1.5",
            "decide-currency": "EUR",
        },
        {
            "#decide-most-bytes input": "96",
            "#decide-dim input": "128",
            "#decide-vectors input": "5000000",
            "#decide-memory-price input": "1.5",
            "#decide-currency input, #decide-currency textarea": "EUR",
        },
    ),
    "funnel": (
        {"funnel-stages": "32:100,384:10", "funnel-arm": "base"},
        {"#funnel-stages input, #funnel-stages textarea": "32:100,384:10", "#funnel-preset input": "Your own stages"},
    ),
    "learn": (
        {"lesson": "class", "sheet": "room-7"},
        {"#learn-sheet input, #learn-sheet textarea": "room-7"},
    ),
    "map": ({"q": "bees", "left": "tuned", "right": "base", "dim": "8"}, {".map-range": "0"}),
}


def test_links_to_the_other_tabs_are_restored_and_back_and_forward_lead_between_them(
    guest: Page, stub_address: str
) -> None:
    for tab, (said, controls) in OTHER_TABS.items():
        fresh, problems = guest.context.new_page(), list[str]()
        fresh.on("pageerror", lambda error, problems=problems: problems.append(str(error)))
        open_link(fresh, stub_address, tab=tab, **said)
        fresh.wait_for_selector(f'[role="tab"][aria-selected="true"]:has-text("{tab.capitalize()}")')
        for control, value in controls.items():
            fresh.wait_for_function("w => document.querySelector(w[0])?.value === w[1]", arg=[control, value])
        assert fresh.inner_text("#address") == "", tab
        if tab == "decide":  # Priced as the link says, not as the page was built.
            fresh.wait_for_function("() => document.querySelector('#decide-costs').innerText.includes('5,000,000')")
        fresh.wait_for_function(
            "w => w.every(([name, value]) => new URLSearchParams(location.search).get(name) === value)",
            arg=[list(pair) for pair in {**said, "tab": tab}.items()],
        )
        assert problems == []
        fresh.close()
    bad = {"decide-section": "nope", "decide-vectors": "1e9"}
    open_link(guest, stub_address, tab="learn", lesson="others", **bad, **{"funnel-section": "proof"})
    hint = guest.inner_text("#address")
    assert "decide-section: 'nope' is not among advice, budget" in hint
    assert "decide-vectors: '1e9' is not a whole number from 1" in hint
    guest.get_by_role("tab", name="Funnel", exact=True).click()
    guest.wait_for_selector('[role="tab"][aria-selected="true"]:has-text("Proof")')
    guest.wait_for_function("() => location.search.includes('tab=funnel')")  # Hastier clicks are one step for Back.
    guest.get_by_role("tab", name="Length per query").click()
    guest.wait_for_function("() => location.search.includes('funnel-section=lengths')")
    guest.go_back()
    guest.wait_for_selector("#funnel-prove:visible")
    guest.go_back()
    guest.wait_for_selector("#learn-published:visible")
    guest.go_forward()
    guest.wait_for_selector("#funnel-prove:visible")


def test_a_bad_link_gets_a_hint_and_the_page_as_it_is(guest: Page, stub_address: str) -> None:
    open_link(guest, stub_address, corpus="nope", left="../../etc", dim="99999", tab="admin", q="bees")
    shows(guest, "bees", 64)
    hint = guest.inner_text("#address")
    for words in ("'nope' is not among builtin, own", "'../../etc'", "dim: '99999'", "tab: 'admin'"):
        assert words in hint
    says(guest, q="bees")


def test_markup_in_any_parameter_is_text(guest: Page, stub_address: str) -> None:
    names = guest_names(guest, stub_address)
    assert {"q", "corpus", "left", "right", "dim", "tab"} <= set(names)
    open_link(guest, stub_address, **dict.fromkeys([*names, "other"], XSS))
    shows(guest, XSS, 64)
    assert quote("<script>") not in guest.inner_text("#address")
    assert guest.locator("#address img, #address script, .asked img, .asked script").count() == 0
    assert guest.title() != "owned"


def guest_names(page: Page, address: str) -> list[str]:
    """Every parameter that the page knows: it tells them all when it writes its address."""
    page.add_init_script(
        "document.addEventListener('address-written', ({ detail }) => { window.known = Object.keys(detail); });"
    )
    open_link(page, address)
    return [name for name in page.evaluate("window.known") if name != "link"]
