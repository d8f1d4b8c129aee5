"""A table of figures: scrolls inside itself, says what it is, and is sorted by the buttons in its head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from mrl_demo.ui.components.markup import html, join_html


def figure_table(caption: str, heads: Sequence[object], rows: Iterable[Markup], *, is_sortable: bool = True) -> Markup:
    """Lay out rows (`<tr>` with cells) under column heads; `caption` names table and scrolling region.

    The page sorts the rows by the number (or the text) that a cell begins with; not if rows belong together.
    """
    return html(
        '<div class="table-scroll" tabindex="0" role="region" aria-label="{caption}"><table class="curves-table">'
        "<caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>",
        caption=caption,
        heads=join_html(map(_sorting_head if is_sortable else _plain_head, heads)),
        rows=join_html(rows),
    )


def _plain_head(head: object) -> Markup:
    return html('<th scope="col">{head}</th>', head=head)


def _sorting_head(head: object) -> Markup:
    return html('<th scope="col"><button type="button" class="sort">{head}</button></th>', head=head)
