"""Figures of a training run from plain numbers: loss by prefix over steps, validation by prefix against base."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.plots.style import dress

#: From the shortest prefix to the longest: hues that stay apart, with 3:1 contrast on white and on near black.
_HUES = ("#c8601a", "#a98200", "#5b9345", "#2f8f6a", "#1c8da6", "#5f7fd6", "#8f63cc", "#c0528f")
_MAX_POINTS = 400
_HEIGHT = 320
#: Shorter prefixes make the chart of shares a thicket.
_SHORTEST_SHARED = 32

#: Loss by prefix, as `(step, loss)` points; the key 0 is a loss that knows no prefixes.
Losses = Mapping[int, Sequence[tuple[int, float]]]


def loss_figure(tasks: Mapping[str, Losses]) -> go.Figure:
    """Draw the loss at every prefix over the steps, one subplot for each kind of batch (they have scales of their own).

    Keys of `tasks` are the subplots' titles.
    """
    titles = list(tasks) or [""]
    figure = make_subplots(rows=1, cols=len(titles), horizontal_spacing=0.1, subplot_titles=titles)
    dims = sorted({dim for losses in tasks.values() for dim in losses})
    seen: set[int] = set()
    for column, losses in enumerate(tasks.values(), start=1):
        for dim, points in sorted(losses.items()):
            kept = _thinned(points)
            trace = go.Scatter(
                x=[step for step, _ in kept],
                y=[loss for _, loss in kept],
                name=_label(dim),
                legendgroup=str(dim),
                showlegend=dim not in seen,
                mode="lines" if len(kept) > 1 else "markers",
                line={"color": _hue(dims.index(dim), len(dims)), "width": 2},
                hovertemplate=f"step %{{x}}: %{{y:.3f}}<extra>{_label(dim)}</extra>",
            )
            figure.add_trace(trace, row=1, col=column)
            seen.add(dim)
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title={"text": "step", "standoff": 6})
    return _finish(figure, "loss")


def validation_figure(
    base: Mapping[int, float],
    validations: Sequence[tuple[int, Mapping[int, float]]],
    *,
    base_colour: str,
    run_colour: str,
) -> go.Figure:
    """Draw mean nDCG@10 against length: base dashed, every validation of the run, the last one strongest."""
    figure = go.Figure()
    if base:
        figure.add_trace(_curve(base, "base", {"color": base_colour, "width": 2.4, "dash": "dash"}, 1.0))
    for place, (step, values) in enumerate(validations, start=1):
        last = place == len(validations)
        line = {"color": run_colour, "width": 3.0 if last else 1.6}
        figure.add_trace(_curve(values, f"step {step}", line, 1.0 if last else 0.3 + 0.4 * place / len(validations)))
    dims = sorted({*base, *(dim for _, values in validations for dim in values)}) or list(TRAINED_DIMS)
    figure.update_xaxes(
        type="log",
        range=[math.log10(dims[0]) - 0.04, math.log10(dims[-1]) + 0.04],
        tickvals=dims,
        ticktext=[str(dim) for dim in dims],
        title={"text": "numbers kept", "standoff": 6},
    )
    return _finish(figure, "nDCG@10 on validation queries")


def share_figure(
    shares: Sequence[tuple[float, Mapping[int, float], Mapping[str, float]]], kept: float | None
) -> go.Figure:
    """Draw what each share of the training brings the run's own queries, and beside it what text of others loses.

    `shares` are `(share, nDCG@10 by length, tax by collection)`; an upright line marks the share that is `kept`.
    """
    figure = make_subplots(
        rows=1, cols=2, horizontal_spacing=0.13, subplot_titles=["Yours: nDCG@10", "Others: loss, %"]
    )
    lengths = sorted({dim for _, own, _ in shares for dim in own if dim >= _SHORTEST_SHARED} or {0})
    for place, dim in enumerate(lengths):
        values = [own.get(dim, math.nan) for _, own, _ in shares]
        figure.add_trace(_share_line(shares, values, _label(dim), _hue(place, len(lengths)), "%{y:.3f}"), row=1, col=1)
    names = list(dict.fromkeys(name for _, _, tax in shares for name in tax))
    for place, name in enumerate(names):
        losses = [100 * tax.get(name, math.nan) for _, _, tax in shares]
        line = _share_line(shares, losses, name, _hue(place, len(names)), "%{y:.1f}%")
        figure.add_trace(line.update(line_dash="dash"), row=1, col=2)
    if kept is not None:
        figure.add_vline(kept, line={"width": 1.6, "dash": "dot", "color": "#888888"})
    figure.update_xaxes(range=[-0.03, 1.03], tickformat=".0%")
    return _finish(figure, "")


def _share_line(
    shares: Sequence[tuple[float, Mapping[int, float], Mapping[str, float]]],
    values: Sequence[float],
    name: str,
    colour: str,
    shown: str,
) -> go.Scatter:
    return go.Scatter(
        x=[share for share, _, _ in shares],
        y=list(values),
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        hovertemplate=f"%{{x:.0%}} kept: {shown}<extra>{name}</extra>",
    )


def _curve(values: Mapping[int, float], name: str, line: Mapping[str, object], opacity: float) -> go.Scatter:
    dims = sorted(values)
    return go.Scatter(
        x=dims,
        y=[values[dim] for dim in dims],
        name=name,
        mode="lines+markers",
        line=dict(line),
        marker={"size": 6},
        opacity=opacity,
        hovertemplate=f"%{{x}} numbers: %{{y:.3f}}<extra>{name}</extra>",
    )


def _label(dim: int) -> str:
    return f"{dim} numbers" if dim else "all numbers"


def _hue(place: int, count: int) -> str:
    return _HUES[round(place * (len(_HUES) - 1) / max(count - 1, 1))]


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `_MAX_POINTS` means of neighbouring points, so that a long run is drawn as quickly as a short one."""
    size = math.ceil(len(points) / _MAX_POINTS) or 1
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in parts]


def _finish(figure: go.Figure, y_title: str) -> go.Figure:
    figure.layout.yaxis.title = {"text": y_title, "standoff": 6}
    legend = {"orientation": "h", "y": -0.24, "x": 0, "font": {"size": 12}}
    return dress(figure, _HEIGHT, {"l": 56, "r": 14, "t": 34, "b": 50}, legend)
