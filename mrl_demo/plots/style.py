"""How precisions are drawn in every figure (the catalogue says it of arms), and what all figures share."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

from mrl_demo.arms.arm import Style

GRID = "rgba(139,147,161,.22)"
TEXT = "#6b7280"
LINE_COLOUR = "#8b93a1"
HEIGHT = 470

_PRECISION_STYLES = {
    "float32": Style("#1c8da6", "circle"),
    "float16": Style("#a98200", "square", "dash"),
    "int8": Style("#c0528f", "diamond", "dot"),
    "binary": Style("#8b93a1", "x", "dashdot"),
    "binary+rescore": Style("#c8601a", "triangle-up", "longdash"),
}
_OTHER_PRECISION = Style("#5f7fd6", "cross", "dashdot")


def precision_style(name: str) -> Style:
    """How a precision is drawn; one style for all that the page does not offer (a result file may hold such)."""
    return _PRECISION_STYLES.get(name, _OTHER_PRECISION)


def _dressed(figure: go.Figure, empty: str = "") -> go.Figure:
    axis: dict[str, Any] = {"fixedrange": True, "showgrid": True, "zeroline": False, "gridcolor": GRID}
    figure.update_xaxes(**axis, title_standoff=8)
    figure.update_yaxes(**axis, title_standoff=6)
    if empty:
        figure.add_annotation(text=_plain(empty), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    figure.update_layout(
        template=None,
        height=HEIGHT,
        margin={"l": 62, "r": 14, "t": 12, "b": 96},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        dragmode=False,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.17, "yanchor": "top", "font": {"size": 12.5}},
        font={"family": "sans-serif", "size": 12.5, "color": TEXT},
        hoverlabel={
            "bgcolor": "#1f2430",
            "font": {"color": "#ffffff"},
            "bordercolor": "rgba(0,0,0,0)",
            "align": "left",
        },
    )
    return figure


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},.13)"


def _plain(text: str, limit: int = 90) -> str:
    """Escape plotly's little markup, but keep our own line breaks."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return html.escape(shown, quote=False).replace("\n", "<br>")
