"""Figures of the Curves tab from plain data: quality, speed, and what a byte or a millisecond buys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from mrl_demo.core.style import Style
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.plots.line_ends import LineEnd, draw_goal, mark_length, name_line_ends
from mrl_demo.plots.style import QUIET, dress, escape_plotly, fade

NOTHING_DRAWN = "Nothing to draw: press “Measure anew”, or choose a method under “More methods”."
_QUIET_STYLE = Style(QUIET, "circle")


@dataclass(frozen=True)
class Point:
    """One mark; `low`..`high` is its interval (both None without one), `note` the hover text below the figures."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """Points of one arm or precision by rising x; a single point at x 0 is a level: it holds at any length.

    >>> Curve("bm25", "BM25", (Point(0, 0.49),)).is_level
    True
    """

    name: str
    label: str
    points: tuple[Point, ...]
    trained: tuple[int, ...] = ()
    style: Style = _QUIET_STYLE

    @property
    def is_level(self) -> bool:
        """Whether it is one figure that no length changes, drawn as a line across."""
        return len(self.points) == 1 and self.points[0].x == 0


@dataclass(frozen=True)
class Axes:
    """What stands beside the axes; `is_share` shows y in percent."""

    x: str
    y: str
    is_share: bool = False


@dataclass(frozen=True)
class Marks:
    """What is drawn over the curves: the length in use (0 for none) and a level worth holding, with its name."""

    length: int = 0
    goal: float | None = None
    goal_label: str = ""


def quality_figure(
    curves: Sequence[Curve],
    axes: Axes,
    published: Sequence[Curve] = (),
    marks: Marks | None = None,
    nothing: str = NOTHING_DRAWN,
) -> go.Figure:
    """Quality against length with 95% bands on a logarithmic axis, each line named at its end.

    Trained lengths are ticks and ringed marks; a level is a horizontal line; published figures are hollow, over all.
    Without curves `nothing` says why.
    """
    figure, marks = go.Figure(), marks or Marks()
    drawn = [point.x for curve in (*curves, *published) for point in curve.points if point.x > 0]
    first, last = (min(drawn), max(drawn)) if drawn else (TRAINED_DIMS[0], TRAINED_DIMS[-1])
    for curve in curves:
        shown = _level(curve, first, last) if curve.is_level else curve
        if len(shown.points) > 1:
            figure.add_trace(_band(shown))
        figure.add_trace(_line(shown, axes, is_level=curve.is_level))
    for curve in published:
        figure.add_trace(_published(curve, axes))
    _length_axis(figure, drawn, first, last, axes.x)
    figure.update_yaxes(title=axes.y, tickformat=".0%" if axes.is_share else ".2f")
    _finish(figure, "" if curves else nothing)
    if curves:
        _annotate(figure, [*curves, *published], marks)
    else:
        figure.update_yaxes(range=[0, 1])
    return figure


def _length_axis(figure: go.Figure, drawn: Sequence[float], first: float, last: float, title: str) -> None:
    ticks = sorted({int(x) for x in drawn} & set(TRAINED_DIMS)) or list(TRAINED_DIMS)
    ticks = sorted({*ticks, int(last)})
    figure.update_xaxes(
        type="log",
        range=[math.log10(first) - 0.04, math.log10(last) + 0.05],
        tickvals=ticks,
        ticktext=[str(tick) for tick in ticks],
        title=title,
    )


def _annotate(figure: go.Figure, curves: Sequence[Curve], marks: Marks) -> None:
    """Names at the lines, the length in use and the goal, over a vertical axis that holds all of them."""
    bounds = [
        value for curve in curves for point in curve.points for value in (point.y, point.low, point.high)
        if value is not None
    ]  # fmt: skip
    bounds += [marks.goal] if marks.goal is not None else []
    margin = 0.04 * (max(bounds) - min(bounds)) or 0.05
    low, high = min(bounds) - margin, max(bounds) + margin
    figure.update_yaxes(range=[low, high])
    ends = [LineEnd(curve.label, curve.style, curve.points[-1].y) for curve in curves if curve.name != "published"]
    name_line_ends(figure, ends, low, high)
    if marks.goal is not None:
        draw_goal(figure, marks.goal, marks.goal_label)
    if marks.length:
        mark_length(figure, marks.length)


def speed_figure(curves: Sequence[Curve], limit: Curve | None) -> go.Figure:
    """Median ms (line) and p95 (upper edge of the band) against length; `limit` is what reading alone takes."""
    figure = go.Figure()
    axes = Axes("numbers kept", "ms for one query")
    for curve in curves:
        figure.add_trace(_band(curve))
        figure.add_trace(_line(curve, axes))
    if limit is not None:
        line = {"color": QUIET, "width": 1.6, "dash": "dot"}
        figure.add_trace(
            go.Scatter(
                x=[point.x for point in limit.points],
                y=[point.y for point in limit.points],
                name=escape_plotly(limit.label),
                mode="lines",
                line=line,
                hovertemplate="%{y:.3g} ms at %{x} numbers<extra></extra>",
            )
        )
    ticks = [int(point.x) for point in curves[0].points] if curves else list(TRAINED_DIMS)
    ticks = [tick for tick in ticks if tick in TRAINED_DIMS or tick == ticks[-1]]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks], title=axes.x)
    figure.update_yaxes(type="log", title=axes.y, tickvals=_DECADES, ticktext=[f"{tick:g}" for tick in _DECADES])
    return _finish(figure, "" if curves else "No times yet: press Measure on this machine.")


_DECADES = [m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5)]


def pareto_figure(clouds: Sequence[Curve], axes: Axes) -> go.Figure:
    """Quality against cost, one sign for each precision, and the frontier: nothing cheaper is as good.

    Points that something as cheap beats are pale and not named one by one: sixteen names would hide the few that
    matter. Those of the frontier have their intervals.
    """
    figure = go.Figure()
    best = frontier([point for cloud in clouds for point in cloud.points])
    for cloud in clouds:
        figure.add_trace(_points(cloud, [point for point in cloud.points if point not in best], QUIET, 0.35))
    for trace in figure.data[:1]:
        trace.update(name="beaten by one of these (point at it)", showlegend=True)
    for cloud in clouds:
        if chosen := [point for point in cloud.points if point in best]:
            figure.add_trace(_points(cloud, chosen, cloud.style.colour, 0.95).update(showlegend=True))
    if best:
        figure.add_trace(
            go.Scatter(
                x=[point.x for point in best],
                y=[point.y for point in best],
                name="frontier",
                mode="lines",
                line={"color": "#a8462f", "width": 2, "shape": "hv"},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [0 if point.high is None else point.high - point.y for point in best],
                    "arrayminus": [0 if point.low is None else point.y - point.low for point in best],
                    "thickness": 1,
                    "width": 3,
                },
                hoverinfo="skip",
            )
        )
    figure.update_xaxes(
        type="log", title=axes.x, tickvals=_COSTS, ticktext=[f"{tick:g}" for tick in _COSTS], tickangle=0
    )
    if drawn := [point.x for cloud in clouds for point in cloud.points if point.x > 0]:
        figure.update_xaxes(range=[math.log10(min(drawn)) - 0.1, math.log10(max(drawn)) + 0.1])
    figure.update_yaxes(title=axes.y, tickformat=".2f")
    return _finish(figure, "" if best else "Nothing to draw for this choice.")


def _points(cloud: Curve, points: Sequence[Point], colour: str, opacity: float) -> go.Scatter:
    return go.Scatter(
        x=[point.x for point in points],
        y=[point.y for point in points],
        name=escape_plotly(cloud.label),
        mode="markers",
        marker={"color": colour, "symbol": cloud.style.symbol, "size": 10, "opacity": opacity},
        customdata=[[escape_plotly(point.note, 200)] for point in points],
        hovertemplate="%{customdata[0]}<extra></extra>",
        showlegend=False,
    )


_COSTS = [m * 10.0**e for e in range(-3, 6) for m in (1, 3)]


def frontier(points: Sequence[Point]) -> list[Point]:
    """Points that no other beats: each is better than everything that costs as little; by rising cost."""
    best: list[Point] = []
    for point in sorted(points, key=lambda each: (each.x, -each.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best


def _finish(figure: go.Figure, empty: str) -> go.Figure:
    """Dress a figure of the tab; `empty` is written into it unless it is ""."""
    figure.update_xaxes(title_standoff=8)
    figure.update_yaxes(title_standoff=6)
    if empty:
        figure.add_annotation(text=escape_plotly(empty), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    legend = {"orientation": "h", "x": 0, "y": -0.17, "yanchor": "top", "font": {"size": 12.5}}
    return dress(figure, 470, {"l": 62, "r": 14, "t": 12, "b": 96}, legend)


def _line(curve: Curve, axes: Axes, *, is_level: bool = False) -> go.Scatter:
    style = curve.style
    trained = set(curve.trained)
    figure = "%{y:.1%}" if axes.is_share else "%{y:.3f}"
    where = "" if is_level else " at %{x} numbers"
    return go.Scatter(
        x=[point.x for point in curve.points],
        y=[point.y for point in curve.points],
        name=escape_plotly(curve.label),
        meta=curve.name,
        mode="lines" if is_level else "lines+markers",
        line={"color": style.colour, "width": 2.4, "dash": style.dash},
        marker={
            "symbol": style.symbol,
            "size": 9,
            "color": style.colour,
            "line": {
                "color": "#a8321f",
                "width": [2 if int(point.x) in trained else 0 for point in curve.points],
            },
        },
        customdata=[[escape_plotly(point.note, 300)] for point in curve.points],
        hovertemplate=f"<b>{escape_plotly(curve.label)}</b><br>{figure}{where}<br>%{{customdata[0]}}<extra></extra>",
    )


def _band(curve: Curve) -> go.Scatter:
    up = [point.y if point.high is None else point.high for point in curve.points]
    down = [point.y if point.low is None else point.low for point in curve.points]
    xs = [point.x for point in curve.points]
    return go.Scatter(
        x=[*xs, *reversed(xs)],
        y=[*up, *reversed(down)],
        fill="toself",
        fillcolor=fade(curve.style.colour),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )


def _level(curve: Curve, first: float, last: float) -> Curve:
    (point,) = curve.points
    points = tuple(Point(x, point.y, point.low, point.high, point.note) for x in (first, last))
    return replace(curve, points=points)


def _published(curve: Curve, axes: Axes) -> go.Scatter:
    figure = "%{y:.1%}" if axes.is_share else "%{y:.3f}"
    return go.Scatter(
        x=[point.x for point in curve.points],
        y=[point.y for point in curve.points],
        name=escape_plotly(curve.label),
        mode="markers",
        marker={"symbol": "diamond-open", "size": 11, "color": QUIET, "line": {"width": 2, "color": QUIET}},
        opacity=0.75,
        customdata=[[escape_plotly(point.note, 400)] for point in curve.points],
        hovertemplate=f"<b>Published</b>: {figure}<br>%{{customdata[0]}}<extra></extra>",
    )
