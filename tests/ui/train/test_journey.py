"""The Train tab in a real browser: a run that is watched and cancelled, and one that outlives a reload."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
#: A run on the real base model starts a process, imports torch and fits a rotation before its first step.
RUN_MS = 90_000
WEIGHTS = "#train-weights input, #train-weights textarea"
LINE = "#train-loss .scatterlayer path.js-line"
THINGS = ("oven", "river", "violin", "comet", "tiger", "button", "ledger", "kidney", "glacier", "cactus")
QUESTIONS = ("where is a {} found", "who looks after a {}", "what is a {} made of", "when was the first {} seen")

DOCUMENTS = 60
#: Keeps what stands beside the bar over the results of the Compare tab while models are made ready.
WATCH_BAR = """() => {
  window.barSaid = [];
  new MutationObserver(() => {
    if (document.querySelector('#notice progress'))
      window.barSaid.push(document.querySelector('#notice').innerText);
  }).observe(document.querySelector('#notice'), { childList: true, subtree: true, characterData: true });
}"""


class Trainer:
    """A page with the Train tab open, and the errors its console reported."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address, self.errors = page, address, list[str]()
        page.on("console", lambda entry: self.errors.append(entry.text) if entry.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.open()

    def open(self) -> None:
        self.page.goto(self.address)
        self.page.wait_for_selector(".card")
        self.page.get_by_role("tab", name="Train", exact=True).click()
        self.page.wait_for_selector("#train-state .run, #train-state .lead")

    def upload(self, file: Path) -> None:
        self.page.get_by_label("My own pairs").check()
        self.page.set_input_files("#train-upload input[type=file]", file)
        self.page.wait_for_selector(f"#train-upload :text('{file.stem}')")
        self.choose_few_steps()
        self.page.wait_for_selector("#train-preview table", timeout=RUN_MS)

    def choose_few_steps(self) -> None:
        """The recipe of few steps: text of others takes minutes. Other data choose another."""
        self.page.click("#train-preset input")
        self.page.get_by_role("option", name="Matryoshka on the built-in pairs alone", exact=True).click()

    def bring_documents(self) -> None:
        """Documents of the visit, whose first sentences and rests are the pairs."""
        page = self.page
        page.get_by_role("tab", name="Your data", exact=True).click()
        words = "Note {number} is about the {thing}. It is kept by the {thing}, year {number}."
        lines = [words.format(number=number, thing=thing) for number, thing in enumerate(4 * THINGS)]
        page.fill("#data-pasted textarea", "\n".join(lines))
        page.click("#data-embed")
        page.wait_for_selector("#data-used >> text=for you alone", timeout=RUN_MS)
        page.get_by_role("tab", name="Train", exact=True).click()
        page.get_by_label("The pairs of my data").check()
        page.wait_for_selector("#train :text('40 weak pairs')")
        self.choose_few_steps()

    def start(self, name: str, steps: int) -> None:
        self.page.fill("#train-name input, #train-name textarea", name)
        self.page.fill("#train-steps input", str(steps))
        self.page.click("#train-start")
        self.says(name)

    def says(self, words: str) -> None:
        script = "w => document.querySelector('#train-state').innerText.includes(w)"
        self.page.wait_for_function(script, arg=words, timeout=RUN_MS)

    def step(self, beyond: int) -> int:
        """Wait until the run has taken more steps than `beyond`, and say how many."""
        script = (
            "n => Number((document.querySelector('#train-state').innerText.match(/Step (\\d+) of/) || [])[1] || 0) > n"
        )
        self.page.wait_for_function(script, arg=beyond, timeout=RUN_MS)
        found = re.search(r"Step (\d+) of", self.page.inner_text("#train-state"))
        return int(found[1]) if found else 0

    def points(self) -> int:
        """Steps drawn in the chart of losses."""
        script = "() => Math.max(...document.querySelector('#train-loss .js-plotly-plot').data.map(t => t.x.length))"
        return int(self.page.evaluate(script))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Forty questions and answers."""
    asked = [(question.format(thing), thing) for thing in THINGS for question in QUESTIONS]
    rows = [
        {"query": query, "positive": f"{query}: notes on the {thing}, number {i}"}
        for i, (query, thing) in enumerate(asked)
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A collection that takes seconds to encode: long enough to be seen, short enough to wait for."""
    rows = [
        {"id": str(i), "title": THINGS[i % 10], "text": f"{i} " + " ".join(THINGS[(i * k) % 10] for k in range(150))}
        for i in range(DOCUMENTS)
    ]
    file = tmp_path / "things.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def trainer(
    browser: Browser, own_app: Callable[..., AbstractContextManager[str]], documents: Path
) -> Iterator[Trainer]:
    with own_app("--corpus", str(documents)) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(20_000)
        yield Trainer(context.new_page(), address)
        context.close()


def _kill_the_run(cache: Path) -> None:
    """End the newest run's processes without a word, as a machine that goes down would."""
    started = max((cache / "jobs").glob("*/started.json"))
    os.killpg(int(json.loads(started.read_text(encoding="utf-8"))["pid"]), signal.SIGKILL)


def test_a_run_is_watched_and_cancelled_and_another_outlives_a_kill_and_a_reload(
    trainer: Trainer, pairs: Path, tmp_path: Path
) -> None:
    page = trainer.page
    trainer.upload(pairs)
    for weights, words in (("2, abc", "“abc” is no number"), ("2, 1", "2 weights for 7 lengths")):
        page.fill(WEIGHTS, weights)
        page.wait_for_selector(f"#train-weights-said :text('{words}')")
    page.fill(WEIGHTS, "")
    trainer.bring_documents()
    trainer.start("first-run", 400)
    first = trainer.step(0)
    page.wait_for_selector(LINE)
    drawn = trainer.points()
    assert trainer.step(first) > first
    page.wait_for_function(
        "n => Math.max(...document.querySelector('#train-loss .js-plotly-plot').data.map(t => t.x.length)) > n",
        arg=drawn,
    )
    page.click("#train-cancel")
    trainer.says("Cancelled")
    page.locator("#train-cancel").wait_for(state="hidden")

    page.get_by_label("My own pairs").check()
    trainer.choose_few_steps()
    trainer.start("second-run", 24)
    trainer.says("Training")
    trainer.step(2)
    _kill_the_run(tmp_path / "cache")
    trainer.says("It can be resumed from its last checkpoint")
    page.wait_for_selector("#train-cancel:text-is('Discard it')")
    page.click("#train-resume")
    trainer.says("Training")
    page.locator("#train-resume").wait_for(state="hidden")
    trainer.open()
    trainer.says("second-run")
    page.wait_for_selector("#train-state .run-status.running")
    trainer.says("Finished")
    page.wait_for_selector("#train-before-after tbody tr")

    page.evaluate(WATCH_BAR)
    page.click("#train-compare")
    page.wait_for_function("() => document.querySelector('.side-b h2').textContent === 'second-run'", timeout=60_000)
    said = page.evaluate("() => window.barSaid")
    assert any(f"of {DOCUMENTS} documents with second-run" in words for words in said), said
    page.reload()  # A new visit finds it in the menu without a detour over the tabs.
    page.wait_for_selector(".card")
    page.click("#right-arm input")
    page.get_by_role("option", name="second-run").wait_for()
    assert page.get_by_role("option", name="first-run").count() == 0
    assert trainer.errors == []
