"""What a page opens on if its owner names a model, from the flags to the link in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from mrl_demo.core.errors import LabError, ModelError
from mrl_demo.lab.lab import Lab
from mrl_demo.ui import app, serve
from mrl_demo.ui.address.comparison import ComparisonLink
from mrl_demo.ui.share.desk import CardDesk
from tests.conftest import FRUIT
from tests.training.tiny import make_tiny_model
from tests.ui.conftest import free_port
from tests.ui.samples import StubLab

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_model_of_the_owner_s_stands_right_on_page_and_card_and_base_stays_left() -> None:
    first = ComparisonLink.first(StubLab(), "builtin", "small")
    assert (first.left, first.right) == ("base", "small")
    assert ComparisonLink.first(StubLab(), "builtin", "base").right == "tuned"
    card = CardDesk(StubLab(), "builtin", "small").link("q=bees")
    assert card is not None
    assert card.right == "small"


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    """A page over five documents and a model of 16 numbers, fewer than the slider stands at otherwise."""
    rows = [json.dumps({"_id": key, "title": title, "text": text}) for key, title, text in FRUIT]
    (tmp_path / "fruit.jsonl").write_text("\n".join(rows) + "\n")
    model = make_tiny_model(tmp_path / "small", width=16)
    corpus = ["--corpus", str(tmp_path / "fruit.jsonl"), "--cache-dir", str(tmp_path / "cache")]
    return ["--port", str(free_port()), "--model", str(model), *corpus]


def visit_instead_of_waiting(monkeypatch: pytest.MonkeyPatch, look: Callable[[], None]) -> None:
    def visit(close: Callable[[], object]) -> None:
        try:
            look()
        finally:
            close()

    monkeypatch.setattr(serve, "wait_until_ended", visit)


@pytest.mark.browser
def test_a_page_started_with_a_model_opens_on_it_and_its_link_says_so(
    flags: list[str], browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> None:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{flags[1]}/")
            page.wait_for_selector("#address [data-ready]", state="attached")
            page.wait_for_selector('.arms[data-dim="16"] .arm .card')
            link = parse_qs(urlsplit(page.input_value(".share-link")).query)
            assert (link["left"], link["right"], link["dim"]) == (["base"], ["small"], ["16"])
            assert page.input_value("#right-arm input").startswith("small")
            assert urlsplit(page.url).query == ""

    visit_instead_of_waiting(monkeypatch, look)
    assert serve.main(flags) == 0


def test_a_model_that_cannot_read_the_collection_leaves_the_page_as_it_was_with_a_note(
    flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[object] = []

    def refuse(*_: object, **__: object) -> None:
        raise ModelError("Its server is down: try again.")

    def build(_lab: object, *opens_on: object) -> None:
        opened.extend(opens_on)
        raise LabError("Enough seen.")

    monkeypatch.setattr(Lab, "prepare", refuse)
    monkeypatch.setattr(app, "build_app", build)
    assert serve.main(flags) == 2
    assert opened == ["fruit", None]
    assert "Note: the page opens without small. Its server is down: try again." in capsys.readouterr().out
