"""A card from the command line and from Python, for documents and a model of one's own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from mrl_demo import cli
from mrl_demo.lab.lab import Lab


def test_a_card_of_own_documents_and_an_own_model(lab: Lab) -> None:
    assert not lab.is_ready("fruit", ["tiny"])
    card = lab.share_card("ripen ethylene gas", corpus="fruit", arms=["tiny"], dim=8, address="https://example.org")
    assert Image.open(io.BytesIO(card)).size == (1200, 630)
    lab.prepare("fruit", ["tiny"])
    assert lab.is_ready("fruit", ["tiny"])
    assert not lab.is_ready("python", ["tiny"])


def test_the_command_writes_a_card(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mrl_demo.lab.lab.Lab", lambda _settings: lab)
    documents = tmp_path / "mine.csv"
    documents.write_text("title,text\nBees,They dance\nTea,It is brewed\nRust,Iron and water\n", encoding="utf-8")
    out = tmp_path / "card.png"
    command = ["share-card", "--query", "how do bees talk", f"--corpus={documents}", "--arms=tiny"]
    assert cli.main([*command, "--dim", "16", "--out", str(out)]) == 0
    assert Image.open(out).size == (1200, 630)
    assert str(out) in capsys.readouterr().out
    assert cli.main([*command, "--dim", "16", "--out", str(out), "--where", "topic=x"]) == 2
    assert "its documents have no topic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--arms", "a,b,c", "--out", "card.png"], "one arm or two, not 3"),
        (["--out", "nowhere/card.png"], "no folder nowhere"),
        (["--out", "card.png", "--dim", "900"], "from 1 to 384"),
        (["--out", "card.png", "--arms", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_drawn_is_said(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["share-card", "--query", "bees", *flags]) == 2
    assert words in capsys.readouterr().err
