from __future__ import annotations

from mrl_demo.api.snippets import snippets_for
from mrl_demo.ui.compare.view import results_html
from mrl_demo.ui.components.code import code_drawer
from tests.ui.samples import NASTY, comparison


def test_code_keeps_its_lines_and_nothing_in_it_is_live() -> None:
    drawer = code_drawer(snippets_for("search", {"query": NASTY, "dim": 16}))
    assert "pip install gradio_client\n\nanswer = " in drawer
    assert "<script>" not in drawer
    assert drawer.count("<pre") == 4


def test_results_bring_the_call_that_makes_them() -> None:
    shown = results_html(comparison(dim=16, query="how do bees talk"))
    assert "Use in code" in shown
    assert "dim=16," in shown
    assert "--arm base,tuned --dim 16" in shown
