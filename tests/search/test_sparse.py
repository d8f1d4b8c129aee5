"""Sparse search: the order of all dot products, ranks and ties as the other engines have them."""

from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.core.sparse_rows import SparseRows
from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.sparse import SparseIndex


def rows_of(seed: int, count: int, kept: int = 8, width: int = 40) -> SparseRows:
    random = np.random.default_rng(seed)
    units = np.stack([random.permutation(width)[:kept] for _ in range(count)]).astype(np.uint16)
    return SparseRows(units, -np.sort(-random.random((count, kept)), axis=1).astype(np.float16), width)


def by_hand(rows: SparseRows, k: int) -> FloatMatrix:
    dense = np.zeros((len(rows), rows.width), np.float32)
    for row, (units, values) in enumerate(zip(rows.units, rows.values, strict=True)):
        dense[row, units[:k]] = values[:k]
    return dense / np.linalg.norm(dense, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_results_and_ranks_are_those_of_all_dot_products(k: int) -> None:
    documents, asked = rows_of(0, 300), rows_of(1, 5)
    index = SparseIndex(documents, lambda vectors: asked.take(range(len(vectors))))
    vectors = np.ones((5, 8), np.float32)
    scores = by_hand(asked, k) @ by_hand(documents, k).T
    found = index.search(vectors, k, 10)
    assert found.indices.tolist() == np.argsort(-scores.round(6), axis=1, kind="stable")[:, :10].tolist()
    assert np.allclose(found.scores, np.take_along_axis(scores, found.indices, 1), atol=1e-5)
    first = found.indices[0].tolist()
    assert index.scan.ranks(vectors[0], first, [k])[:, 0].tolist() == list(range(1, 11))


def test_bytes_are_four_a_unit_and_wrong_lengths_are_refused() -> None:
    index = SparseIndex(rows_of(0, 20), lambda vectors: rows_of(1, len(vectors)))
    assert index.bytes_read(3) == 20 * 3 * 4
    assert index.nbytes == 20 * 8 * 4
    with pytest.raises(InvalidDimensionError, match="from 1 to 8"):
        index.search(np.ones((1, 8), np.float32), 9, 1)
    with pytest.raises(LabError, match="do not fit an index of 8 numbers"):
        index.search(np.ones((1, 7), np.float32), 1, 1)
