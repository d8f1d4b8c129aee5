from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, R, nDCG

from mrl_demo.evaluation.judging.metrics import Metric, MetricError, Relevant, parse_metric, quality
from mrl_demo.evaluation.judging.places import Places, place_relevant


def relevant_of(grades: np.ndarray) -> Relevant:
    """Every query's relevant documents, and one of grade 2 that the collection lacks."""
    rows, documents = np.nonzero(np.pad(grades, ((0, 0), (1, 0)), constant_values=2) > 0)
    return Relevant(rows, documents - 1, np.where(documents == 0, 2, grades[rows, documents - 1]), len(grades))


@st.composite
def judged_scores(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores without ties and grades 0 to 3 (and below), at least one relevant document for each query."""
    q, n = draw(st.integers(1, 4)), draw(st.integers(1, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**31)))
    scores = np.stack([generator.permutation(n) for _ in range(q)]).astype(np.float32)
    grades = generator.integers(1, 4, size=(q, n)) * (generator.random((q, n)) < draw(st.floats(0.02, 1.0)))
    grades[np.arange(q), generator.integers(n, size=q)] = draw(st.integers(1, 3))
    return scores, grades


@settings(max_examples=120, deadline=None)
@given(judged_scores(), st.integers(1, 30))
def test_metrics_equal_ir_measures(case: tuple[np.ndarray, np.ndarray], k: int) -> None:
    scores, grades = case
    relevant = relevant_of(grades)
    places = place_relevant(scores, relevant.query, relevant.document)
    n = scores.shape[1]
    ids = [f"{n - j:04d}" for j in range(n)]  # trec_eval orders ties by descending id: document order here
    odd = {"missing": 2, "worse than nothing": -1}  # Judged documents that no run holds, and a negative grade.
    qrels = {f"q{i}": {ids[j]: int(g) for j, g in enumerate(row)} | odd for i, row in enumerate(grades)}
    run = {f"q{i}": {ids[j]: float(s) for j, s in enumerate(row)} for i, row in enumerate(scores)}
    measures = {f"ndcg@{k}": nDCG @ k, f"recall@{k}": R @ k, f"map@{k}": AP @ k, "map": AP}
    expected = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(list(measures.values()), qrels, run)}
    for name, measure in measures.items():
        found = quality(parse_metric(name), relevant, places)
        np.testing.assert_allclose(found, [expected[f"q{i}", measure] for i in range(len(scores))], atol=1e-6)
    reciprocal = {m.query_id: m.value for m in ir_measures.iter_calc([RR], qrels, run)}
    expected_mrr = [reciprocal[f"q{i}"] if reciprocal[f"q{i}"] >= 1 / k - 1e-9 else 0 for i in range(len(scores))]
    np.testing.assert_allclose(quality(Metric("mrr", k), relevant, places), expected_mrr, atol=1e-6)


def test_a_query_without_relevant_documents_is_zero() -> None:
    relevant = Relevant(np.array([1]), np.array([0]), np.array([1]), 3)
    for name in ("ndcg@10", "mrr@10", "recall@10", "map"):
        np.testing.assert_array_equal(
            quality(parse_metric(name), relevant, Places(np.array([0]), np.array([1]))), [0, 1, 0]
        )


@pytest.mark.parametrize("name", ["ndcg", "ndcg@0", "precision@5", "", "ndcg@ten", "map@99999"])
def test_unknown_metrics_are_named(name: str) -> None:
    with pytest.raises(MetricError, match="choose among"):
        parse_metric(name)


def test_metric_names_survive_reading() -> None:
    for name in ("ndcg@10", "map", "map@100", "rbo@100"):
        assert parse_metric(name).name == name
