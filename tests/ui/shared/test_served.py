"""Menus of methods follow the collection: what cannot serve it goes, with the reason; what a visitor brought stays."""

from __future__ import annotations

import gradio as gr

from mrl_demo.core.config import Settings
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.served import ServedMenus, left_out_words
from mrl_demo.ui.shared.visit import Visit
from tests.ui.samples import StubLab


class Choosy(StubLab):
    def unserved(self, corpus: str) -> dict[str, str]:
        return {"tuned": "it wants <labels>"} if corpus == "own" else {}


def menus() -> tuple[ServedMenus, gr.Dropdown, gr.HTML]:
    left, line = gr.Dropdown([("Tuned", "tuned")], value="tuned"), gr.HTML()
    return ServedMenus(Choosy(), {Id.LEFT_ARM: left}, line), left, line


def test_a_method_that_cannot_serve_gives_way_and_the_line_says_why() -> None:
    served, left, line = menus()
    updates = served.follow("own", Visit(), "tuned")
    assert "tuned" not in {name for _, name in updates[left].choices}
    assert updates[left].value == updates[left].choices[0][1]
    assert "1 method cannot serve" in updates[line] and "it wants &lt;labels&gt;" in updates[line]


def test_where_all_can_serve_nothing_is_said_and_the_choice_stays() -> None:
    served, left, line = menus()
    updates = served.follow("builtin", Visit(), "tuned")
    assert "tuned" in {name for _, name in updates[left].choices} and not updates[line]


def test_only_methods_of_the_menu_are_named() -> None:
    assert not left_out_words({"bm25": "no vectors"}, {"base": "Base"}, Settings())


def test_where_nothing_reads_pictures_it_says_where_a_model_comes_from() -> None:
    reasons, labels = {"base": "its model reads texts alone"}, {"base": "Base"}
    assert "Your data &gt; Methods loads sentence-transformers/clip" in left_out_words(reasons, labels, Settings())
    public = left_out_words(reasons, labels, Settings(host="0.0.0.0"))
    assert "this page loads none" in public and "--model sentence-transformers/clip" in public
