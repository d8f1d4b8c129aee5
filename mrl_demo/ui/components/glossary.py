"""Words that explain themselves: tabs write their terms with `term`; the sentences are in `core/glossary.py`."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.core.glossary import Term
from mrl_demo.ui.components.markup import html


def term(word: Term, shown: str = "") -> Markup:
    """The word (or `shown`, another form of it) as a button that opens its sentence; goes into any HTML of the page.

    `ui/static/glossary.js`, which the page's footer loads, opens it by click, Enter or Space and closes it by Escape, a
    second click or one elsewhere. Not for use inside another button, link or summary.

    >>> term(Term.CUT, "cutting")  # doctest: +ELLIPSIS
    Markup('<button type="button" class="term" ... data-says="Keeping the first ...">cutting</button>')
    """
    return html(
        '<button type="button" class="term" aria-expanded="false" data-says="{sentence}">{shown}</button>',
        sentence=word.sentence,
        shown=shown or word.value,
    )


def term_tip() -> Markup:
    """The one popover in which all sentences appear; the footer has it."""
    return html('<div class="term-tip" popover="auto" role="status"></div>')
