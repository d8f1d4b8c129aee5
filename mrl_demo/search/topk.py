"""The best k of many scores, and the ranks they make; ties keep document order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mrl_demo.core.types import FloatMatrix, IntMatrix

#: A single row of so many scores is thinned out, so many columns at a time, before the best are selected.
_THIN_FROM = 65_536
_STRETCH = 256


@dataclass(frozen=True)
class TopK:
    """Best documents of each query: `indices` `(q, k)` int64 and `scores` `(q, k)` float32, best first."""

    indices: IntMatrix
    scores: FloatMatrix


@dataclass(frozen=True)
class Ranking:
    """One query's cosines with every document, `(n,)` float32, and the order they make."""

    scores: torch.Tensor

    def top(self, k: int) -> TopK:
        """The `k` best documents as a `TopK` of one row."""
        return top_k(self.scores[None], k)

    def ranks(self, indices: Sequence[int]) -> IntMatrix:
        """Ranks (1 is best, ties by document order) of the given documents, int64."""
        return np.array([_rank(self.scores, int(i)) for i in indices], dtype=np.int64)


def top_k(scores: torch.Tensor, k: int) -> TopK:
    """The `k` best columns of `(q, n)` scores, best first, equal scores in column order."""
    k = min(k, scores.shape[1])
    if scores.shape[0] != 1 or scores.shape[1] < _THIN_FROM:
        return _selected(scores, k)
    columns = _thinned(scores[0], k)
    found = _selected(scores[:, columns], k)
    return TopK(columns.numpy()[found.indices], found.scores)


def _thinned(row: torch.Tensor, k: int) -> torch.Tensor:
    """Columns, ascending, of an `(n,)` row that hold its `k` best: takes four fifths off the selection.

    The maxima of `k` stretches reach a threshold; no stretch whose maximum stays below it is wanted.
    """
    whole = len(row) - len(row) % _STRETCH
    maxima = row[:whole].view(-1, _STRETCH).amax(dim=1)
    if k > len(maxima):
        return torch.arange(len(row))
    chosen = torch.nonzero(maxima >= torch.topk(maxima, k).values[-1])
    columns = (chosen * _STRETCH + torch.arange(_STRETCH)).flatten()
    return torch.cat([columns, torch.arange(whole, len(row))])


def _selected(scores: torch.Tensor, k: int) -> TopK:
    """`top_k` by `torch.topk`, which leaves ties open: a row tied at its boundary is scanned for equal scores."""
    values, indices = torch.topk(scores, min(k + 1, scores.shape[1]), dim=1)
    if values.shape[1] > k:
        for row in torch.nonzero(values[:, k - 1] == values[:, k]).flatten().tolist():
            boundary = values[row, k - 1]
            tied = torch.nonzero(scores[row] == boundary).flatten()
            above = indices[row, :k][values[row, :k] > boundary]
            indices[row, :k] = torch.cat([above, tied[: k - len(above)]])
            values[row, :k] = scores[row, indices[row, :k]]
    return _sorted(indices[:, :k].numpy(), values[:, :k].numpy())


def _sorted(indices: IntMatrix, values: FloatMatrix) -> TopK:
    order = np.lexsort((indices, -values), axis=1)
    return TopK(np.take_along_axis(indices, order, 1), np.take_along_axis(values, order, 1))


def _rank(row: torch.Tensor, index: int) -> int:
    score = row[index]
    return 1 + int((row > score).sum()) + int((row[:index] == score).sum())
