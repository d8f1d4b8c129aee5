"""Example queries to click."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.corpora.shipped.examples import Example
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.text import shorten

#: The position that stands for a question drawn at random.
SURPRISE = "random"


def example_chips(examples: Sequence[Example]) -> Markup:
    """A button that opens the examples, each with what it shows, and one question drawn at random."""
    if not examples:
        return NOTHING
    chips = (
        html(
            '<button type="button" class="chip" data-example="{position}" data-query="{query}">'
            "{text}<small>{shows}</small></button>",
            position=position,
            query=example.text,
            shows=example.shows,
            text=user_text(shorten(example.text, 90)),
        )
        for position, example in enumerate(examples)
    )
    return html(
        '<button type="button" class="examples-open" aria-expanded="false">Examples</button>'
        '<div class="chips" popover="auto" role="group" aria-label="Example questions">'
        '<p class="chips-note">Picked to show something. <button type="button" class="chip" data-example="{random}">'
        "Surprise me<small>a question drawn at random</small></button></p>{chips}</div>",
        random=SURPRISE,
        chips=join_html(chips),
    )
