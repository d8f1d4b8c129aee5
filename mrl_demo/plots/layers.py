"""Quality over layers and lengths: a heat map with lines of equal quality, equal bytes and equal time to encode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import plotly.graph_objects as go

from mrl_demo.plots.style import QUIET, dress

#: From a pale sand to a deep teal: cells up to the middle take dark figures, those above it white ones.
_COLOURS = [[0.0, "#efe6d2"], [0.5, "#8fb9b4"], [1.0, "#125a70"]]
_DARK, _LIGHT = "#1f2430", "#ffffff"
#: Shares of the best figure that are joined by lines.
_LEVELS = (0.5, 0.75, 0.9, 0.95)
_PACES = (1.5, 2.0, 3.0, 4.0, 6.0)
_LINE_COLOUR = "#b8432f"
_EMPTY = "Nothing is measured by layer here yet."


@dataclass(frozen=True)
class LayerBand:
    """One row of the map: how many layers, the figure at each length (None: not measured), times as fast as all."""

    layers: int
    values: tuple[float | None, ...]
    speed_up: float | None


def layers_figure(dims: Sequence[int], bands: Sequence[LayerBand], measure: str) -> go.Figure:
    """Draw `bands`, rising by layers, over lengths; without any it says that there is nothing.

    A column has equal bytes and a row equal time, as its ticks say; dotted lines are at round speed-ups between rows,
    thick ones join equal shares of the best figure.
    """
    figure = go.Figure()
    if not bands:
        figure.add_annotation(text=_EMPTY, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
        figure.update_xaxes(visible=False).update_yaxes(visible=False)
        return dress(figure, 430, {"l": 62, "r": 14, "t": 12, "b": 60})
    places, rows = [float(place) for place in range(len(dims))], [band.layers for band in bands]
    values = [list(band.values) for band in bands]
    known = [value for row in values for value in row if value is not None]
    figure.add_trace(_cells(places, rows, values, measure, dims))
    figure.add_trace(_figures(places, rows, values, min(known), max(known)))
    if len(bands) > 1:
        _join_equal(figure, places, rows, values, max(known))
        _mark_paces(figure, bands, places)
    figure.update_xaxes(
        tickvals=places,
        ticktext=[f"{dim} ({_bytes(4 * dim)})" for dim in dims],
        title={"text": "numbers kept, and bytes of a vector", "standoff": 8},
        automargin=True,  # On a phone the ticks are turned.
        showgrid=False,
    )
    figure.update_yaxes(tickvals=rows, ticktext=[_tick(band) for band in bands], showgrid=False)
    return dress(figure, 120 + 52 * max(len(bands), 5), {"l": 74, "r": 34, "t": 12, "b": 70})


def _cells(
    places: Sequence[float], rows: Sequence[int], values: list[list[float | None]], measure: str, dims: Sequence[int]
) -> go.Heatmap:
    return go.Heatmap(
        x=places,
        y=rows,
        z=values,
        customdata=[list(dims) for _ in rows],
        colorscale=_COLOURS,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate=f"%{{y}} layers, %{{customdata}} numbers<br>{measure} %{{z:.3f}}<extra></extra>",
    )


def _figures(
    places: Sequence[float], rows: Sequence[int], values: list[list[float | None]], low: float, high: float
) -> go.Scatter:
    """The figures in the cells, legible on each."""
    spread = (high - low) or 1.0
    cells = [
        (x, y, value)
        for y, row in zip(rows, values, strict=True)
        for x, value in zip(places, row, strict=True)
        if value is not None
    ]
    return go.Scatter(
        x=[x for x, _, _ in cells],
        y=[y for _, y, _ in cells],
        text=[f"{value:.2f}".lstrip("0") if value < 1 else "1" for _, _, value in cells],
        mode="text",
        textfont={"size": 12, "color": [_LIGHT if (v - low) / spread > 0.75 else _DARK for _, _, v in cells]},
        hoverinfo="skip",
    )


def _join_equal(
    figure: go.Figure, places: Sequence[float], rows: Sequence[int], values: list[list[float | None]], best: float
) -> None:
    """Lines of equal quality, each named by its share of the best figure."""
    for share in _LEVELS:
        level = {"start": share * best, "end": share * best, "size": 1}
        figure.add_trace(
            go.Contour(
                x=places,
                y=rows,
                z=values,
                contours={"coloring": "none", **level},
                line={"color": _LINE_COLOUR, "width": 2.2 if share == _LEVELS[-1] else 1.3},
                name=f"{share:.0%}",
                showscale=False,
                showlegend=True,
                hoverinfo="skip",
            )
        )
        if (end := _right_end(rows, values, share * best)) is not None:
            figure.add_annotation(
                x=places[-1] + 0.5,
                y=end,
                text=f"{share:.0%}",
                showarrow=False,
                xanchor="left",
                xshift=4,
                font={"size": 11, "color": _LINE_COLOUR},
            )


def _right_end(rows: Sequence[int], values: list[list[float | None]], level: float) -> float | None:
    """The height at which the last column passes a level, None if it does not."""
    for (low, first), (high, second) in pairwise(zip(rows, (row[-1] for row in values), strict=True)):
        if first is not None and second is not None and first < level <= second:
            return low + (high - low) * (level - first) / (second - first)
    return None


def _mark_paces(figure: go.Figure, bands: Sequence[LayerBand], places: Sequence[float]) -> None:
    """Dotted lines at which encoding is so many times as fast as with all layers."""
    for pace in _PACES:
        height = _height_of(pace, bands)
        if height is None:
            continue
        figure.add_shape(
            type="line",
            x0=places[0] - 0.5,
            x1=places[-1] + 0.5,
            y0=height,
            y1=height,
            line={"color": QUIET, "width": 1.2, "dash": "dot"},
        )
        figure.add_annotation(
            x=places[0] - 0.5,
            y=height,
            text=f"{pace:g}x",
            showarrow=False,
            xanchor="right",
            xshift=-2,
            font={"size": 10.5, "color": QUIET},
        )


def _height_of(pace: float, bands: Sequence[LayerBand]) -> float | None:
    timed = [(band.layers, band.speed_up) for band in bands if band.speed_up]
    for (low, faster), (high, slower) in pairwise(timed):
        if slower < pace <= faster:
            return low + (high - low) * (faster - pace) / (faster - slower)
    return None


def _tick(band: LayerBand) -> str:
    name = "1 layer" if band.layers == 1 else f"{band.layers} layers"
    return f"{name}<br>{band.speed_up:.1f}x" if band.speed_up and abs(band.speed_up - 1) > 0.005 else name


def _bytes(count: int) -> str:
    return f"{count} B" if count < 1024 else f"{count / 1024:.3g} kB"
