"""Example queries to click."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.corpora.examples import Example
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.text import shorten


def example_chips(examples: Sequence[Example]) -> Markup:
    """One button for each example; its tooltip says what the example shows."""
    if not examples:
        return NOTHING
    chips = (
        html(
            '<button type="button" class="chip" data-example="{position}" title="{shows}">{text}</button>',
            position=position,
            shows=example.shows,
            text=user_text(shorten(example.text, 90)),
        )
        for position, example in enumerate(examples)
    )
    return html('<div class="chips" role="group" aria-label="Example queries">{chips}</div>', chips=join_html(chips))
