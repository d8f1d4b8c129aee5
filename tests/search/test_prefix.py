from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.core.vectors import truncate
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.topk import top_k


def random_vectors(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def naive(vectors: np.ndarray, query: np.ndarray, dim: int) -> np.ndarray:
    """Cut, normalise, multiply: the plain reference in float64."""
    cut, wanted = vectors[:, :dim].astype(np.float64), query[:dim].astype(np.float64)
    norms = np.linalg.norm(cut, axis=1) * np.linalg.norm(wanted)
    return np.divide(cut @ wanted, norms, out=np.zeros(len(cut)), where=norms > 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 24), st.integers(1, 20), st.integers(0, 10_000), st.data())
def test_search_equals_the_naive_reference(n: int, d: int, rows: int, seed: int, data: st.DataObject) -> None:
    vectors, query = random_vectors(n, d, seed), random_vectors(1, d, seed + 1)[0]
    dim, k = data.draw(st.integers(1, d)), data.draw(st.integers(1, n + 3))
    index = PrefixIndex(vectors, block_rows=rows)
    expected = naive(vectors, query, dim)
    np.testing.assert_allclose(index.scores(query, dim)[0], expected, atol=2e-6)
    found = index.search(query, dim, k)
    assert found.indices.shape == (1, min(k, n))
    np.testing.assert_allclose(found.scores[0], np.sort(expected)[::-1][:k], atol=2e-6)
    np.testing.assert_allclose(expected[found.indices[0]], found.scores[0], atol=2e-6)


@pytest.mark.parametrize("dim", [1, 8, 64, 100])
def test_search_agrees_with_faiss(dim: int) -> None:
    vectors, queries = random_vectors(3_000, 100), random_vectors(20, 100, seed=1)
    flat = faiss.IndexFlatIP(dim)
    flat.add(truncate(vectors, dim))
    scores, indices = flat.search(truncate(queries, dim), 10)
    found = PrefixIndex(vectors, block_rows=512).search(queries, dim, 10)
    np.testing.assert_allclose(found.scores, scores, atol=1e-5)
    if dim > 1:  # At one dimension every cosine is 1 or -1, and only document order decides.
        assert (found.indices == indices).mean() > 0.99


def test_equal_scores_keep_document_order_across_blocks() -> None:
    same = random_vectors(1, 16)[0]
    vectors = random_vectors(50, 16, seed=2)
    vectors[[3, 17, 18, 40, 49]] = same
    found = PrefixIndex(vectors, block_rows=8).search(same, 16, 4)
    assert found.indices[0].tolist() == [3, 17, 18, 40]
    assert PrefixIndex(np.ones((30, 4), np.float32), block_rows=7).search(np.ones(4), 2, 5).indices[0].tolist() == [
        *range(5)
    ]


def test_ranks_count_ties_by_document_order() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], np.float32)
    ranks = PrefixIndex(vectors).ranks(np.array([1.0, 0.0], np.float32), [0, 1, 2, 3], [1, 2])
    assert ranks[:, 1].tolist() == [1, 2, 4, 3]


def test_ranks_agree_with_search() -> None:
    vectors, query = random_vectors(200, 32), random_vectors(1, 32, seed=3)[0]
    index = PrefixIndex(vectors, block_rows=64)
    for dim in (1, 7, 32):
        order = index.search(query, dim, 200).indices[0]
        assert index.ranks(query, order.tolist(), [dim])[:, 0].tolist() == list(range(1, 201))


def test_zero_rows_score_zero_and_zero_queries_keep_order() -> None:
    vectors = np.array([[0, 0], [1, 0], [-1, 0]], np.float32)
    index = PrefixIndex(vectors)
    assert index.scores(np.array([1, 0], np.float32), 2)[0].tolist() == [0, 1, -1]
    assert index.search(np.zeros(2, np.float32), 2, 3).indices[0].tolist() == [0, 1, 2]


def test_one_copy_of_the_vectors_is_kept() -> None:
    index = PrefixIndex(random_vectors(4_096, 64))
    for dim in range(1, 65):
        index.search(np.ones(64, np.float32), dim, 1)
    assert index.nbytes == 4_096 * 64 * 4


def test_threads_share_an_index() -> None:
    vectors, queries = random_vectors(500, 24), random_vectors(40, 24, seed=5)
    index = PrefixIndex(vectors)
    alone = [index.search(q, 1 + i % 24, 5).indices[0].tolist() for i, q in enumerate(queries)]
    fresh = PrefixIndex(vectors)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: fresh.search(queries[i], 1 + i % 24, 5).indices[0].tolist(), range(40)))
    assert together == alone


@pytest.mark.parametrize("dim", [0, -3, 17, "x"])
def test_a_dimension_out_of_range_is_refused(dim: object) -> None:
    with pytest.raises(InvalidDimensionError, match="1 to 16"):
        PrefixIndex(random_vectors(3, 16)).search(np.ones(16, np.float32), dim, 1)


def test_bad_vectors_are_named() -> None:
    broken = random_vectors(5, 4)
    broken[3, 2] = np.nan
    with pytest.raises(LabError, match="Vector 3"):
        PrefixIndex(broken)
    with pytest.raises(LabError, match="shape"):
        PrefixIndex(np.zeros((0, 4), np.float32))
    with pytest.raises(LabError, match="k=0"):
        PrefixIndex(random_vectors(5, 4)).search(np.ones(4), 2, 0)


@pytest.mark.parametrize("ask", ["search", "scores", "ranking", "ranks"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_queries_without_cosines_are_refused(ask: str, wrong: float) -> None:
    index, broken = PrefixIndex(random_vectors(5, 4)), np.ones(4, np.float32)
    broken[3] = wrong  # Beyond the prefix that is asked for: the encoding failed all the same.
    questions = {
        "search": lambda query: index.search(np.stack([np.ones_like(query), query]), 2, 1),
        "scores": lambda query: index.scores(query, 2),
        "ranking": lambda query: index.ranking(query, 2),
        "ranks": lambda query: index.ranks(query, [0], [2]),
    }
    with pytest.raises(LabError, match=f"Query vector {int(ask == 'search')} holds NaN or infinity"):
        questions[ask](broken)
    with pytest.raises(LabError, match=r"\(.*5,?\) do not fit an index of 4 numbers"):
        questions[ask](np.ones(5, np.float32))


@pytest.mark.parametrize("distinct", [2, 7, 1_000, 10**9])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_thinning_a_long_row_changes_nothing_ties_included(distinct: int, k: int) -> None:
    row = np.random.default_rng(k).integers(0, distinct, 70_001).astype(np.float32)
    found = top_k(torch.from_numpy(row)[None], k)
    expected = np.lexsort((np.arange(len(row)), -row))[:k]
    assert found.indices[0].tolist() == expected.tolist()
    np.testing.assert_array_equal(found.scores[0], row[expected])
