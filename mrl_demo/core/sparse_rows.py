"""Sparse codes: for every text the few units that fire, the strongest first, so that a cut keeps the strongest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import IntMatrix
from mrl_demo.core.vectors import check_dimension, normalise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Bytes of one stored value: 2 say which unit, 2 how strongly it fires. A float32 number has as many.
BYTES_A_VALUE = 4
#: The most units that two bytes can tell apart.
MOST_UNITS = 65_536


@dataclass(frozen=True)
class SparseRows:
    """`units` `(n, K)` uint16 and their `values` `(n, K)` float16, falling in every row, 0 where nothing fires.

    `width` is how many units there are. Cut at k, a row keeps its k strongest and is scaled to length 1.

    >>> rows = SparseRows(np.array([[4, 1]], np.uint16), np.array([[0.75, 0.25]], np.float16), width=5)
    >>> rows.cut(1).toarray().tolist()
    [[0.0, 0.0, 0.0, 0.0, 1.0]]
    """

    units: NDArray[np.uint16]
    values: NDArray[np.float16]
    width: int

    def __len__(self) -> int:
        return len(self.units)

    @property
    def dimension(self) -> int:
        """The most units K that a row can keep."""
        return int(self.units.shape[1])

    def take(self, rows: IntMatrix | Sequence[int]) -> SparseRows:
        """Only these rows, in this order."""
        return SparseRows(self.units[rows], self.values[rows], self.width)

    def cut(self, k: object) -> csr_matrix:
        """`(n, width)` CSR matrix of float32 unit rows with the `k` strongest units; raises `InvalidDimensionError`.

        Rows in which nothing fires stay empty.
        """
        from scipy.sparse import csr_matrix

        length = check_dimension(k, self.dimension)
        values = normalise(self.values[:, :length].astype(np.float32))
        starts = np.arange(0, (len(values) + 1) * length, length)
        matrix = csr_matrix(
            (values.ravel(), self.units[:, :length].ravel().astype(np.int32), starts), (len(values), self.width)
        )
        matrix.eliminate_zeros()
        return matrix

    def bytes_at(self, k: int) -> int:
        """Bytes that `k` units a row take, which and how strongly."""
        return BYTES_A_VALUE * k * len(self)
