from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.arms.catalogue import ARMS, arm_styles
from mrl_demo.plots.curves import Axes, Curve, Point, frontier, pareto_figure, quality_figure, speed_figure

AXES = Axes("numbers", "quality")
numbers = st.floats(0.01, 1_000, allow_nan=False)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@given(st.lists(st.tuples(numbers, numbers), max_size=40))
def test_the_frontier_is_what_no_other_point_beats(pairs: list[tuple[float, float]]) -> None:
    points = [Point(x, y) for x, y in pairs]
    expected = {(p.x, p.y) for p in points if not any(beats(q, p) for q in points)}
    found = frontier(points)
    assert {(p.x, p.y) for p in found} == expected
    assert [p.x for p in found] == sorted({p.x for p in found})


def beats(one: Point, other: Point) -> bool:
    return one.x <= other.x and one.y >= other.y and (one.x, one.y) != (other.x, other.y)


def test_colours_show_on_light_and_dark_and_no_two_arms_look_alike() -> None:
    spare = arm_styles([f"model-{i}" for i in range(40)]).values()
    styles = [*(arm.style for arm in ARMS if arm.style), *dict.fromkeys(spare)]
    assert len(styles) > len(ARMS)
    for style in styles:
        assert contrast(style.colour, "#ffffff") >= 3
        assert contrast(style.colour, "#131417") >= 3
    assert len({style.colour for style in styles}) == len(styles)
    assert len({style.symbol for style in styles}) == len(styles)


@given(st.lists(st.sampled_from(["base", "tuned", "mine", "other", "third", "tiny+pca", "a/b"]), unique=True))
def test_an_arm_keeps_its_style_whatever_is_beside_it_and_no_two_share_one(names: list[str]) -> None:
    styles = arm_styles(names)
    assert set(styles) == set(names)
    assert len(set(styles.values())) == len(names)
    assert styles == arm_styles(names[::-1])
    for shipped in {"base", "tuned"} & set(names):
        assert styles[shipped] == arm_styles([shipped])[shipped]


def test_more_models_than_spare_styles_are_still_drawn() -> None:
    assert len(arm_styles([f"model-{i}" for i in range(40)])) == 40


def test_bands_are_the_intervals_and_trained_lengths_are_ringed() -> None:
    curve = Curve("tuned", "Tuned", (Point(8, 0.5, 0.4, 0.6), Point(24, 0.7, 0.6, 0.8)), (8, 64))
    band, line = quality_figure([curve], AXES).data
    assert list(band.y) == [0.6, 0.8, 0.6, 0.4]
    assert list(line.marker.line.width) == [2, 0]


def test_a_level_spans_the_lengths_of_the_others() -> None:
    curves = [Curve("base", "Base", (Point(8, 0.1), Point(384, 0.9))), Curve("bm25", "BM25", (Point(0, 0.5),))]
    figure = quality_figure(curves, AXES)
    assert figure.layout.xaxis.type == "log"
    assert [list(trace.x) for trace in figure.data if trace.meta == "bm25"] == [[8, 384]]


def test_markup_in_labels_and_notes_is_text() -> None:
    curve = Curve("x", "<a href='x'>Tuned</a>", (Point(8, 0.5, note="<b>bold</b>\nnext"),))
    figure = quality_figure([curve], AXES, [curve]).to_json() + pareto_figure([curve], AXES).to_json()
    assert "<a href" not in figure
    assert "<b>bold" not in figure


def test_nothing_to_draw_is_said_in_the_chart() -> None:
    for figure in (quality_figure([], AXES), speed_figure([], None), pareto_figure([], AXES)):
        assert figure.layout.annotations[0].text
