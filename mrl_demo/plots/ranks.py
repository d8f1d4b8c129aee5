"""Figures from dataclasses: pure, and coloured so that they read on light and dark pages alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mrl_demo.core.style import Style
from mrl_demo.core.types import TRAINED_DIMS, ComparedArm, Comparison, RankPaths
from mrl_demo.plots.style import QUIET, dress, escape_plotly

MARK_COLOUR = "#9a6b9e"
#: The name of the shapes that mark the length in use; the page moves them while the slider is dragged.
DIMENSION_MARK = "dimension"
#: The name of the annotations that say which document decides.
WINNER_NAME = "winner"
_TITLE_LIMIT, _NAME_LIMIT = 70, 44
#: For the name of the lowest line, in powers of ten.
_ROOM_BELOW = 0.3
_HEIGHT, _SPACING = 360, 0.04
_WIDTH = (1 - _SPACING) / 2
#: The same chart of two arms beside or above each other, as changes for plotly's `relayout`; the page's script takes
#: "narrow" if the chart is less than "narrow_below" pixels wide, and moves the shapes named "mark".
RANK_CHART_LAYOUTS: Mapping[str, Any] = {
    "narrow_below": 640,
    "mark": DIMENSION_MARK,
    "wide": {
        "height": _HEIGHT,
        "xaxis.tickfont.size": 12,
        "xaxis2.tickfont.size": 12,
        "xaxis.domain": [0, _WIDTH],
        "xaxis2.domain": [1 - _WIDTH, 1],
        "yaxis.domain": [0, 1],
        "yaxis2.domain": [0, 1],
        "yaxis2.showticklabels": False,
        "annotations[0].x": _WIDTH / 2,
        "annotations[1].x": 1 - _WIDTH / 2,
        "annotations[0].y": 1,
        "annotations[1].y": 1,
    },
    "narrow": {
        "height": 600,
        "xaxis.tickfont.size": 10,  # Where 256 and 384 are near each other.
        "xaxis2.tickfont.size": 10,
        "xaxis.domain": [0, 1],
        "xaxis2.domain": [0, 1],
        "yaxis.domain": [0.57, 1],
        "yaxis2.domain": [0, 0.43],
        "yaxis2.showticklabels": True,
        "annotations[0].x": 0.5,
        "annotations[1].x": 0.5,
        "annotations[0].y": 1,
        "annotations[1].y": 0.43,
    },
}


def rank_moves_figure(comparison: Comparison, styles: Mapping[str, Style]) -> go.Figure:
    """Draw how the ranks of the top documents move over all listed dimensions, one subplot an arm, axes shared.

    Both axes are logarithmic, rank 1 is on top, trained lengths are ticks and the dimension in use is a dotted line.
    Known answers are drawn thick and named in the colour that `styles` has for the arm's name; with no known answer the
    first document at full length is. Each line knows its arm and document (`meta`), so that the page can link it to
    a card.
    """
    arms = comparison.arms
    figure = make_subplots(
        rows=1,
        cols=len(arms),
        shared_yaxes=True,
        horizontal_spacing=_SPACING,
        subplot_titles=[escape_plotly(arm.spec.label, _TITLE_LIMIT) for arm in arms],
    )
    for column, arm in enumerate(arms, start=1):
        for trace in _traces(arm, styles[arm.spec.name].colour):
            figure.add_trace(trace, row=1, col=column)
        figure.add_vline(
            x=comparison.dim,
            row=1,
            col=column,
            line={"color": MARK_COLOUR, "width": 2, "dash": "dot"},
            name=DIMENSION_MARK,
        )
    for column, arm in enumerate(arms, start=1):
        _name_strongest(figure, arm, styles[arm.spec.name].colour, column)
    for annotation, arm in zip(figure.layout.annotations, arms, strict=False):  # The first are the headings.
        annotation.font = {"size": 15, "color": styles[arm.spec.name].colour}
    _scale_axes(figure, arms)
    return dress(figure, _HEIGHT, {"l": 58, "r": 14, "t": 34, "b": 52})


def emphasised_rows(paths: RankPaths) -> tuple[int, ...]:
    """Rows of `paths.ranks` that decide whether the query holds: the known answers, or the first at full length."""
    if paths.tracked == "answer" and any(paths.is_answer):
        return tuple(row for row, answer in enumerate(paths.is_answer) if answer)
    return (int(paths.ranks[:, -1].argmin()),) if len(paths.ranks) else ()


def _name_strongest(figure: go.Figure, arm: ComparedArm, colour: str, column: int) -> None:
    """Write the title of the document that decides at the deepest point of its line, where other lines are few."""
    rows = emphasised_rows(arm.paths)
    if not rows:
        return
    ranks = arm.paths.ranks[rows[0]]
    deepest = int(ranks.argmax())
    is_left = deepest < len(arm.paths.dims) // 2
    figure.add_annotation(
        x=math.log10(arm.paths.dims[deepest]),
        y=math.log10(int(ranks[deepest])),
        row=1,
        col=column,
        text=escape_plotly(arm.paths.titles[rows[0]], _NAME_LIMIT),
        xanchor="left" if is_left else "right",
        yanchor="top",
        xshift=4 if is_left else -4,
        yshift=-5,
        showarrow=False,
        name=WINNER_NAME,
        font={"size": 12.5, "color": colour},
    )


def _traces(arm: ComparedArm, colour: str) -> list[go.Scatter]:
    strong = set(emphasised_rows(arm.paths))
    rows = sorted(range(len(arm.paths.titles)), key=lambda row: row in strong)  # The thick lines are drawn last.
    return [
        _trace(arm.paths, row, colour if row in strong else None).update(
            meta={"arm": arm.spec.name, "doc": arm.paths.indices[row]}
        )
        for row in rows
    ]


def _trace(paths: RankPaths, row: int, colour: str | None) -> go.Scatter:
    title = escape_plotly(paths.titles[row], _TITLE_LIMIT)
    return go.Scatter(
        x=[int(dim) for dim in paths.dims],
        y=[int(rank) for rank in paths.ranks[row]],
        name=title,
        mode="lines+markers" if colour else "lines",
        line={"color": colour or QUIET, "width": 3.2 if colour else 1.4, "shape": "linear"},
        marker={"size": 5},
        opacity=1.0 if colour else 0.6,
        showlegend=False,
        hovertemplate=f"<b>{title}</b><br>rank %{{y:,}} at %{{x}} numbers<extra></extra>",
    )


def _scale_axes(figure: go.Figure, arms: tuple[ComparedArm, ...]) -> None:
    lowest = max((int(arm.paths.ranks.max(initial=1)) for arm in arms), default=1)
    full = max((arm.paths.dims[-1] for arm in arms), default=TRAINED_DIMS[-1])
    first = min((arm.paths.dims[0] for arm in arms), default=1)
    ticks = sorted({1, *(dim for dim in TRAINED_DIMS if dim <= full), full})
    figure.update_xaxes(
        type="log",
        range=[math.log10(first) - 0.04, math.log10(full) + 0.04],
        tickvals=ticks,
        ticktext=[str(tick) for tick in ticks],
        title={"text": "numbers kept", "standoff": 8},
    )
    figure.update_yaxes(
        type="log",
        range=[math.log10(max(lowest, 10)) + _ROOM_BELOW, -0.08],
        tickvals=[1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000],
        ticktext=["1", "3", "10", "30", "100", "300", "1,000", "3,000", "10k", "30k", "100k"],
    )
    figure.update_yaxes(title={"text": "rank", "standoff": 6}, col=1)
