"""Where the relevant documents stand when scores tie: how many are surely ahead, and how many share the place.

A short or coarse vector gives many documents one score. Any order among them is as good as another, so a figure that
took the order of a file would be an accident of that file. All that counts of a ranking is therefore kept as two
numbers for each relevant document: the documents with a higher score, and the size of its group of equal ones
(McSherry and Najork 2008, "Computing information retrieval performance measures efficiently in the presence of tied
scores", section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix, IntMatrix

#: Scores this close, relative to their size, are one score: float32 sums of the same numbers differ by that much from
#: one place in a matrix to another.
TIE_TOLERANCE = 2e-6
#: Documents ahead of one that a method did not retrieve: more than any collection has.
NOT_RETRIEVED = np.iinfo(np.int64).max // 4
#: More relevant documents of one query than this are placed by one sort instead of two counts each.
_SORT_FROM = 48


@dataclass(frozen=True)
class Places:
    """Parallel `(pairs,)` int64 arrays: documents surely `ahead` of each, and `tied` with it, itself included.

    Its rank is any of `ahead + 1` to `ahead + tied`, each as likely. Documents of one query with one score have the
    same two numbers.
    """

    ahead: IntMatrix
    tied: IntMatrix

    @property
    def worst(self) -> IntMatrix:
        """The last rank of the group: what a document is sure of. `NOT_RETRIEVED` or more if it was not retrieved."""
        return self.ahead + self.tied


def empty_places(pairs: int) -> Places:
    """Room for the places of `pairs` documents, all of them not retrieved yet."""
    return Places(np.full(pairs, NOT_RETRIEVED, dtype=np.int64), np.ones(pairs, dtype=np.int64))


def place_relevant(scores: FloatMatrix, rows: IntMatrix, documents: IntMatrix) -> Places:
    """Places of the pairs `(rows[i], documents[i])` in `(q, n)` scores, higher is better.

    `rows` rises. A document of -1 (it is not in the collection) and a score of minus infinity are not retrieved.
    """
    places = empty_places(len(rows))
    bounds = [0, *(np.flatnonzero(np.diff(rows)) + 1), len(rows)] if len(rows) else []
    for start, end in pairwise(bounds):
        here = slice(int(start), int(end))
        ahead, tied = _place_in_row(scores[rows[start]], documents[here])
        places.ahead[here], places.tied[here] = ahead, tied
    return places


def _place_in_row(row: FloatMatrix, documents: IntMatrix) -> tuple[IntMatrix, IntMatrix]:
    ahead = np.full(len(documents), NOT_RETRIEVED, dtype=np.int64)
    tied = np.ones(len(documents), dtype=np.int64)
    known = np.flatnonzero(documents >= 0)
    known = known[np.isfinite(row[documents[known]])]
    if not len(known):
        return ahead, tied
    values, groups = group_scores(row[documents[known]].astype(np.float64))
    margins = TIE_TOLERANCE * np.maximum(1.0, np.abs(values))
    above, level = values + margins, values - margins
    if len(values) >= _SORT_FROM:
        rising = np.sort(row.astype(np.float64))
        surely = len(row) - np.searchsorted(rising, above, "right")
        together = len(row) - np.searchsorted(rising, level, "left")
    else:
        surely = np.array([np.count_nonzero(row > bound) for bound in above])
        together = np.array([np.count_nonzero(row >= bound) for bound in level])
    ahead[known], tied[known] = surely[groups], (together - surely)[groups]
    return ahead, tied


def group_scores(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], IntMatrix]:
    """One value for every group of equal scores, and the group of each: a group is within the tolerance of its best."""
    order = np.argsort(-values, kind="stable")
    leaders: list[float] = []
    groups = np.empty(len(values), dtype=np.int64)
    for i in order:
        value = float(values[i])
        if not leaders or value < leaders[-1] - TIE_TOLERANCE * max(1.0, abs(leaders[-1])):
            leaders.append(value)
        groups[i] = len(leaders) - 1
    return np.array(leaders), groups
