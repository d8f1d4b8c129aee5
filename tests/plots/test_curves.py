from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.arms.catalogue import shipped_arms
from mrl_demo.core.style import Style
from mrl_demo.plots.curves import Axes, Curve, Marks, Point, frontier, pareto_figure, quality_figure, speed_figure
from mrl_demo.plots.line_ends import LENGTH_MARK, name_lines_below, spread_apart
from mrl_demo.plots.style import precision_style

AXES = Axes("numbers", "quality")
numbers = st.floats(0.01, 1_000, allow_nan=False)


@given(st.lists(st.tuples(numbers, numbers), max_size=40))
def test_the_frontier_is_what_no_other_point_beats(pairs: list[tuple[float, float]]) -> None:
    points = [Point(x, y) for x, y in pairs]
    expected = {(p.x, p.y) for p in points if not any(beats(q, p) for q in points)}
    found = frontier(points)
    assert {(p.x, p.y) for p in found} == expected
    assert [p.x for p in found] == sorted({p.x for p in found})


def beats(one: Point, other: Point) -> bool:
    return one.x <= other.x and one.y >= other.y and (one.x, one.y) != (other.x, other.y)


def test_bands_are_the_intervals_and_trained_lengths_are_ringed() -> None:
    points = (Point(8, 0.5, 0.4, 0.6), Point(24, 0.7, 0.6, 0.8))
    curve = Curve("tuned", "Tuned", points, (8, 64), Style("#102030", "star", "dot"))
    band, line = quality_figure([curve], AXES).data
    assert list(band.y) == [0.6, 0.8, 0.6, 0.4]
    assert band.fillcolor == "rgba(16,32,48,.13)"
    assert (line.line.color, line.line.dash, line.marker.symbol) == ("#102030", "dot", "star")
    assert list(line.marker.line.width) == [2, 0]


def test_a_level_spans_the_lengths_of_the_others() -> None:
    curves = [Curve("base", "Base", (Point(8, 0.1), Point(384, 0.9))), Curve("bm25", "BM25", (Point(0, 0.5),))]
    figure = quality_figure(curves, AXES)
    assert figure.layout.xaxis.type == "log"
    (level,) = (trace for trace in figure.data if trace.meta == "bm25")
    assert (list(level.x), level.mode) == ([8, 384], "lines")
    assert "numbers" not in level.hovertemplate


def test_markup_in_labels_and_notes_is_text() -> None:
    curve = Curve("x", "<a href='x'>Tuned</a>", (Point(8, 0.5, note="<b>bold</b>\nnext"),))
    figure = quality_figure([curve], AXES, [curve]).to_json() + pareto_figure([curve], AXES).to_json()
    assert "<a href" not in figure
    assert "<b>bold" not in figure


def test_no_precision_has_the_colour_of_an_arm() -> None:
    names = ("float32", "float16", "int8", "int4", "binary", "binary-mean", "pq", "rabitq", "binary+rescore", "other")
    arms = {arm.style.colour for arm in shipped_arms() if arm.style}
    assert not arms & {precision_style(name).colour for name in names}


def test_a_rescored_precision_has_the_colour_of_what_is_stored_and_a_sign_for_the_copy() -> None:
    alone, full, small = (precision_style(f"int4{more}") for more in ("", "+rescore@100", "+rescore-int8"))
    assert alone.colour == full.colour == small.colour
    assert len({alone.symbol, full.symbol, small.symbol}) == 3
    assert precision_style("no such").symbol == "triangle-up"


def test_names_at_line_ends_stand_apart_and_within_the_plot() -> None:
    values = [0.9, 0.9, 0.9, 0.1, 0.05]
    places = spread_apart(values, 0.1, 0.0, 1.0)
    ordered = sorted(places, reverse=True)
    assert all(above - below >= 0.1 - 1e-9 for above, below in pairwise(ordered))
    assert min(places) >= 0 and max(places) <= 1
    assert sorted(range(5), key=lambda i: -places[i]) == [0, 1, 2, 3, 4]


def test_the_length_in_use_and_the_goal_are_drawn() -> None:
    curve = Curve("base", "Base", (Point(8, 0.1), Point(384, 0.9)))
    figure = quality_figure([curve], AXES, marks=Marks(64, 0.95, "95%"))
    assert [shape.x0 for shape in figure.layout.shapes if shape.name == LENGTH_MARK] == [64]
    assert [shape.y0 for shape in figure.layout.shapes if shape.yref == "y"] == [0.95]
    assert figure.layout.yaxis.range[1] > 0.95
    assert any("Base" in note.text for note in figure.layout.annotations)


def test_only_what_is_on_the_frontier_is_named_beside_it() -> None:
    clouds = [
        Curve("float32", "float32", (Point(64, 0.5), Point(256, 0.7))),
        Curve("int8", "int8", (Point(16, 0.5), Point(64, 0.7))),
        Curve("binary", "binary", (Point(8, 0.4), Point(32, 0.3))),
    ]
    named = [trace.name for trace in pareto_figure(clouds, AXES).data if trace.showlegend is not False]
    assert named == ["beaten by one of these (point at it)", "int8", "binary", "frontier"]
    drawn = [point for trace in pareto_figure(clouds, AXES).data[:-1] for point in zip(trace.x, trace.y, strict=True)]
    assert sorted(drawn) == sorted((point.x, point.y) for cloud in clouds for point in cloud.points)


def test_nothing_to_draw_is_said_in_the_chart() -> None:
    for figure in (quality_figure([], AXES), speed_figure([], None), pareto_figure([], AXES)):
        assert figure.layout.annotations[0].text


def test_names_below_take_the_place_of_those_at_the_lines() -> None:
    curve = Curve("a", "A", (Point(16, 0.1), Point(64, 0.3)), style=Style("#8b93a1", "circle"))
    figure = name_lines_below(quality_figure([curve], Axes("numbers", "share")))
    assert figure.layout.showlegend and not figure.layout.annotations
