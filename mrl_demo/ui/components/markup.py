"""The one way that HTML is made: `html` escapes everything that is not markup already, so nobody can forget to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from string import Formatter

import markupsafe
from markupsafe import Markup

from mrl_demo.core.secret_names import shown_name
from mrl_demo.ui.components.text import visible

NOTHING = Markup()


def html(template: str, /, **values: object) -> Markup:
    """Fill a template of our own as `str.format` would; every value that is not `Markup` becomes harmless text.

    The template is trusted, so it must stand in the code as it is: never an f-string (a test looks).

    >>> html("<b>{name}</b> {share:.0%}", name="<i>", share=0.5)
    Markup('<b>&lt;i&gt;</b> 50%')
    """
    parts: list[str] = []
    for literal, name, spec in _parsed(template):
        parts.append(literal)
        if name is not None:
            value = values[name]
            parts.append(value if isinstance(value, Markup) else escape(format(value, spec)))
    return Markup("".join(parts))  # noqa: S704 - the template is ours, everything else was escaped


def join_html(parts: Iterable[object], between: str = "") -> Markup:
    """One piece of HTML from several; those that are not `Markup` are escaped.

    >>> join_html([Markup("<br>"), "<br>"])
    Markup('<br>&lt;br&gt;')
    """
    pieces = (part if isinstance(part, Markup) else escape(str(part)) for part in parts)
    return Markup(between.join(pieces))  # noqa: S704 - every piece is markup by now


def escape(text: str) -> Markup:
    """Turn any text into HTML that shows it, safe between tags and inside quoted attributes.

    Secret names are shown as people know them.
    """
    return markupsafe.escape(visible(shown_name(text)))


def exact_attribute(text: str) -> Markup:
    """Text of our own for a script that sends it back: escaped, secret names and all."""
    return markupsafe.escape(text)


def user_text(text: str) -> Markup:
    """Escape and isolate text whose direction is not ours, so that it cannot reorder what stands beside it."""
    return html('<bdi dir="auto">{text}</bdi>', text=text)


@lru_cache(maxsize=1_024)
def _parsed(template: str) -> tuple[tuple[str, str | None, str], ...]:
    """Literal text, the name of the value after it (None at the end), and how it is formatted."""
    return tuple((literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(template))
