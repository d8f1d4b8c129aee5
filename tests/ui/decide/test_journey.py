"""The Decide tab in a real browser against the real app, with the command line's numbers."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mrl_demo import cli

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_a_decision_from_setting_to_price_says_what_the_command_line_says(
    browser: Browser, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["recommend", "--arms", "base", "--target", "0.9", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(30_000)
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}?tab=decide&decide-arms=base&decide-target=0.9")
    page.wait_for_function("() => document.querySelectorAll('#decide-arms input:checked').length === 1")
    page.focus("#decide-start")
    page.keyboard.press("Enter")
    page.wait_for_selector("#decide-figure .js-plotly-plot")
    said = told["sentence"].replace("base", "Ordinary model").replace("ndcg@10", "nDCG@10")
    assert said in page.inner_text("#decide-answer")
    assert told["settled"] in page.inner_text("#decide-answer")
    assert told["worst_group"] in page.inner_text("#decide-answer")
    assert page.input_value("#decide-dim input") == str(told["best"]["dim"])
    sections = page.locator("#decide-tabs")
    sections.get_by_role("tab", name="Byte budget", exact=True).click()
    page.click("#decide-spend")
    page.wait_for_function("() => document.querySelector('#decide-budget-answer').innerText.includes('For 96 bytes')")
    page.fill("#decide-budget input[type=number]", "40")
    page.wait_for_function("() => document.querySelector('#decide-budget-answer').innerText.includes('For 40 bytes')")
    sections.get_by_role("tab", name="Judge blind", exact=True).click()
    page.click("#decide-draw")
    page.wait_for_selector(".blind-pair")
    page.focus("#decide-same")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#decide-verdicts').innerText.includes('1 judged')")
    sections.get_by_role("tab", name="Cut-off", exact=True).click()
    page.click("#decide-translate")
    page.wait_for_selector("#decide-cutoff-figure .js-plotly-plot")
    assert (
        cli.main(["threshold", "0.5", "--dim", str(told["best"]["dim"]), f"--precision={told['best']['precision']}"])
        == 0
    )
    first = page.inner_text("#decide-cutoff-answer b")
    assert first in " ".join(capsys.readouterr().out.split())
    sections.get_by_role("tab", name="Growth", exact=True).click()
    page.fill("#decide-grow-to input", "1000000")
    page.click("#decide-grow")
    page.wait_for_selector("#decide-growth-figure .js-plotly-plot")
    assert "tenfolds beyond what was measured" in page.inner_text("#decide-growth-answer")
    sections.get_by_role("tab", name="Cost", exact=True).click()
    page.fill("#decide-memory-price input", "1")
    page.wait_for_function("() => document.querySelector('#decide-costs').innerText.includes('as you gave them')")
    sections.get_by_role("tab", name="Take along", exact=True).click()
    with page.expect_download() as download:
        page.click("#decide-report button")
    assert told["sentence"] in html.unescape(Path(download.value.path()).read_text(encoding="utf-8"))
    page.click("#decide-precision input")
    page.get_by_role("option", name="float32", exact=True).click()
    page.click("#decide-prepare")
    page.wait_for_selector("#decide-code .file")
    assert "prepare.py" in page.inner_text("#decide-code")
    page.wait_for_function("() => document.querySelector('#decide-files').innerText.includes('migration-faiss')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert errors == []
    context.close()
