"""Agreement of rankings, by definition, over the orders of ties, and without regard to the order of a file."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.evaluation.judging.agreement import agreement, joined, leading_documents, place_leading
from mrl_demo.evaluation.judging.metrics import Metric, parse_metric


def agree(metric: str, reference: np.ndarray, scores: np.ndarray) -> np.ndarray:
    parsed = parse_metric(metric)
    leading = leading_documents(reference, parsed.k or 0)
    return agreement(
        parsed, leading, place_leading(scores, leading.query, leading.document, leading.depth), len(scores)
    )


def overlap_by_hand(a: list[int], b: list[int]) -> float:
    return len(set(a) & set(b)) / len(a)


def rbo_by_hand(a: list[int], b: list[int], p: float = 0.9) -> float:
    """Equation 32 of Webber et al. 2010, term by term."""
    k = len(a)
    shared = [len(set(a[:d]) & set(b[:d])) for d in range(1, k + 1)]
    return shared[-1] / k * p**k + (1 - p) / p * sum(x / d * p**d for d, x in enumerate(shared, 1))


BY_HAND = {"overlap": overlap_by_hand, "rbo": rbo_by_hand}


def ranked(scores: np.ndarray, k: int) -> list[list[int]]:
    return np.argsort(-scores, axis=1, kind="stable")[:, :k].tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**31))
def test_agreement_by_definition(k: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = (np.stack([generator.permutation(50) for _ in range(3)]).astype(np.float32) for _ in range(2))
    for kind, by_hand in BY_HAND.items():
        expected = [by_hand(x, y) for x, y in zip(ranked(a, k), ranked(b, k), strict=True)]
        np.testing.assert_allclose(agree(f"{kind}@{k}", a, b), expected, atol=1e-12)
        np.testing.assert_allclose(agree(f"{kind}@{k}", a, a), 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.integers(1, 6), st.integers(0, 2**31))
def test_ties_count_by_the_mean_over_their_orders(scores: list[int], k: int, seed: int) -> None:
    n = len(scores)
    k = min(k, n)
    reference = np.random.default_rng(seed).permutation(n)[None].astype(np.float32)
    whole = ranked(reference, k)[0]
    for kind, by_hand in BY_HAND.items():
        orders = [sorted(order, key=lambda i: -scores[i])[:k] for order in permutations(range(n))]
        expected = float(np.mean([by_hand(whole, order) for order in orders]))
        tied = np.array([scores], dtype=np.float32)
        np.testing.assert_allclose(agree(f"{kind}@{k}", reference, tied)[0], expected, atol=1e-9)
        np.testing.assert_allclose(agree(f"{kind}@{k}", tied, reference)[0], expected, atol=1e-9)
        np.testing.assert_allclose(agree(f"{kind}@{k}", tied, tied)[0], 1)


@pytest.mark.parametrize("depth", [1, 3, 10, 40])
def test_places_are_those_of_the_whole_row(depth: int) -> None:
    generator = np.random.default_rng(depth)
    scores = generator.integers(0, 12, size=(5, 40)).astype(np.float32) * 30  # A dot product may be large.
    rows, documents = np.divmod(np.arange(200), 40)
    places = place_leading(scores, rows, documents, depth)
    for row, document, ahead, tied in zip(rows, documents, places.ahead, places.tied, strict=True):
        surely = int((scores[row] > scores[row, document]).sum())
        if surely < depth:
            assert (ahead, tied) == (surely, int((scores[row] == scores[row, document]).sum()))
        else:
            assert ahead >= depth


def test_a_document_that_is_left_out_is_no_place() -> None:
    scores = np.array([[3, -np.inf, 1, 2]], dtype=np.float32)
    leading = leading_documents(scores, 10)
    assert leading.document.tolist() == [0, 2, 3] and leading.places.ahead.tolist() == [0, 2, 1]
    for metric in ("overlap@10", "rbo@10"):
        np.testing.assert_allclose(agree(metric, scores, scores), 1)


def test_blocks_are_joined_in_query_order() -> None:
    scores = np.random.default_rng(0).normal(size=(7, 30)).astype(np.float32)
    whole = leading_documents(scores, 5)
    parts = joined([leading_documents(scores[:4], 5), leading_documents(scores[4:], 5)], [0, 4])
    np.testing.assert_array_equal(parts.query, whole.query)
    np.testing.assert_array_equal(parts.places.ahead, whole.places.ahead)
    assert parts.of_queries(4, 7) == slice(20, 35)
    np.testing.assert_allclose(agreement(Metric("overlap", 5), whole, whole.places, 7), 1)
