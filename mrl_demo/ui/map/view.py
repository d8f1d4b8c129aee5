"""The words of the Map tab."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.core.glossary import Term
from mrl_demo.ui.components.glossary import term
from mrl_demo.ui.components.markup import html


def intro() -> Markup:
    """What the map is."""
    return html(
        '<h2>Where does a collection come apart?</h2><p class="lead">Documents whose {full_vector}s are alike stand'
        " together, and stay where they are. The colour says how many of a document's ten nearest neighbours the {cut}"
        " vector keeps: {agreement}, not quality. The map is of what Compare compares; a map lies about distances"
        " between far groups, not about who stands beside whom.</p>",
        full_vector=term(Term.FULL_VECTOR),
        cut=term(Term.CUT),
        agreement=term(Term.AGREEMENT),
    )


def waiting_words(label: str) -> str:
    """What stands in place of a map that takes a while to draw."""
    return f"{label} has not been laid out yet, which takes up to a minute or two: press “Draw the map”."
