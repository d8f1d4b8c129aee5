"""The verdict above the results, and the lines over each side's cards, in the words of `lab/verdict_words`."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.core.glossary import Term
from mrl_demo.core.types import SearchResult
from mrl_demo.core.verdict import SideVerdict, Verdict
from mrl_demo.core.wording import human_bytes
from mrl_demo.lab.verdict_words import average_words, followed_words, move_words, saving_words, unanswered_words
from mrl_demo.ui.components.glossary import term
from mrl_demo.ui.components.markup import NOTHING, html, user_text
from mrl_demo.ui.components.metrics import figures, kept_dots

#: The shipped methods whose name is a word of the glossary.
_NAMED = {"base": Term.ORDINARY, "tuned": Term.MATRYOSHKA, "adapted": Term.RE_ORDERED, "corpus-pca": Term.PCA}


def verdict_line(verdict: Verdict | None) -> Markup:
    """What is saved and what it costs on average; a grey line instead if nothing seems to answer the query."""
    if verdict is None:
        return NOTHING
    if verdict.seems_unanswered:
        return html('<p class="verdict unanswered" dir="auto">{words}</p>', words=unanswered_words(verdict))
    head, _, rest = saving_words(verdict).partition(":")
    measured = all(side.quality for side in verdict.sides)
    word = term(Term.INTERVAL, "?") if measured else term(Term.AGREEMENT, "?")
    return html(
        '<p class="verdict"><b>{head}</b>:{rest} <span class="verdict-average">{average} {word}</span></p>',
        head=head,
        rest=rest,
        average=average_words(verdict),
        word=word,
    )


def outcome_line(side: SideVerdict | None) -> Markup:
    """What happened to this query on one side, to be read after the method's name."""
    if side is None or side.rank is None or side.full_rank is None or side.seems_unanswered:
        return NOTHING
    kind = "same" if side.rank == side.full_rank else "worse" if side.rank > side.full_rank else "better"
    return html(
        '<p class="outcome {kind}">{followed} <b>{moved}</b></p>',
        kind=kind,
        followed=user_text(followed_words(side)),
        moved=move_words(side.rank, side.full_rank),
    )


def method_name(name: str, label: str) -> Markup:
    """A method's label, as a word that explains itself if the glossary has it."""
    return term(_NAMED[name], label) if name in _NAMED else html("{label}", label=label)


def figures_line(result: SearchResult, label: str, description: str) -> Markup:
    """One line of figures of one side; all of them are behind "Details"."""
    kept, depth = result.kept_of_ten
    return html(
        '<div class="figures-line"><span>{kept} of {depth} {word}</span>{dots}<span>{size}</span>'
        '<details class="figures-fold"><summary aria-label="Details of {label}">Details</summary>'
        '<p class="method-note">{description}</p>{figures}</details></div>',
        kept=kept,
        depth=depth,
        word=term(Term.AGREEMENT, "kept"),
        dots=kept_dots(kept, depth),
        size=human_bytes(result.bytes_per_vector),
        label=label,
        description=description,
        figures=figures(result),
    )
