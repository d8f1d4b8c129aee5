from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from mrl_demo.core.style import Style
from mrl_demo.core.types import TRAINED_DIMS, ArmSpec, ComparedArm, Comparison, RankPaths, SearchResult
from mrl_demo.plots.ranks import DIMENSION_MARK, WINNER_NAME, emphasised_rows, rank_moves_figure
from mrl_demo.plots.style import QUIET

DIMS = (1, 8, 64, 384)
STYLE = Style("#c8601a", "circle")


def arm(
    name: str, titles: tuple[str, ...] = ("First", "Second"), answers: tuple[bool, ...] = (False, True)
) -> ComparedArm:
    ranks = np.array([[900, 3, 1, 1], [40, 7, 2, 2]], dtype=np.int64)
    tracked = "answer" if any(answers) else "top"
    paths = RankPaths(name, DIMS, (4, 9), titles, answers, ranks, tracked, 64, 3)
    result = SearchResult(name, 64, 384, (), 1.0, 1, 1, 1.0, 1.0, 1_000)
    return ComparedArm(ArmSpec(name, name.capitalize(), "", "minilm"), result, paths)


def compared(**changes: object) -> Comparison:
    return replace(Comparison("q", "builtin", 16, "", (arm("base"), arm("tuned"))), **changes)  # type: ignore[arg-type]


def drawn(comparison: Comparison) -> go.Figure:
    return rank_moves_figure(comparison, {arm.spec.name: STYLE for arm in comparison.arms})


def test_one_line_a_document_and_one_panel_an_arm() -> None:
    figure = drawn(compared())
    assert len(figure.data) == 4
    assert {trace.xaxis for trace in figure.data} == {"x", "x2"}
    assert all(tuple(trace.x) == DIMS for trace in figure.data)
    assert sorted(tuple(trace.y) for trace in figure.data[:2]) == [(40, 7, 2, 2), (900, 3, 1, 1)]


def test_axes_are_logarithmic_shared_and_rank_one_is_on_top() -> None:
    layout = drawn(compared()).layout
    assert {layout.xaxis.type, layout.xaxis2.type, layout.yaxis.type, layout.yaxis2.type} == {"log"}
    assert layout.yaxis.range[0] > layout.yaxis.range[1]
    assert layout.yaxis.range[0] > np.log10(900)
    assert layout.yaxis.range == layout.yaxis2.range
    assert layout.xaxis.range == layout.xaxis2.range
    assert layout.yaxis2.matches == "y"


def test_trained_lengths_are_ticks_and_the_length_in_use_a_line_in_both_panels() -> None:
    layout = drawn(compared()).layout
    assert set(TRAINED_DIMS) <= set(layout.xaxis.tickvals)
    marks = [shape for shape in layout.shapes if shape.name == DIMENSION_MARK]
    assert [(mark.x0, mark.x1, mark.xref) for mark in marks] == [(16, 16, "x"), (16, 16, "x2")]


def test_known_answers_stand_out_and_are_drawn_last() -> None:
    first, second, *_ = drawn(compared()).data
    assert (first.line.color, second.line.color) == (QUIET, STYLE.colour)
    assert second.name == "Second"
    assert second.line.width > first.line.width


def test_without_an_answer_the_first_at_full_length_stands_out() -> None:
    assert emphasised_rows(arm("base", answers=(False, False)).paths) == (0,)


def test_titles_are_escaped_for_plotly_and_kept_short() -> None:
    nasty = arm("base", titles=('<a href="javascript:alert(1)">x</a>', "y" * 500))
    figure = drawn(compared(arms=(nasty, nasty)))
    text = figure.to_json()
    assert "<a" not in text.replace("\\u003c", "<")
    assert max(len(trace.name) for trace in figure.data) <= 100


@pytest.mark.parametrize("n_arms", [1, 3])
def test_any_number_of_arms_can_be_drawn(n_arms: int) -> None:
    figure = drawn(compared(arms=tuple(arm(f"a{i}") for i in range(n_arms))))
    assert len(figure.data) == 2 * n_arms


def test_an_arm_without_documents_draws_empty_panels() -> None:
    empty = arm("base")
    nothing = replace(empty.paths, indices=(), titles=(), is_answer=(), ranks=np.empty((0, 4), dtype=np.int64))
    assert not drawn(compared(arms=(replace(empty, paths=nothing),))).data


def test_the_deciding_document_is_named_at_its_line_and_every_line_knows_its_card() -> None:
    figure = drawn(compared())
    names = [note for note in figure.layout.annotations if note.name == WINNER_NAME]
    assert [note.text for note in names] == ["Second", "Second"]
    assert (names[0].x, names[0].y) == (0.0, pytest.approx(np.log10(40)))  # Its deepest point.
    assert [trace.meta for trace in figure.data[:2]] == [{"arm": "base", "doc": 4}, {"arm": "base", "doc": 9}]
