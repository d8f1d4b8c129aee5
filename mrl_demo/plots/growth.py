"""What lengths keep as a collection grows: a line a length over the logarithm of the number of documents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mrl_demo.plots.style import QUIET, dress

_CHOSEN = "#1c8da6"
#: Ends nearer than this have no room for a label each.
_TOO_CLOSE = 0.045


@dataclass(frozen=True)
class GrowthLine:
    """One length: shares in 0..1 with their intervals at each size, and where a straight line ends.

    `end` is (documents, share), None if no line is drawn.
    """

    label: str
    shares: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    end: tuple[float, float] | None
    is_chosen: bool


def growth_figure(sizes: Sequence[int], grow_to: int, lines: Sequence[GrowthLine]) -> go.Figure:
    """Measured shares solid, the straight line to `grow_to` documents dotted; the chosen length in colour."""
    figure = go.Figure()
    for line in sorted(lines, key=lambda each: each.is_chosen):
        colour, width = (_CHOSEN, 3) if line.is_chosen else (QUIET, 1.4)
        figure.add_trace(_measured(sizes, line, colour, width))
        if line.end is not None:
            ends = {"x": [sizes[-1], line.end[0]], "y": [line.shares[-1], line.end[1]]}
            dots = {"color": colour, "width": width, "dash": "dot"}
            figure.add_trace(go.Scatter(**ends, mode="lines", line=dots, hoverinfo="skip", showlegend=False))
    _label_ends(figure, lines, max(grow_to, sizes[-1]) if any(line.end for line in lines) else sizes[-1])
    figure.update_xaxes(type="log", title="documents (logarithmic)", dtick=1)
    figure.update_yaxes(title="share of full length kept", tickformat=".0%", rangemode="tozero")
    return dress(figure, 380, {"l": 60, "r": 62, "t": 16, "b": 50})


def _label_ends(figure: go.Figure, lines: Sequence[GrowthLine], right: int) -> None:
    """Name the lines at the right; lines that end close together share a label."""
    groups: list[list[tuple[float, GrowthLine]]] = []
    for height, line in sorted(((_height(line), line) for line in lines), key=lambda pair: pair[0]):
        if groups and height - groups[-1][0][0] < _TOO_CLOSE:
            groups[-1].append((height, line))
        else:
            groups.append([(height, line)])
    for group in groups:
        members = sorted((line for _, line in group), key=lines.index)
        text = members[0].label if len(members) == 1 else f"{members[0].label}–{members[-1].label}"
        is_chosen = any(line.is_chosen for line in members)
        figure.add_annotation(
            x=math.log10(right),
            y=sum(height for height, _ in group) / len(group),
            text=f"<b>{text}</b>" if is_chosen else text,
            xanchor="left",
            xshift=4,
            showarrow=False,
            font={"size": 11.5, "color": _CHOSEN if is_chosen else QUIET},
        )


def _height(line: GrowthLine) -> float:
    return line.shares[-1] if line.end is None else line.end[1]


def _measured(sizes: Sequence[int], line: GrowthLine, colour: str, width: float) -> go.Scatter:
    above = [high - share for high, share in zip(line.highs, line.shares, strict=True)]
    below = [share - low for low, share in zip(line.lows, line.shares, strict=True)]
    bars = {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1, "width": 3}
    return go.Scatter(
        x=list(sizes),
        y=list(line.shares),
        error_y=bars | {"visible": line.is_chosen, "color": colour},
        mode="lines+markers",
        line={"color": colour, "width": width},
        marker={"size": 6 if line.is_chosen else 4, "color": colour},
        name=line.label,
        hovertemplate=f"{line.label} numbers<br>%{{x:,}} documents: %{{y:.1%}}<extra></extra>",
    )
