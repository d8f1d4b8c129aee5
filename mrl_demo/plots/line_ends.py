"""Names at the right end of lines instead of a legend, the length in use, and the level worth holding."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mrl_demo.core.style import Style
from mrl_demo.plots.style import QUIET, escape_plotly

#: The name of the shape that marks the length in use; the page moves it while a slider is dragged.
LENGTH_MARK = "length-mark"
_LINE_END = "line-end"
_MARK_COLOUR = "#9a6b9e"
_LABEL_CHARACTERS = 20
#: Least distance of two names as a share of the height, 2 lines of 12.5 px in about 400 px.
_APART = 0.082
_LONG_APART, _MANY = 0.05, 7
#: One chart with names at its lines, or with a legend if it is less than "narrow_below" pixels wide: changes for
#: plotly's `relayout`. The page's script also shows the names or hides them.
LINE_CHART_LAYOUTS: Mapping[str, Any] = {
    "narrow_below": 640,
    "mark": LENGTH_MARK,
    "names": _LINE_END,
    "wide": {"margin.r": 164, "margin.b": 50, "showlegend": False},
    "narrow": {"margin.r": 14, "margin.b": 96, "showlegend": True},
}


@dataclass(frozen=True)
class LineEnd:
    """A line's name, how it is drawn, and where it ends on the vertical axis."""

    label: str
    style: Style
    y: float


def name_line_ends(figure: go.Figure, ends: Sequence[LineEnd], low: float, high: float) -> None:
    """Write each line's name to the right of the plot, near where it ends, none over another.

    `low` and `high` are the ends of the vertical axis.
    """
    apart = (_APART if len(ends) < _MANY else _LONG_APART) * (high - low)
    places = spread_apart([end.y for end in ends], apart, low, high)
    for end, place in zip(ends, places, strict=True):
        lines = textwrap.wrap(end.label, _LABEL_CHARACTERS)[:2] if len(ends) < _MANY else [end.label[:24]]
        figure.add_annotation(
            name=_LINE_END,
            text=f'<span style="color:{end.style.colour}">●</span> ' + "<br>".join(map(escape_plotly, lines)),
            x=1.01,
            y=place,
            xref="paper",
            yref="y",
            xanchor="left",
            align="left",
            showarrow=False,
            font={"size": 12.5},
        )
    wide = LINE_CHART_LAYOUTS["wide"]
    figure.update_layout(showlegend=False, margin={side: wide[f"margin.{side}"] for side in "rb"})


def name_lines_below(figure: go.Figure) -> go.Figure:
    """Give the figure a legend below instead of names at the lines, for a chart that may be narrow; returns it."""
    figure.layout.annotations = [note for note in figure.layout.annotations if note.name != _LINE_END]
    margin = {side: LINE_CHART_LAYOUTS["narrow"][f"margin.{side}"] for side in "rb"}
    return figure.update_layout(showlegend=True, margin=margin)


def spread_apart(values: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """`values` moved as little as needed to stand `apart` and within `low`..`high`, in their own order.

    >>> spread_apart([0.5, 0.5, 0.9], 0.25, 0.0, 1.0)
    [0.5, 0.25, 0.9]
    """
    order = sorted(range(len(values)), key=lambda i: -values[i])
    places = list(values)
    ceiling = high
    for i in order:
        places[i] = min(places[i], ceiling)
        ceiling = places[i] - apart
    floor = low
    for i in reversed(order):
        places[i] = max(places[i], floor)
        floor = places[i] + apart
    return places


def mark_length(figure: go.Figure, dim: int) -> None:
    """Draw the upright line of the length in use."""
    figure.add_shape(
        name=LENGTH_MARK,
        type="line",
        x0=dim,
        x1=dim,
        y0=0,
        y1=1,
        xref="x",
        yref="paper",
        line={"color": _MARK_COLOUR, "width": 1.6, "dash": "dot"},
    )


def draw_goal(figure: go.Figure, y: float, label: str) -> None:
    """Draw a level that is worth holding across the plot, named at its left end."""
    figure.add_shape(
        type="line", x0=0, x1=1, y0=y, y1=y, xref="paper", yref="y", line={"color": QUIET, "width": 1, "dash": "dash"}
    )
    figure.add_annotation(
        text=escape_plotly(label),
        x=0.005,
        y=y,
        xref="paper",
        yref="y",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 11.5},
    )
