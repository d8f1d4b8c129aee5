"""A funnel drawn: documents entering and leaving each stage, and the known answers lost there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mrl_demo.plots.style import dress, escape_plotly, fade

_IN, _OUT, _LOST = "#1c8da6", "#1c8da6", "#a8321f"


@dataclass(frozen=True)
class FunnelBar:
    """One stage: its name, documents in and out, known answers lost, and what stands in its hover text."""

    label: str
    entering: int
    leaving: int
    lost: int
    note: str = ""


def funnel_figure(bars: Sequence[FunnelBar]) -> go.Figure:
    """Stages from top to bottom, as wide as the logarithm of their documents: entering pale, leaving solid."""
    figure = go.Figure()
    labels = [escape_plotly(bar.label, 40) for bar in bars]
    figure.add_trace(_bars("entering", labels, bars, [bar.entering for bar in bars], fade(_IN).replace(".13", ".3")))
    figure.add_trace(_bars("leaving", labels, bars, [bar.leaving for bar in bars], _OUT))
    for label, bar in zip(labels, bars, strict=True):
        lost = f", <b>{bar.lost:,} known answers lost</b>" if bar.lost else ""
        figure.add_annotation(
            x=0,
            y=label,
            yshift=25,
            text=f"{bar.entering:,} in, {bar.leaving:,} out{lost}",
            showarrow=False,
            font={"size": 12, "color": _LOST if bar.lost else None},
        )
    widest = max((_width(bar.entering) for bar in bars), default=1.0)
    figure.update_xaxes(range=[-widest / 2 - 0.1, widest / 2 + 0.1], showticklabels=False, showgrid=False)
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_layout(barmode="overlay", bargap=0.5)
    height = 90 + 62 * max(1, len(bars))
    return dress(
        figure, height, {"l": 20, "r": 18, "t": 30, "b": 40}, {"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0}
    )


def _bars(name: str, labels: list[str], bars: Sequence[FunnelBar], counts: list[int], colour: str) -> go.Bar:
    widths = [_width(count) for count in counts]
    return go.Bar(
        y=labels,
        x=widths,
        base=[-width / 2 for width in widths],
        width=0.42,
        orientation="h",
        name=f"documents {name} (logarithmic)",
        marker={"color": colour, "line": {"width": 0}},
        customdata=[[escape_plotly(bar.note, 300)] for bar in bars],
        hovertemplate="%{customdata[0]}<extra></extra>",
    )


def _width(count: int) -> float:
    return math.log10(count + 1)
