"""A table of figures: scrolls inside itself, and says what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from mrl_demo.ui.components.markup import html, join_html


def figure_table(caption: str, heads: Sequence[object], rows: Iterable[Markup]) -> Markup:
    """Lay out rows (`<tr>` with cells) under column heads; `caption` names table and scrolling region."""
    return html(
        '<div class="table-scroll" tabindex="0" role="region" aria-label="{caption}"><table class="curves-table">'
        "<caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>",
        caption=caption,
        heads=join_html(html('<th scope="col">{head}</th>', head=head) for head in heads),
        rows=join_html(rows),
    )
