"""Equal scores: the value of a metric is its mean over every order that the ties allow."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.evaluation.judging.metrics import Relevant, parse_metric, quality
from mrl_demo.evaluation.judging.places import NOT_RETRIEVED, place_relevant

METRICS = ("ndcg@3", "ndcg@10", "mrr@3", "mrr@10", "recall@2", "map", "map@4")


def strict_value(metric: str, grades: list[int]) -> float:
    """One metric of one ranking without ties, by its definition."""
    kind, _, depth = metric.partition("@")
    k = int(depth or len(grades))
    ideal = sorted(grades, reverse=True)
    relevant = [rank for rank, grade in enumerate(grades, 1) if grade > 0]
    if kind == "ndcg":
        best = sum(g / np.log2(rank + 1) for rank, g in enumerate(ideal[:k], 1))
        return float(sum(g / np.log2(rank + 1) for rank, g in enumerate(grades[:k], 1)) / best)
    if kind == "mrr":
        return 1 / relevant[0] if relevant[0] <= k else 0.0
    if kind == "recall":
        return sum(rank <= k for rank in relevant) / len(relevant)
    return sum(hit / rank for hit, rank in enumerate(relevant, 1) if rank <= k) / len(relevant)


def mean_over_orders(metric: str, scores: list[int], grades: list[int]) -> float:
    values = []
    for order in permutations(range(len(scores))):
        ranked = sorted(order, key=lambda i: -scores[i])  # Stable: the permutation decides among equal scores.
        values.append(strict_value(metric, [grades[i] for i in ranked]))
    return float(np.mean(values))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6))
def test_every_metric_is_the_mean_over_all_orders_of_tied_documents(rows: list[tuple[int, int]]) -> None:
    scores, grades = [score for score, _ in rows], [grade for _, grade in rows]
    grades[0] = grades[0] or 1
    documents = np.flatnonzero(grades)
    relevant = Relevant(np.zeros(len(documents), dtype=np.int64), documents, np.array(grades)[documents], 1)
    places = place_relevant(np.array([scores], dtype=np.float32), relevant.query, relevant.document)
    for metric in METRICS:
        value = quality(parse_metric(metric), relevant, places)[0]
        np.testing.assert_allclose(value, mean_over_orders(metric, scores, grades), atol=1e-9, err_msg=metric)


def test_sorted_and_counted_places_agree() -> None:
    scores = np.random.default_rng(3).integers(0, 30, size=(1, 300)).astype(np.float32)
    many = place_relevant(scores, np.zeros(300, dtype=np.int64), np.arange(300))
    few = [place_relevant(scores, np.zeros(1, dtype=np.int64), np.array([j])) for j in range(300)]
    np.testing.assert_array_equal(many.ahead, np.concatenate([places.ahead for places in few]))
    np.testing.assert_array_equal(many.tied, np.concatenate([places.tied for places in few]))


def test_rounding_is_no_order() -> None:
    scores = np.array([[0.5, 0.5 + 1e-7, 0.4, 0.5 - 1e-7]], dtype=np.float32)
    places = place_relevant(scores, np.zeros(2, dtype=np.int64), np.array([0, 2]))
    assert (places.ahead.tolist(), places.tied.tolist()) == ([0, 3], [3, 1])


def test_missing_and_excluded_documents_are_not_retrieved() -> None:
    scores = np.array([[0.5, -np.inf, 0.4]], dtype=np.float32)
    places = place_relevant(scores, np.zeros(3, dtype=np.int64), np.array([-1, 1, 2]))
    assert places.ahead.tolist() == [NOT_RETRIEVED, NOT_RETRIEVED, 1]
    relevant = Relevant(np.zeros(3, dtype=np.int64), np.array([-1, 1, 2]), np.ones(3, dtype=np.int64), 1)
    assert quality(parse_metric("recall@10"), relevant, places)[0] == 1 / 3
    assert quality(parse_metric("map"), relevant, places)[0] == (1 / 2) / 3
