"""The best so many documents of every query while scores come block by block, and how many tie with the last of them.

What a full row of scores says of a document among the first so many, this says too: how many are surely ahead, and how
many share its place (`evaluation.places`). Documents that tie with the last one are counted, not named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.evaluation.judging.agreement import LeadingDocuments
from mrl_demo.evaluation.judging.places import NOT_RETRIEVED, TIE_TOLERANCE, Places, group_scores

#: If more scores of a block than so many times the list's length come in, the block is thinned out by itself first.
_CROWD = 3
_LOWEST = float(np.finfo(np.float32).min)


@dataclass
class Leaders:
    """The first `depth` documents of each query so far: `scores` `(q, depth)` float32, best first, and `documents`.

    Equal scores stand in document order; free places have minus infinity and -1. `near` has for each query the scores
    of documents that are out, yet as good as the last one in as far as rounding can tell, with their counts.

    >>> leaders = Leaders.empty(queries=1, depth=2)
    >>> leaders.offer(np.array([[0.5, 0.9]], np.float32), start=0)
    >>> leaders.offer(np.array([[0.1, 0.9]], np.float32), start=2)
    >>> leaders.documents.tolist()
    [[1, 3]]
    """

    scores: FloatMatrix
    documents: IntMatrix
    near: list[dict[float, int]]
    _floor: FloatMatrix = field(init=False)

    def __post_init__(self) -> None:
        self._floor = _floor_of(self.scores[:, -1])

    @classmethod
    def empty(cls, queries: int, depth: int) -> Leaders:
        """Nothing seen yet."""
        scores = np.full((queries, depth), -np.inf, dtype=np.float32)
        return cls(scores, np.full((queries, depth), -1, dtype=np.int64), [{} for _ in range(queries)])

    def offer(self, scores: FloatMatrix, start: int) -> None:
        """Take in `(q, b)` scores of the documents from `start` on; minus infinity is not retrieved."""
        rows = np.flatnonzero(scores.max(axis=1, initial=-np.inf) >= self._floor)
        if not len(rows):
            return
        part = scores[rows]
        is_near = part >= self._floor[rows, None]
        if np.count_nonzero(is_near) > _CROWD * self.scores.shape[1] * len(rows):
            is_near = part >= np.maximum(self._floor[rows], self._floor_within(part))[:, None]
        query, column = np.nonzero(is_near)
        values = part[query, column]
        query = rows[query]
        is_in = values > self.scores[query, -1]
        self._count_near(query[~is_in], values[~is_in])
        if is_in.any():
            self._merge(query[is_in], values[is_in], column[is_in] + start)

    def _floor_within(self, part: FloatMatrix) -> FloatMatrix:
        """The least score that may be among the first of `(m, b)` scores alone: lower ones need no sorting."""
        last = min(self.scores.shape[1], part.shape[1])
        return _floor_of(np.partition(part, part.shape[1] - last, axis=1)[:, part.shape[1] - last])

    def _merge(self, query: IntMatrix, values: FloatMatrix, documents: IntMatrix) -> None:
        """Put better documents, in order of query and document, into their lists."""
        rows, counts = np.unique(query, return_counts=True)
        depth, width = self.scores.shape[1], int(counts.max())
        row = np.repeat(np.arange(len(rows)), counts)
        place = depth + np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
        scores = np.full((len(rows), depth + width), -np.inf, dtype=np.float32)
        names = np.full((len(rows), depth + width), -1, dtype=np.int64)
        scores[:, :depth], names[:, :depth] = self.scores[rows], self.documents[rows]
        scores[row, place], names[row, place] = values, documents
        order = np.argsort(-scores, axis=1, kind="stable")
        scores = np.take_along_axis(scores, order, 1)
        self.scores[rows] = scores[:, :depth]
        self.documents[rows] = np.take_along_axis(names, order[:, :depth], 1)
        self._floor[rows] = _floor_of(self.scores[rows, -1])
        self._forget_far(rows)
        dropped_row, dropped = np.nonzero(scores[:, depth:] >= self._floor[rows, None])
        self._count_near(rows[dropped_row], scores[:, depth:][dropped_row, dropped])

    def _count_near(self, query: IntMatrix, values: FloatMatrix) -> None:
        """Count what is out by a tie; rows of one query and one value stand together, mostly."""
        if not len(query):
            return
        changes = np.flatnonzero((np.diff(query) != 0) | (np.diff(values) != 0)) + 1
        starts = np.concatenate([[0], changes])
        counts = np.diff(np.concatenate([starts, [len(query)]]))
        for row, value, count in zip(query[starts].tolist(), values[starts].tolist(), counts.tolist(), strict=True):
            self.near[row][value] = self.near[row].get(value, 0) + count

    def _forget_far(self, rows: IntMatrix) -> None:
        for row in rows.tolist():
            if self.near[row]:
                floor = float(self._floor[row])
                self.near[row] = {value: count for value, count in self.near[row].items() if value >= floor}

    def place(self, query: IntMatrix, values: FloatMatrix, extra: NDArray[np.bool_] | None = None) -> Places:
        """Places of documents by their `values` `(pairs,)`; `query` rises.

        `extra` `(pairs,)`, if given, says which pairs' documents were never offered and stand there as well. What is
        surely not among the first `depth`, and minus infinity, counts as not retrieved.
        """
        ahead = np.full(len(query), NOT_RETRIEVED, dtype=np.int64)
        tied = np.ones(len(query), dtype=np.int64)
        bounds = [*np.flatnonzero(np.diff(query, prepend=-1)).tolist(), len(query)]
        for start, end in pairwise(bounds):
            pairs = start + np.flatnonzero(np.isfinite(values[start:end]))
            added = values[start:end][extra[start:end]] if extra is not None else values[:0]
            if len(pairs):
                ahead[pairs], tied[pairs] = self._place_in_list(int(query[start]), values[pairs], added)
        return Places(ahead, tied)

    def _place_in_list(self, query: int, values: FloatMatrix, added: FloatMatrix) -> tuple[IntMatrix, IntMatrix]:
        """Places of one query's documents, each among the group of scores that rounding cannot tell apart."""
        others = self.near[query]
        known = np.concatenate([self.scores[query], [*others], added]).astype(np.float64)
        weights = np.concatenate([np.ones(self.scores.shape[1]), [*others.values()], np.ones(len(added))])
        groups, group = group_scores(values.astype(np.float64))
        margins = TIE_TOLERANCE * np.maximum(1.0, np.abs(groups))
        ahead = ((known > (groups + margins)[:, None]) * weights).sum(axis=1).astype(np.int64)
        together = ((known >= (groups - margins)[:, None]) * weights).sum(axis=1).astype(np.int64) - ahead
        is_out = groups + margins < float(self.scores[query, -1])
        ahead[is_out], together[is_out] = NOT_RETRIEVED, 1
        return ahead[group], np.maximum(1, together[group])

    def leading(self, depth: int) -> LeadingDocuments:
        """Who may stand among the first `depth` (of those kept), all tied at that edge included, and where."""
        edge = _floor_of(self.scores[:, min(depth, self.scores.shape[1]) - 1])
        query, place = np.nonzero((self.scores >= edge[:, None]) & np.isfinite(self.scores))
        places = self.place(query, self.scores[query, place])
        return LeadingDocuments(query, self.documents[query, place], places, depth)

    def shortlist(self, length: int) -> Shortlist:
        """The first `length` documents of each query, and those of the list that tie with the last of them."""
        floor = _floor_of(self.scores[:, min(length, self.scores.shape[1]) - 1])
        query, place = np.nonzero((self.scores >= floor[:, None]) & np.isfinite(self.scores))
        n_cut = sum(any(value >= least for value in near) for near, least in zip(self.near, floor, strict=True))
        return Shortlist(self.scores.shape, query, place, self.documents[query, place], floor, n_cut)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything, to be kept in a file."""
        near = [(row, value, count) for row, counts in enumerate(self.near) for value, count in counts.items()]
        return {
            "scores": self.scores,
            "documents": self.documents,
            "near": np.array(near, dtype=np.float64).reshape(-1, 3),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> Leaders:
        """What `to_arrays` gave."""
        scores = np.asarray(arrays["scores"], dtype=np.float32)
        near: list[dict[float, int]] = [{} for _ in scores]
        for row, value, count in np.asarray(arrays["near"], dtype=np.float64).tolist():
            near[int(row)][value] = int(count)
        return cls(scores, np.asarray(arrays["documents"], dtype=np.int64), near)


@dataclass(frozen=True)
class Shortlist:
    """Documents to rescore: parallel `(pairs,)` arrays, with `floor` `(q,)`, the least score that is listed.

    For `n_cut` queries more documents tie with the last one than a list has room for.
    """

    shape: tuple[int, ...]
    query: IntMatrix
    place: IntMatrix
    document: IntMatrix
    floor: FloatMatrix
    n_cut: int

    def reordered(self, scores: FloatMatrix) -> Leaders:
        """Leaders by finer `scores` `(pairs,)`, equal ones in document order; whoever is not listed is not there."""
        finer = np.full(self.shape, -np.inf, dtype=np.float32)
        documents = np.full(self.shape, -1, dtype=np.int64)
        finer[self.query, self.place], documents[self.query, self.place] = scores, self.document
        order = np.lexsort((documents, -finer), axis=1)
        near: list[dict[float, int]] = [{} for _ in finer]
        return Leaders(np.take_along_axis(finer, order, 1), np.take_along_axis(documents, order, 1), near)


def _floor_of(edge: FloatMatrix) -> FloatMatrix:
    """The least score that rounding cannot tell from an edge, `(q,)`; where places are free, any score."""
    finite = np.where(np.isfinite(edge), edge, 0).astype(np.float64)
    floor = finite - TIE_TOLERANCE * np.maximum(1.0, np.abs(finite))
    rounded = np.nextafter(floor.astype(np.float32), np.float32(-np.inf))
    return np.where(np.isfinite(edge), rounded, np.float32(_LOWEST))
