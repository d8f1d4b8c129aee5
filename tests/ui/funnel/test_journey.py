"""The Funnel tab in a real browser against the real app, with the command line's numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mrl_demo import cli

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_stages_are_measured_as_the_command_line_measures_them_and_bad_ones_are_named(
    browser: Browser, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["funnel", "32:100,384:10", "--arm", "base", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(30_000)
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}?tab=funnel&funnel-arm=base&funnel-stages=32:100,384:10")
    stages = page.locator("#funnel-stages").locator("textarea, input").first
    stages.wait_for()
    page.wait_for_function("() => document.querySelector('#funnel-stages :is(textarea, input)').value[0] === '3'")
    page.focus("#funnel-run")
    page.keyboard.press("Enter")
    page.wait_for_selector("#funnel-figure .js-plotly-plot")
    kept = told["sentence"].split(";")[0]
    assert kept in page.inner_text("#funnel-answer")
    lost = f"{told['stages'][0]['answers_lost']} known answers lost"
    assert lost in page.inner_text("#funnel-figure") and "Lost answers" in page.inner_text("#funnel-stages-table")
    stages.fill("64:10,32:5")
    page.click("#funnel-run")
    page.wait_for_function("() => document.querySelector('#funnel-notice').innerText.includes('Stage 2 reads 32')")
    assert kept in page.inner_text("#funnel-answer")  # What was shown before is still there.
    page.locator("#funnel-tabs").get_by_role("tab", name="Length per query", exact=True).click()
    page.locator("#funnel-dims").locator("textarea, input").first.fill("32,128")
    page.click("#funnel-gate")
    page.wait_for_selector("#funnel-gate-figure .js-plotly-plot")
    assert "fixed length" in page.inner_text("#funnel-gate-answer")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert errors == []
    context.close()
