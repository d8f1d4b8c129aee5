"""Figures of a decision: settings by bytes, two distributions of scores, costs side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mrl_demo.plots.curves import Point
from mrl_demo.plots.style import QUIET, dress, escape_plotly, fade

_BEST, _FRONTIER, _TARGET = "#c8601a", "#1c8da6", "#a8321f"
_RELATED, _UNRELATED = "#1c8da6", "#c8601a"
_LEGEND = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "font": {"size": 12}}
_MARGIN = {"l": 60, "r": 18, "t": 34, "b": 54}


@dataclass(frozen=True)
class CeilingLine:
    """How much an arm keeps of the reference at rising bytes, with its interval: what there is to gain at all."""

    label: str
    colour: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class ScoreSide:
    """One panel: shares of related and unrelated pairs by score from each of `edges` on, and cut-offs by their name."""

    title: str
    edges: tuple[float, ...]
    related: tuple[float, ...]
    unrelated: tuple[float, ...]
    cutoffs: tuple[tuple[str, float], ...]


def settings_figure(
    dominated: Sequence[Point],
    frontier: Sequence[Point],
    best: Point | None,
    target: float,
    ceiling: Sequence[CeilingLine] = (),
) -> go.Figure:
    """Share kept against bytes a vector: the frontier with its lower bounds, the rest grey, the target as a line."""
    figure = go.Figure()
    for line in ceiling:
        figure.add_trace(_band(line))
        figure.add_trace(_ceiling_line(line))
    figure.add_trace(_marks("something cheaper keeps more", dominated, QUIET, 6, opacity=0.45))
    figure.add_trace(_frontier(frontier))
    if best is not None:
        figure.add_trace(_marks("recommended", [best], _BEST, 15, symbol="circle-open", line_width=3))
    figure.add_hline(y=target, line={"color": _TARGET, "dash": "dash", "width": 1.5})
    drawn = [point for point in (*dominated, *frontier) if point.x > 0]
    low, high = (min(p.x for p in drawn), max(p.x for p in drawn)) if drawn else (8, 1536)
    ticks = [4**power for power in range(8) if low / 1.5 <= 4**power <= high * 1.5]
    figure.update_xaxes(
        type="log",
        range=[math.log10(low) - 0.06, math.log10(high) + 0.06],
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
        tickangle=0,
        title={"text": "bytes a vector in memory", "standoff": 6},
    )
    floor = min((p.y for p in frontier), default=0.0)
    figure.update_yaxes(title="share kept", tickformat=".0%", range=[max(0.0, floor - 0.05), 1.06])
    return dress(figure, 450, _MARGIN, _LEGEND)


def score_figure(sides: Sequence[ScoreSide]) -> go.Figure:
    """Related against unrelated pairs by score, one panel a length, with the cut-offs as lines."""
    titles = [side.title for side in sides] or [""]
    figure = make_subplots(rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=0.14, subplot_titles=titles)
    for row, side in enumerate(sides, 1):
        for name, shares, colour in (("unrelated", side.unrelated, _UNRELATED), ("related", side.related, _RELATED)):
            figure.add_trace(_density(name, side.edges, shares, colour, shows_legend=row == 1), row=row, col=1)
        for place, (label, value) in enumerate(sorted(side.cutoffs, key=lambda cutoff: cutoff[1])):
            anchor = "right" if place == 0 and len(side.cutoffs) > 1 else "left"
            figure.add_vline(x=value, line={"color": _TARGET, "width": 1.6, "dash": "dot"}, row=row, col=1)
            figure.add_annotation(
                x=value,
                y=1,
                yref="y domain" if row == 1 else f"y{row} domain",
                text=label,
                showarrow=False,
                xanchor=anchor,
                xshift=3 if anchor == "left" else -3,
                font={"size": 11},
                row=row,
                col=1,
            )
    used = [e for s in sides for e, a, b in zip(s.edges, s.related, s.unrelated, strict=True) if a + b > 1e-4]
    figure.update_xaxes(range=[min(used, default=-0.2) - 0.03, max(used, default=1.0) + 0.05])
    figure.update_xaxes(title="cosine", row=len(titles), col=1)
    figure.update_yaxes(showticklabels=False, title="share of pairs")
    return dress(figure, 440, _MARGIN, _LEGEND)


def money_figure(labels: Sequence[str], memory: Sequence[float], disk: Sequence[float], currency: str) -> go.Figure:
    """Memory and disk money a month of each way to serve, stacked; the first label on top."""
    # On two lines: beside a phone's bars there is room for half of a label.
    names = [escape_plotly(label, 44).replace(": ", ":<br>", 1).replace(", then", ",<br>then", 1) for label in labels]
    figure = go.Figure()
    for title, values, colour in (("memory", memory, _RELATED), ("disk", disk, _UNRELATED)):
        hover = f"%{{y}}<br>{title}: %{{x:,.2f}} {escape_plotly(currency, 12)} a month<extra></extra>"
        figure.add_trace(
            go.Bar(
                y=names,
                x=list(values),
                name=title,
                orientation="h",
                marker={"color": colour},
                hovertemplate=hover,
            )
        )
    totals = [a + b for a, b in zip(memory, disk, strict=True)]
    for name, total in zip(names, totals, strict=True):
        figure.add_annotation(x=total, y=name, text=f"{total:,.2f}", showarrow=False, xanchor="left", xshift=5)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title=f"{escape_plotly(currency, 12)} a month", range=[0, (max(totals, default=1) or 1) * 1.3])
    figure.update_yaxes(autorange="reversed", automargin=True, ticksuffix="  ")
    legend = {**_LEGEND, "y": 1.02, "yanchor": "bottom"}
    return dress(figure, 310, {"l": 20, "r": 18, "t": 40, "b": 50}, legend)


def _marks(
    name: str,
    points: Sequence[Point],
    colour: str,
    size: int,
    symbol: str = "circle",
    line_width: int = 0,
    opacity: float = 1.0,
) -> go.Scatter:
    return go.Scatter(
        x=[p.x for p in points],
        y=[p.y for p in points],
        mode="markers",
        name=name,
        opacity=opacity,
        marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": line_width, "color": colour}},
        text=[escape_plotly(p.note, 200) for p in points],
        hovertemplate="%{text}<extra></extra>",
    )


def _frontier(points: Sequence[Point]) -> go.Scatter:
    below = [p.y - (p.y if p.low is None else p.low) for p in points]
    return go.Scatter(
        x=[p.x for p in points],
        y=[p.y for p in points],
        mode="lines+markers",
        name="no cheaper setting keeps as much",
        line={"color": _FRONTIER, "width": 2, "shape": "hv"},
        marker={"size": 8},
        error_y={"type": "data", "symmetric": False, "array": [0] * len(below), "arrayminus": below, "thickness": 1},
        text=[escape_plotly(p.note, 200) for p in points],
        hovertemplate="%{text}<extra></extra>",
    )


def _band(line: CeilingLine) -> go.Scatter:
    highs = [p.y if p.high is None else p.high for p in line.points]
    lows = [p.y if p.low is None else p.low for p in line.points]
    xs = [p.x for p in line.points]
    return go.Scatter(
        x=[*xs, *reversed(xs)],
        y=[*highs, *reversed(lows)],
        fill="toself",
        fillcolor=fade(line.colour),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def _ceiling_line(line: CeilingLine) -> go.Scatter:
    return go.Scatter(
        x=[p.x for p in line.points],
        y=[p.y for p in line.points],
        mode="lines",
        name=escape_plotly(line.label, 60),
        line={"color": line.colour, "width": 1.4, "dash": "dash"},
        text=[escape_plotly(p.note, 200) for p in line.points],
        hovertemplate="%{text}<extra></extra>",
    )


def _density(
    name: str, edges: Sequence[float], shares: Sequence[float], colour: str, *, shows_legend: bool
) -> go.Scatter:
    return go.Scatter(
        x=list(edges),
        y=list(shares),
        mode="lines",
        name=name,
        legendgroup=name,
        showlegend=shows_legend,
        fill="tozeroy",
        fillcolor=fade(colour),
        line={"color": colour, "width": 1.8, "shape": "hv"},
        hovertemplate=f"{name} pairs from %{{x:.2f}}: %{{y:.2%}}<extra></extra>",
    )
