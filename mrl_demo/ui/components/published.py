"""What others measured, as items of a list."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.lessons.published import PUBLISHED
from mrl_demo.ui.components.markup import html, join_html


def published_items() -> Markup:
    """An item for each published share: the claim, and a link to where it stands."""
    return join_html(
        html(
            '<li>{claim} <a href="{address}" target="_blank" rel="noopener noreferrer">{source}</a></li>',
            claim=figure.claim,
            address=figure.address,
            source=figure.source,
        )
        for figure in PUBLISHED
    )
