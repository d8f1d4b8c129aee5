from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import LabError
from mrl_demo.search.prefix import PrefixIndex
from tests.search.brute_force import cosines, random_vectors


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 24), st.integers(1, 20), st.integers(0, 10_000), st.data())
def test_scores_are_all_cosines(n: int, d: int, rows: int, seed: int, data: st.DataObject) -> None:
    vectors, query = random_vectors(n, d, seed), random_vectors(1, d, seed + 1)[0]
    dim = data.draw(st.integers(1, d))
    scores = PrefixIndex(vectors, block_rows=rows).scores(query, dim)[0]
    np.testing.assert_allclose(scores, cosines(vectors, query, dim), atol=2e-6)


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


def test_one_copy_of_the_vectors_is_kept() -> None:
    index = PrefixIndex(random_vectors(4_096, 64))
    for dim in range(1, 65):
        index.search(np.ones(64, np.float32), dim, 1)
    assert index.nbytes == 4_096 * 64 * 4
    assert index.bytes_read(16) == 4_096 * 16 * 4


@pytest.mark.parametrize("n", [16_385, 20_000, 100_000])
def test_blocks_hardly_have_empty_places(n: int) -> None:
    assert PrefixIndex(np.ones((n, 2), np.float32)).nbytes < 1.01 * n * 2 * 4


def test_norms_of_a_length_are_the_same_whatever_was_asked_before() -> None:
    vectors = random_vectors(300, 100)
    vectors[5] = 0
    longest_first, shortest_first = PrefixIndex(vectors, 64), PrefixIndex(vectors, 64)
    late = {dim: longest_first.inverse_norms(dim) for dim in range(100, 0, -1)}
    for dim in range(1, 101):
        np.testing.assert_array_equal(shortest_first.inverse_norms(dim), late[dim])
        norms = np.linalg.norm(vectors[:, :dim].astype(np.float64), axis=1)
        exact = np.divide(1, norms, out=np.zeros(300), where=norms > 0)
        np.testing.assert_allclose(late[dim].reshape(-1)[:300], exact, rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 7, 50, 1_000])
def test_the_vectors_can_be_had_again(rows: int) -> None:
    vectors = random_vectors(50, 6)
    np.testing.assert_array_equal(np.concatenate(list(PrefixIndex(vectors, rows).parts())), vectors)


@pytest.mark.parametrize("ask", ["scores", "ranking", "ranks"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_queries_without_cosines_are_refused_everywhere(ask: str, wrong: float) -> None:
    index, broken = PrefixIndex(random_vectors(5, 4)), np.ones(4, np.float32)
    broken[3] = wrong  # Beyond the prefix that is asked for: the encoding failed all the same.
    questions = {
        "scores": lambda query: index.scores(query, 2),
        "ranking": lambda query: index.ranking(query, 2),
        "ranks": lambda query: index.ranks(query, [0], [2]),
    }
    with pytest.raises(LabError, match="Query vector 0 holds NaN or infinity"):
        questions[ask](broken)
    with pytest.raises(LabError, match=r"\(5,\) do not fit an index of 4 numbers"):
        questions[ask](np.ones(5, np.float32))
