"""How many of a document's nearest neighbours a shorter vector keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.search.prefix import PrefixIndex

#: Neighbours that are looked at.
NEIGHBOURS = 10


def neighbours_kept(
    index: PrefixIndex, vectors: FloatMatrix, dims: Sequence[int], progress: Progress | None = None
) -> NDArray[np.uint8]:
    """How many of each document's ten nearest are still among its ten nearest at each length: `(n, len(dims))` uint8.

    `index` holds `vectors`, `(n, d)`; a document is no neighbour of its own. Fewer than ten if there are fewer.
    """
    full = nearest_others(index, vectors, index.dimension)
    columns = []
    for place, dim in enumerate(dims):
        if progress:
            progress(place / len(dims), f"Neighbours at {dim} numbers")
        short = full if dim == index.dimension else nearest_others(index, vectors, dim)
        columns.append((full[:, :, None] == short[:, None, :]).any(axis=2).sum(axis=1))
    return np.stack(columns, axis=1).astype(np.uint8)


def nearest_others(index: PrefixIndex, vectors: FloatMatrix, dim: int) -> IntMatrix:
    """The nearest ten of each document at one length, itself left out: `(n, 10)` int64, fewer if there are fewer."""
    k = min(NEIGHBOURS, index.n - 1)
    found = index.search(vectors, dim, k + 1).indices
    is_own = found == np.arange(len(vectors))[:, None]
    is_own[~is_own.any(axis=1), -1] = True  # Equal texts may stand before a document itself: then the last goes.
    return found[~is_own].reshape(len(vectors), k)
