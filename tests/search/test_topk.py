from __future__ import annotations

import numpy as np
import pytest
import torch

from mrl_demo.search.topk import Ranking, TopK, select_top_k


@pytest.mark.parametrize("distinct", [2, 7, 1_000, 10**9])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_thinning_a_long_row_changes_nothing_ties_included(distinct: int, k: int) -> None:
    row = np.random.default_rng(k).integers(0, distinct, 70_001).astype(np.float32)
    top = select_top_k(torch.from_numpy(row)[None], k)
    expected = np.lexsort((np.arange(len(row)), -row))[:k]
    assert top.indices[0].tolist() == expected.tolist()
    np.testing.assert_array_equal(top.scores[0], row[expected])


@pytest.mark.parametrize(
    ("scores", "tied"),
    [
        ([0.9, 0.8, 0.7], [False, False, False]),
        ([0.9, 0.9, 0.7], [True, True, False]),
        ([0.9, 0.7, 0.7], [False, True, True]),
        ([1.0, 0.99999994, 0.9999], [True, True, False]),  # One rounding apart is no difference.
        ([0.9], [False]),
        ([], []),
    ],
)
def test_neighbours_with_equal_scores_are_tied(scores: list[float], tied: list[bool]) -> None:
    row = np.array([scores], np.float32)
    assert TopK(np.arange(row.size)[None], row).find_ties().tolist() == [tied]


def test_a_document_is_tied_if_any_other_has_its_score() -> None:
    ranking = Ranking(torch.tensor([0.5, 0.9, 0.1, 0.5 + 1e-7, 0.9 - 1e-4]))
    assert [ranking.is_tied(i) for i in range(5)] == [True, False, False, True, False]


def test_a_tie_does_not_reach_into_the_next_query() -> None:
    scores = np.array([[0.9, 0.5], [0.5, 0.4]], np.float32)
    assert not TopK(np.array([[0, 1], [1, 0]]), scores).find_ties().any()
