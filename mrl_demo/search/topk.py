"""The best k of many scores, and the ranks they make; ties keep document order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix, IntMatrix

BoolMatrix: TypeAlias = NDArray[np.bool_]
#: A single row of so many scores is thinned out, so many columns at a time, before the best are selected.
_THIN_FROM = 65_536
_CHUNK = 256
#: Cosines nearer than this are equal as far as float32 sums can tell: at one number all of them are 1 or -1, give or
#: take a rounding. Neighbours in a list of ten real documents are a thousand times as far apart.
_TIE = 1e-6


@dataclass(frozen=True)
class TopK:
    """Best documents of each query: `indices` `(q, k)` int64 and `scores` `(q, k)` float32, best first.

    >>> TopK(np.array([[2, 0, 1]]), np.array([[0.9, 0.9, 0.1]])).find_ties().tolist()
    [[True, True, False]]
    """

    indices: IntMatrix
    scores: FloatMatrix

    @classmethod
    def join(cls, parts: Sequence[TopK], k: int) -> TopK:
        """The queries of all parts, one after the other; of none, no rows of `k` columns."""
        if not parts:
            return cls(np.empty((0, k), np.int64), np.empty((0, k), np.float32))
        return cls(np.concatenate([part.indices for part in parts]), np.concatenate([part.scores for part in parts]))

    def find_ties(self) -> BoolMatrix:
        """Whether a document's score is that of a neighbour in its row, `(q, k)`: nothing but file order parts them."""
        equal = np.abs(np.diff(self.scores, axis=1)) <= _TIE
        tied = np.zeros(self.scores.shape, dtype=np.bool_)
        tied[:, 1:] |= equal
        tied[:, :-1] |= equal
        return tied


@dataclass(frozen=True)
class Ranking:
    """One query's cosines with every document, `(n,)` float32, and the order they make.

    >>> Ranking(torch.tensor([0.1, 0.9, 0.5])).ranks([0, 1, 2]).tolist()
    [3, 1, 2]
    """

    scores: torch.Tensor

    def top(self, k: int) -> TopK:
        """The `k` best documents as a `TopK` of one row."""
        return select_top_k(self.scores[None], k)

    def ranks(self, indices: Sequence[int]) -> IntMatrix:
        """Ranks (1 is best, ties by document order) of the given documents, int64."""
        scores = self.scores.numpy()
        return np.array([_rank(scores, int(i)) for i in indices], dtype=np.int64)

    def is_tied(self, index: int) -> bool:
        """Whether another document has the same score as this one."""
        return int((torch.abs(self.scores - self.scores[index]) <= _TIE).sum()) > 1


def select_top_k(scores: torch.Tensor, k: int) -> TopK:
    """The `k` best columns of `(q, n)` scores, best first, equal scores in column order."""
    k = min(k, scores.shape[1])
    if scores.shape[0] != 1 or scores.shape[1] < _THIN_FROM:
        return _select(scores, k)
    columns = _thin_out(scores[0], k)
    best = _select(scores[:, columns], k)
    return TopK(columns.numpy()[best.indices], best.scores)


def _thin_out(row: torch.Tensor, k: int) -> torch.Tensor:
    """Columns, ascending, of an `(n,)` row that hold its `k` best: takes four fifths off the selection.

    The maxima of `k` chunks reach a threshold; no chunk whose maximum stays below it is wanted.
    """
    whole = len(row) - len(row) % _CHUNK
    maxima = row[:whole].view(-1, _CHUNK).amax(dim=1)
    if k > len(maxima):
        return torch.arange(len(row))
    chosen = torch.nonzero(maxima >= torch.topk(maxima, k).values[-1])
    columns = (chosen * _CHUNK + torch.arange(_CHUNK)).flatten()
    return torch.cat([columns, torch.arange(whole, len(row))])


def _select(scores: torch.Tensor, k: int) -> TopK:
    """`top_k` by `torch.topk`, which leaves ties open: a row tied at its boundary is scanned for equal scores."""
    values, indices = torch.topk(scores, min(k + 1, scores.shape[1]), dim=1)
    if values.shape[1] > k:
        for row in torch.nonzero(values[:, k - 1] == values[:, k]).flatten().tolist():
            boundary = values[row, k - 1]
            tied = torch.nonzero(scores[row] == boundary).flatten()
            above = indices[row, :k][values[row, :k] > boundary]
            indices[row, :k] = torch.cat([above, tied[: k - len(above)]])
            values[row, :k] = scores[row, indices[row, :k]]
    return _sort(indices[:, :k].numpy(), values[:, :k].numpy())


def _sort(indices: IntMatrix, values: FloatMatrix) -> TopK:
    order = np.lexsort((indices, -values), axis=1)
    return TopK(np.take_along_axis(indices, order, 1), np.take_along_axis(values, order, 1))


def _rank(row: FloatMatrix, index: int) -> int:
    """NumPy counts what holds ten times as fast as torch sums it up."""
    score = row[index]
    return 1 + int(np.count_nonzero(row > score)) + int(np.count_nonzero(row[:index] == score))
