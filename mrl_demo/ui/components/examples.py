"""Example queries to click, and the line that says what happened to a query."""

from __future__ import annotations

from collections.abc import Sequence

from mrl_demo.corpora.examples import Example
from mrl_demo.ui.components.text import escape, shorten, user_text


def example_chips(examples: Sequence[Example]) -> str:
    """One button for each example; its tooltip says what the example shows."""
    buttons = "".join(
        f'<button type="button" class="chip" data-example="{position}" title="{escape(example.shows)}">'
        f"{user_text(shorten(example.text, 90))}</button>"
        for position, example in enumerate(examples)
    )
    return f'<div class="chips" role="group" aria-label="Example queries">{buttons}</div>' if buttons else ""


def notice(text: str, kind: str = "info") -> str:
    """A line above the results: `kind` is "hint", "info" or "error"; empty text clears it."""
    return f'<p class="notice {kind}">{user_text(text)}</p>' if text else ""
