"""Answers of other rows that may well be right for a query too: no negatives, if the base model is asked."""

from __future__ import annotations

from torch import Tensor

#: A score that no softmax counts.
MASKED = -1e9


def likely_answers(queries: Tensor, answers: Tensor) -> Tensor:
    """`(n, n)` bool: answers of others that may well be right for a query too, by the base's unit rows `(n, d)`.

    They are at 95% of the own answer's cosine or above, or nearly equal (cosine over .9) to the own answer, or their
    query is to the own query.
    """
    cosines = queries @ answers.T
    near = cosines >= 0.95 * cosines.diagonal()[:, None]
    unwanted = near | (answers @ answers.T > 0.9) | (queries @ queries.T > 0.9)
    return unwanted.fill_diagonal_(False)
