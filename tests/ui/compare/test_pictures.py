"""A collection of pictures in the Compare tab: fitting methods, thumbnails, a picture to search with."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import gradio as gr
import pytest
from PIL import Image

from mrl_demo.core.config import Settings
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.compare.asking import ask
from mrl_demo.ui.compare.events import CompareEvents
from mrl_demo.ui.compare.state import CompareState
from tests.models.tiny_clip import save_tiny_clip
from tests.ui.pages import by_id


@pytest.fixture
def events(tmp_path: Path) -> CompareEvents:
    folder = tmp_path / "colours"
    folder.mkdir()
    for name in ("red", "green", "blue"):
        Image.new("RGB", (60, 40), name).save(folder / f"{name}.png")
    lab = Lab(Settings(cache_dir=tmp_path / "cache"))
    lab.add_corpus(folder)
    lab.add_arm(str(save_tiny_clip(tmp_path / "clip")))
    parts: list[Any] = []
    with gr.Blocks() as blocks, gr.Tabs() as tabs, gr.Tab():
        page = Mock(lab=lab, corpus="colours", blocks=blocks, tabs=tabs, visit=gr.State(None))
        question = compare.first_question(lab, "colours")
        parts.append(compare._lay_out(page, question, ask(lab, question, 16)))
    return CompareEvents(lab, parts[0])


def test_pictures_are_compared_by_methods_that_read_them_and_searched_with_a_picture(
    events: CompareEvents, tmp_path: Path
) -> None:
    assert events.parts.picture.visible
    chosen = by_id(events.change_corpus(CompareState("red", "colours", "base", "tuned", 16)))
    assert (chosen["left-arm"], chosen["right-arm"]) == ("tiny-clip", "tiny-clip")
    assert 'class="card-picture" src="data:image/jpeg;base64,' in chosen["results"]

    given = tmp_path / "given.png"
    Image.new("RGB", (60, 40), "green").save(given)
    state = CompareState("red", "colours", "tiny-clip", "tiny-clip", 16, picture=str(given))
    found = by_id(events.search_picture(state))
    assert found["query"].startswith("picture:") and not given.exists()
    assert found["results"].index("green") < found["results"].index("red")

    given.write_bytes(b"<img src=x>")
    refused = by_id(events.search_picture(state))
    assert "given.png cannot be read as a picture" in refused["notice"] and str(tmp_path) not in refused["notice"]

    back = by_id(events.change_corpus(CompareState("red", "builtin", "base", "tuned", 16)))
    assert back["ask-picture"]["visible"] is False and back["left-arm"] == "base"
