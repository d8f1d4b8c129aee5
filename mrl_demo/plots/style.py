"""What all figures share: the look of axes and hover labels, plain text, and how precisions are drawn."""

from __future__ import annotations

import html
from collections.abc import Mapping

import plotly.graph_objects as go

from mrl_demo.core.style import Style

GRID = "rgba(139,147,161,.22)"
TEXT = "#6b7280"
QUIET = "#8b93a1"
_CLEAR = "rgba(0,0,0,0)"

#: Mid-tones with 3:1 contrast on white and on near black, none of them the colour of an arm.
_PRECISION_STYLES = {
    "float32": Style("#56708c", "circle"),
    "float16": Style("#6f8a3d", "square", "dash"),
    "int8": Style("#b06a55", "diamond", "dot"),
    "int4": Style("#9a6392", "hexagon", "dot"),
    "binary": Style("#84786a", "x", "dashdot"),
    "binary-mean": Style("#3d8a80", "star", "dashdot"),
    "pq": Style("#8c7a2f", "cross", "longdashdot"),
    "rabitq": Style("#6a74b8", "pentagon", "dashdot"),
    "binary+rescore": Style("#b0567a", "triangle-up", "longdash"),
    "binary-mean+rescore": Style("#3d8a80", "triangle-up", "longdash"),
}
_OTHER_PRECISION = Style("#8a6d3b", "triangle-up", "longdash")


def precision_style(name: str) -> Style:
    """How a precision is drawn: rescored in the colour of what is stored, a triangle that says by which copy.

    One style serves all that the page does not offer (a result file may hold such).
    """
    named, (stored, rescored, copy) = name.partition("@")[0], name.partition("@")[0].partition("+rescore")
    if named in _PRECISION_STYLES or not rescored:
        return _PRECISION_STYLES.get(named, _OTHER_PRECISION)
    colour = _PRECISION_STYLES.get(stored, _OTHER_PRECISION).colour
    return Style(colour, "triangle-down" if "int8" in copy else "triangle-up", "longdash")


def dress(
    figure: go.Figure, height: int, margin: Mapping[str, int], legend: Mapping[str, object] | None = None
) -> go.Figure:
    """Give a figure the page's look and return it; `height` and `margin` in pixels, `legend` as plotly takes it.

    Without `legend` the figure has none.
    """
    figure.update_xaxes(fixedrange=True, showgrid=True, zeroline=False, gridcolor=GRID)
    figure.update_yaxes(fixedrange=True, showgrid=True, zeroline=False, gridcolor=GRID)
    figure.update_layout(
        template=None,
        height=height,
        margin=dict(margin),
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        hovermode="closest",
        dragmode=False,
        font={"family": "sans-serif", "size": 12.5, "color": TEXT},
        hoverlabel={"bgcolor": "#1f2430", "font": {"color": "#ffffff"}, "bordercolor": _CLEAR, "align": "left"},
        showlegend=legend is not None,
        legend=dict(legend or {}),
    )
    return figure


def describe_source(figure: go.Figure, title: str, source: str) -> go.Figure:
    """Say what a figure shows, and of what, when and on how much it was measured; return it.

    Both are kept in the figure's `meta`: the page has them in words beside it and writes them into exported pictures.
    """
    return figure.update_layout(meta={"title": title, "source": source})


def fade(colour: str) -> str:
    """A `#rrggbb` colour, see-through enough for a band behind a line.

    >>> fade("#c8601a")
    'rgba(200,96,26,.13)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},.13)"


def escape_plotly(text: str, limit: int = 90) -> str:
    """Text without plotly's little markup, at most `limit` characters; our own line breaks stay.

    Plotly decodes these three entities and no others.

    >>> escape_plotly("<b>a</b>")
    '&lt;b&gt;a&lt;/b&gt;'
    """
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return html.escape(shown, quote=False).replace("\n", "<br>")
