"""Result cards: one ordered list for each arm."""

from __future__ import annotations

import json
from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.core.types import BREAK_DEPTH, Hit, SearchResult, Standing
from mrl_demo.core.wording import ordinal
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.pictures import thumbnail
from mrl_demo.ui.components.text import shorten

#: Characters of a passage on a card before and after it is opened: its gist, and what a browser redraws at ease.
GIST_CHARS = 140
PASSAGE_CHARS = 1_500
#: Missing documents shown one by one.
_MOST_MISSING = 3
_TIED = "Tied: its neighbour has the same score, so their order says nothing"
_ANSWER_TAG = html('<span class="tag">Known answer</span>')
_TIE_MARK = html('<span class="tie" title="{words}">tied</span>', words=_TIED)


def card_list(result: SearchResult, label: str, *, may_be_called: bool = False) -> Markup:
    """All hits of one arm as an ordered list, and what is missing; a sentence if there is none.

    `may_be_called`: each has a button by which the visitor calls it the answer.
    """
    if not result.hits:
        return html('<p class="empty">Nothing found.</p>')
    return html(
        '<div><ol class="cards" aria-label="Results of {label}">{cards}</ol>{missing}</div>',
        label=label,
        cards=join_html(card(hit, may_be_called=may_be_called) for hit in result.hits),
        missing=missing_list(result.missing, label),
    )


def card(hit: Hit, *, may_be_called: bool = False) -> Markup:
    """One hit: rank, title, where it was with the full vector, passage; the similarity is in the opened passage."""
    return html(
        '<li class="{classes}" data-doc="{doc}" aria-label="{spoken}"><span class="rank">{rank}</span>'
        '<div class="card-body">{button}<h3 class="card-title">{title} {answer} {move} {tie}</h3>'
        "{picture}{passage}</div></li>",
        classes="card is-answer" if hit.is_answer else "card",
        doc=hit.index,
        spoken=spoken(hit),
        rank=hit.rank,
        button=answer_button(hit) if may_be_called else NOTHING,
        move=move_mark(hit),
        title=user_text(_title(hit)),
        answer=_ANSWER_TAG if hit.is_answer else NOTHING,
        passage=passage(hit.document.text, hit.score),
        tie=_TIE_MARK if hit.is_tied else NOTHING,
        picture=thumbnail(hit.document),
    )


def answer_button(hit: Hit) -> Markup:
    """The button that calls a document the answer: hidden where no answers are taken (`static/answers.js`)."""
    return html(
        '<button type="button" class="is-it" aria-pressed="false" title="This is the answer"'
        ' aria-label="This is the answer: {title}"><span class="is-it-words">This is the answer</span></button>',
        title=_title(hit),
    )


def passage(text: str, score: float) -> Markup:
    """The beginning of a passage, all of it and its similarity when it is opened; the similarity alone of no text."""
    words = "Similarity {score:.3f} at this length: to be compared within this list only."
    said = html('<small class="score">{words}</small>', words=words.format(score=score))
    if not text:
        return said
    return html(
        '<details class="card-text"><summary>{gist} <span class="more">more</span><span class="less">less</span>'
        "</summary>{text}{score}</details>",
        gist=user_text(shorten(text, GIST_CHARS)),
        text=user_text(shorten(text, PASSAGE_CHARS)),
        score=said,
    )


def move_mark(hit: Hit) -> Markup:
    """Where the document stood with the full vector, nothing if it stands there still.

    A document from outside the arm's own full-length first ten is a newcomer.
    """
    if hit.move == 0:
        return NOTHING
    is_newcomer = hit.full_rank > BREAK_DEPTH
    words = html("was {place}", place=ordinal(hit.full_rank))
    if is_newcomer:
        return html('<span class="move newcomer">newcomer, {words}</span>', words=words)
    return html('<span class="move">{words}</span>', words=words)


def missing_list(missing: Sequence[Standing], label: str) -> Markup:
    """A ghost for each document that the full vector has on top and that is gone, known answers first."""
    if not missing:
        return NOTHING
    ordered = sorted(missing, key=lambda standing: (not standing.is_answer, standing.full_rank))
    more = len(ordered) - _MOST_MISSING
    return html(
        '<ul class="ghosts" aria-label="Missing from the results of {label}">{ghosts}{more}</ul>',
        label=label,
        ghosts=join_html(_ghost(standing) for standing in ordered[:_MOST_MISSING]),
        more=html('<li class="ghost">and {more} more of the first results</li>', more=more) if more > 0 else NOTHING,
    )


def spoken(hit: Hit) -> str:
    """The card as one sentence for a screen reader."""
    answer = ", a known answer" if hit.is_answer else ""
    tied = f" {_TIED}." if hit.is_tied else ""
    return f"Rank {hit.rank}{answer}: {_title(hit)}.{tied} {_moved(hit)}."


def _ghost(standing: Standing) -> Markup:
    return html(
        '<li class="{classes}" data-doc="{doc}">Missing: <b>{title}</b> {answer} <span class="move">was {was},'
        " now {now}</span></li>",
        classes="ghost is-answer" if standing.is_answer else "ghost",
        doc=standing.index,
        title=user_text(shorten(standing.title, 140)),
        answer=_ANSWER_TAG if standing.is_answer else NOTHING,
        was=ordinal(standing.full_rank),
        now=ordinal(standing.rank),
    )


def _title(hit: Hit) -> str:
    return shorten(hit.document.title or hit.document.id, 140)


def _moved(hit: Hit) -> str:
    if hit.move == 0:
        return "Same place as with the full vector"
    newcomer = "A newcomer: " if hit.full_rank > BREAK_DEPTH else ""
    return f"{newcomer}{ordinal(hit.full_rank)} with the full vector"


def marks_html(documents: Sequence[int]) -> Markup:
    """Rows of the documents that the visitor called answers to the question on show, as `static/answers.js` reads."""
    return html('<div data-documents="{rows}"></div>', rows=json.dumps(list(documents)))
