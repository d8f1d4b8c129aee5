"""Shares that others measured and wrote down, to stand behind ours."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.lessons.published import PUBLISHED
from mrl_demo.plots.curves import Curve, Point
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.components.published import published_items
from mrl_demo.ui.curves.state import Choice


def published_curve(full_dim: int) -> Curve:
    """The shares at the same part of a vector of `full_dim` numbers."""
    points = tuple(
        Point(
            round(figure.part * full_dim),
            figure.share,
            note=f"{figure.claim}\nOther data: drawn at the same part\n{figure.source}",
        )
        for figure in PUBLISHED
    )
    return Curve("published", "published elsewhere, other data", points)


def published_html(choice: Choice) -> Markup:
    """The published figures with links, and why they are or are not in the chart."""
    if not choice.published:
        return NOTHING
    if choice.is_agreement:
        place = "They are shares of quality, so they are not drawn over agreement."
    elif choice.as_share:
        place = "They stand in the chart as faint diamonds, at the same part of the full length."
    else:
        place = "They are shares of other scores on other data: choose “Share kept” to see them in the chart."
    return html(
        '<div class="published"><p>Published elsewhere. {place}</p><ul>{items}</ul></div>',
        place=place,
        items=published_items(),
    )
