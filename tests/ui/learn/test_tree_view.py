"""The tree as HTML: names of strangers are text, the way is open down to the chosen length and said in words."""

from __future__ import annotations

from mrl_demo.ui.learn.tree_view import tree_html
from tests.ui.samples import NASTY, StubLab


def test_the_way_stands_open_down_to_the_length_and_nothing_of_a_label_is_markup() -> None:
    tree = StubLab().tree("builtin", "base", "bees")
    short, whole = tree_html(tree, 8), tree_html(tree, 384)
    assert (short.count(" open>"), whole.count(" open>")) == (1, 2)
    assert NASTY not in whole and whole.count("the question goes here") == 2
    assert "left behind at 384 numbers" in whole and "50.0%" in whole


def test_without_a_question_nothing_stands_open() -> None:
    shown = tree_html(StubLab().tree("builtin", "base"), 384)
    assert " open>" not in shown and "the question" not in shown
