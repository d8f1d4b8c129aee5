"""The line that says what happened, and the bar that says how far it is."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.ui.components.markup import NOTHING, html, user_text


def notice(text: str, kind: str = "info") -> Markup:
    """A line for the visitor: `kind` is "hint", "info" or "error"; empty text clears it."""
    return html('<p class="notice {kind}">{text}</p>', kind=kind, text=user_text(text)) if text else NOTHING


def progress_bar(share: float, line: str) -> Markup:
    """A bar filled to `share` in 0..1, with its line."""
    return html(
        '<div class="curves-progress"><progress max="1" value="{share:.3f}" aria-label="Progress"></progress>'
        "<span>{share:.0%} {line}</span></div>",
        share=share,
        line=line,
    )
