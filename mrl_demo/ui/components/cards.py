"""Result cards: one ordered list for each arm."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.core.types import Hit, SearchResult
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.text import short_count, shorten

#: Characters of a passage on a card before and after it is opened: its gist, and what a browser redraws at ease.
GIST_CHARS = 140
PASSAGE_CHARS = 1_500
_TIED = "Tied: its neighbour has the same score, so their order says nothing"
_ANSWER_TAG = html('<span class="tag">Known answer</span>')
_TIE_MARK = html('<span class="tie" title="{words}">tied</span>', words=_TIED)


def card_list(result: SearchResult, label: str) -> Markup:
    """All hits of one arm as an ordered list; a sentence if there is none."""
    if not result.hits:
        return html('<p class="empty">Nothing found.</p>')
    return html(
        '<ol class="cards" aria-label="Results of {label}">{cards}</ol>',
        label=label,
        cards=join_html(card(hit) for hit in result.hits),
    )


def card(hit: Hit) -> Markup:
    """One hit: rank, move, title, passage, similarity bar and score, marks if it is a known answer or tied."""
    return html(
        '<li class="{classes}" data-doc="{doc}" aria-label="{spoken}">'
        '<div class="card-rank"><span class="rank">{rank}</span>{move}</div>'
        '<div class="card-body"><h3 class="card-title">{title}{answer}</h3>{passage}'
        '<div class="similarity"><span class="bar"><i style="--share:{share:.4f}"></i></span>'
        '<span class="score">{score:.3f}</span>{tie}</div></div></li>',
        classes="card is-answer" if hit.is_answer else "card",
        doc=hit.index,
        spoken=spoken(hit),
        rank=hit.rank,
        move=move_badge(hit),
        title=user_text(_title(hit)),
        answer=_ANSWER_TAG if hit.is_answer else NOTHING,
        passage=passage(hit.document.text),
        share=min(1.0, max(0.0, hit.score)),
        score=hit.score,
        tie=_TIE_MARK if hit.is_tied else NOTHING,
    )


def passage(text: str) -> Markup:
    """The beginning of a passage; if there is more, it opens."""
    gist = shorten(text, GIST_CHARS)
    if gist == text:
        return html('<p class="card-text">{text}</p>', text=user_text(text))
    return html(
        '<details class="card-text"><summary>{gist} <span class="more"></span></summary>{text}</details>',
        gist=user_text(gist),
        text=user_text(shorten(text, PASSAGE_CHARS)),
    )


def move_badge(hit: Hit) -> Markup:
    """How far the document moved against the same arm's own full-length ranking: ▲3, ▼12 or =.

    The colour says whether it belongs there: "stranger" is a document outside the arm's own full-length first ten.
    """
    return html(
        '<span class="move {kind}" title="{words}">{sign}{places}</span>',
        kind="stranger" if hit.full_rank > 10 else "same" if hit.move == 0 else "near",
        words=_moved(hit),
        sign="=" if hit.move == 0 else "▲" if hit.move > 0 else "▼",
        places=short_count(abs(hit.move)) if hit.move else "",
    )


def spoken(hit: Hit) -> str:
    """The card as one sentence for a screen reader."""
    answer = ", a known answer" if hit.is_answer else ""
    tied = f" {_TIED}." if hit.is_tied else ""
    return f"Rank {hit.rank}{answer}: {_title(hit)}. Similarity {hit.score:.3f}.{tied} {_moved(hit)}."


def _title(hit: Hit) -> str:
    return shorten(hit.document.title or hit.document.id, 140)


def _moved(hit: Hit) -> str:
    if hit.move == 0:
        return "Same place as with the full vector"
    return f"Rank {hit.full_rank:,} with the full vector"
