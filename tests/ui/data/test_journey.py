"""A visitor brings documents, uses them on other tabs, and deletes them; another visitor never sees them."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SECRET = re.compile(r"own-[0-9a-f]{32}|~[0-9a-f]{32}")
NASTY = "<img src=x onerror=\"document.title='owned'\">"


def beir_zip(path: Path) -> Path:
    rows = [
        {"_id": f"d{i}", "title": f"Rule {i}", "text": f"Rule number {i} is about topic {i % 5}."} for i in range(40)
    ]
    rows[3] |= {"title": NASTY, "text": "Bees dance to show where the flowers are."}
    queries = [{"_id": f"q{i}", "text": f"what does rule number {i} say"} for i in range(20)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rules/corpus.jsonl", "\n".join(map(json.dumps, rows)))
        archive.writestr("rules/queries.jsonl", "\n".join(map(json.dumps, queries)))
        lines = ["query-id\tcorpus-id\tscore", *(f"q{i}\td{i}\t1" for i in range(20))]
        archive.writestr("rules/qrels/test.tsv", "\n".join(lines))
    return path


def open_tab(browser: Browser, address: str, tab: str) -> Page:
    page = browser.new_context(viewport={"width": 1366, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{address}?tab={tab}")
    page.wait_for_selector(".card" if tab == "compare" else f"#{tab}", state="visible")
    return page


def collections(page: Page, menu: str = "corpus") -> list[str]:
    page.click(f"#{menu} input")
    page.wait_for_selector('[role="option"]')
    names = page.locator('[role="option"]').all_inner_texts()
    page.keyboard.press("Escape")
    return [name.strip() for name in names]


def add_vectors(page: Page, folder: Path) -> None:
    """Vectors of the documents become a method of this page's menus; those that do not fit are refused in a line."""
    page.get_by_role("tab", name="Your data").first.click()
    vectors = np.random.default_rng(0).standard_normal((40, 16)).astype(np.float32)
    for name, rows in (("few.npy", vectors[:3]), ("all.npy", vectors)):
        np.save(folder / name, rows)
        if page.locator("#data-vectors-file input[type=file]").count() == 0:
            page.locator("#data-vectors-file").get_by_role("button").last.click()
        page.set_input_files("#data-vectors-file input[type=file]", folder / name)
        page.wait_for_selector(f"#data-vectors-file >> text={name.removesuffix('.npy')}")
        page.click("#data-vectors-add")
        page.wait_for_selector(
            "#data-methods-said >> text=" + ("3 vectors without ids" if name == "few.npy" else "mine")
        )
    page.wait_for_selector("#data-methods li >> text=Yours: mine")
    page.get_by_role("tab", name="Compare").first.click()
    assert "Yours: mine" in collections(page, "right-arm")


def measure(page: Page) -> None:
    """Curves measures what is ticked and the vectors brought, no other method; its files name nothing secret."""
    page.get_by_role("tab", name="Your data").first.click()
    page.click("#data-curves")
    page.wait_for_selector("#curves-headline >> text=Nothing is measured for this collection yet")
    page.click("#curves-measure")
    says = "() => document.querySelector('#curves-headline').innerText.includes('20 queries')"
    page.wait_for_function(says, timeout=90_000)
    page.click("#curves-fold button")
    page.wait_for_selector("#curves-arms label:visible")
    labels = page.locator("#curves-arms label").all_inner_texts()
    assert {"Ordinary model", "Matryoshka model", "Ordinary + PCA of these documents"} <= set(labels)
    assert {"WordLlama (256 numbers) (not measured here)", "Yours: mine (not measured here)"} <= set(labels)
    assert "mine" in (page.text_content("#curves-origin details") or "")  # Its questions have no vectors.
    with page.expect_download() as download:
        page.click("#curves-files [data-kind=csv]")
    assert download.value.suggested_filename == "curves-your-documents.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "\ntuned,16,int8,ndcg@10," in text and not SECRET.search(text)


def report(page: Page) -> None:
    """Decide recommends on the visitor's documents; its report calls them as the visitor does."""
    page.get_by_role("tab", name="Your data").first.click()
    page.click("#data-decide")
    page.wait_for_function("() => document.querySelector('#decide-corpus input')?.value.includes('rules.zip')")
    page.click("#decide-start")
    page.wait_for_selector("#decide-figure .js-plotly-plot", timeout=90_000)
    page.locator("#decide-tabs").get_by_role("tab", name="Take along", exact=True).click()
    with page.expect_download() as download:
        page.click("#decide-report button")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "<bdi>rules" in text and "20 judged queries" in text and not SECRET.search(text)


def test_own_documents_are_looked_at_used_and_deleted(browser: Browser, address: str, tmp_path: Path) -> None:
    page = open_tab(browser, address, "data")
    page.set_input_files("#data-files input[type=file]", beir_zip(tmp_path / "rules.zip"))
    page.wait_for_selector("#data-preview >> text=40 documents, 20 questions (20 with answers)")
    page.click("#data-embed")
    page.wait_for_selector("#data-used >> text=for you alone")
    page.click("#data-compare")
    page.wait_for_selector(".cards .card:visible")
    page.wait_for_function("() => document.querySelector('.asked').textContent.includes('what does rule number')")
    page.fill("#query input", "how do bees tell where flowers are")
    page.press("#query input", "Enter")
    page.wait_for_function("() => document.querySelector('.asked').textContent.includes('bees')")
    assert NASTY in page.locator(".side-b .card").first.inner_text()
    assert page.title() != "owned"
    assert any("rules.zip" in name for name in collections(page))

    add_vectors(page, tmp_path)
    name = page.evaluate("() => new URLSearchParams(location.search).get('corpus')")
    measure(page)
    report(page)
    other = open_tab(browser, address, "compare")
    assert not any("rules" in name for name in collections(other))
    assert not any("Yours" in name for name in collections(other, "right-arm"))
    assert name.startswith("own-") and len(name) == 36
    other.goto(f"{address}?corpus={name}")
    other.wait_for_selector("#address .notice")
    assert "bees" not in other.inner_text(".cards").lower()
    other.context.close()

    page.get_by_role("tab", name="Your data").first.click()
    page.click("#data-delete")
    page.wait_for_selector("#data-said >> text=deleted")
    page.get_by_role("tab", name="Compare").first.click()
    assert not any("rules" in name for name in collections(page))
    page.context.close()


def test_what_cannot_be_read_is_said_on_the_page(browser: Browser, address: str, tmp_path: Path) -> None:
    page = open_tab(browser, address, "data")
    page.click("#data-look")
    page.wait_for_selector("#data-said >> text=There is nothing to read yet")
    page.fill("#data-pasted textarea", "One document\nAnother one\n")
    page.click("#data-reading > button")
    page.wait_for_timeout(500)  # The fold still opens: what is typed into it meanwhile is not heard.
    page.fill("#data-words input", "5")
    page.press("#data-words input", "Tab")
    page.click("#data-look")
    page.wait_for_selector("#data-said >> text=A passage of 5 words is not made")
    page.fill("#data-words input", "0")
    page.click("#data-look")
    page.wait_for_selector("#data-preview >> text=2 documents")
    (tmp_path / "a.pdf").write_bytes(b"no pdf")
    page.set_input_files("#data-files input[type=file]", tmp_path / "a.pdf")
    page.wait_for_selector("#data-said >> text=cannot be read as a PDF")
    page.context.close()
