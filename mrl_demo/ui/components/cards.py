"""Result cards: one ordered list for each arm."""

from __future__ import annotations

from mrl_demo.core.types import Hit, SearchResult
from mrl_demo.ui.components.text import escape, short_count, shorten, user_text

#: Characters of a passage on a card before and after it is opened: its gist, and what a browser redraws at ease.
GIST_CHARS = 140
PASSAGE_CHARS = 1_500
_TIED = "Tied: its neighbour has the same score, so their order says nothing"


def card_list(result: SearchResult, label: str) -> str:
    """All hits of one arm as an ordered list; a sentence where there is none."""
    if not result.hits:
        return '<p class="empty">Nothing found.</p>'
    items = "".join(card(hit) for hit in result.hits)
    return f'<ol class="cards" aria-label="{escape(f"Results of {label}")}">{items}</ol>'


def card(hit: Hit) -> str:
    """One hit: rank, move, title, passage, similarity bar and score, marks if it is a known answer or tied."""
    title = shorten(hit.document.title or hit.document.id, 140)
    answer = '<span class="tag">Known answer</span>' if hit.is_answer else ""
    classes = "card is-answer" if hit.is_answer else "card"
    share = min(1.0, max(0.0, hit.score))
    return (
        f'<li class="{classes}" data-doc="{hit.index}" aria-label="{escape(spoken(hit))}">'
        f'<div class="card-rank"><span class="rank">{hit.rank}</span>{move_badge(hit)}</div>'
        f'<div class="card-body"><h3 class="card-title">{user_text(title)}{answer}</h3>'
        f"{passage(hit.document.text)}"
        f'<div class="similarity"><span class="bar"><i style="--share:{share:.4f}"></i></span>'
        f'<span class="score">{hit.score:.3f}</span>{_tie(hit)}</div></div></li>'
    )


def passage(text: str) -> str:
    """The beginning of a passage; where there is more, it opens."""
    gist = shorten(text, GIST_CHARS)
    if gist == text:
        return f'<p class="card-text">{user_text(text)}</p>'
    return (
        f'<details class="card-text"><summary>{user_text(gist)} <span class="more"></span></summary>'
        f"{user_text(shorten(text, PASSAGE_CHARS))}</details>"
    )


def move_badge(hit: Hit) -> str:
    """How far the document moved against the same arm's own full-length ranking: ▲3, ▼12 or =.

    The colour says whether it belongs there: "stranger" is a document outside the arm's own full-length first ten.
    """
    sign = "=" if hit.move == 0 else "▲" if hit.move > 0 else "▼"
    kind = "stranger" if hit.full_rank > 10 else "same" if hit.move == 0 else "near"
    places = short_count(abs(hit.move)) if hit.move else ""
    return f'<span class="move {kind}" title="{escape(_moved(hit))}">{sign}{places}</span>'


def spoken(hit: Hit) -> str:
    """The card as one sentence for a screen reader."""
    answer = ", a known answer" if hit.is_answer else ""
    title = shorten(hit.document.title or hit.document.id, 140)
    tied = f" {_TIED}." if hit.is_tied else ""
    return f"Rank {hit.rank}{answer}: {title}. Similarity {hit.score:.3f}.{tied} {_moved(hit)}."


def _tie(hit: Hit) -> str:
    return f'<span class="tie" title="{_TIED}">tied</span>' if hit.is_tied else ""


def _moved(hit: Hit) -> str:
    if hit.move == 0:
        return "Same place as with the full vector"
    return f"Rank {hit.full_rank:,} with the full vector"
