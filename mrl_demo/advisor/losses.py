"""Queries that lose their answer at a setting, and the document that stands in its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrl_demo.advisor.rankings import RankedQueries
from mrl_demo.core.types import Corpus, Document


@dataclass(frozen=True)
class LostQuery:
    """A query whose best known answer was at `rank_before` for the reference and is at `rank_now` (1 is best).

    `displaced_by` is the highest document that stands before the answer now and did not before, "" if there is none.
    """

    query_id: str
    text: str
    answer: str
    rank_before: int
    rank_now: int
    displaced_by: str


def explain_losses(corpus: Corpus, before: RankedQueries, now: RankedQueries) -> tuple[LostQuery, ...]:
    """Explain queries one by one; those without a judged answer in the collection are left out."""
    places = {document.id: place for place, document in enumerate(before.documents)}
    lost = []
    for row, query in enumerate(before.queries):
        grades = corpus.judgements.get(query.id, {})
        answers = [places[name] for name, grade in grades.items() if grade > 0 and name in places]
        if not answers:
            continue
        answer = min(answers, key=lambda place: before.rank(row, place))
        ahead = now.top(row)[now.scores[row, now.top(row)] >= now.scores[row, answer]]
        newcomers = [int(place) for place in ahead if _was_behind(before, row, int(place), answer)]
        lost.append(
            LostQuery(
                query.id,
                query.text,
                document_name(before.documents[answer]),
                before.rank(row, answer),
                now.rank(row, answer),
                document_name(now.documents[newcomers[0]]) if newcomers else "",
            )
        )
    return tuple(lost)


def document_name(document: Document) -> str:
    """The title of a document, or the beginning of its text."""
    return document.title or document.text[:80]


def _was_behind(before: RankedQueries, row: int, place: int, answer: int) -> bool:
    return place != answer and bool(np.less(before.scores[row, place], before.scores[row, answer]))
