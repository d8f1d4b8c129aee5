"""No figure depends on the order of a file: documents, queries and judgements are shuffled, everything stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Corpus, ScoredPair
from mrl_demo.corpora.own.files import load_path
from mrl_demo.evaluation.sweeps.plan import DEFAULT_METRICS
from mrl_demo.evaluation.sweeps.results import SweepResult
from tests.evaluation.word_world import run_sweep, word_corpus

Make = Callable[..., SpaceBuilder]
CASES = CODE_ROOT / "tests" / "cases"
ARMS = ("base", "base+pca", "base+adapted", "base-random", "bm25")
PRECISIONS = ("float32", "float16", "int8", "binary", "int8+rescore", "binary+rescore")


def shuffled(corpus: Corpus, seed: int) -> Corpus:
    generator = np.random.default_rng(seed)
    documents = tuple(corpus.documents[i] for i in generator.permutation(len(corpus.documents)))
    queries = tuple(corpus.queries[i] for i in generator.permutation(len(corpus.queries)))
    judgements = {
        query: dict(generator.permutation(list(grades.items())).tolist()) for query, grades in corpus.judgements.items()
    }
    names = list(judgements)
    judgements = {names[i]: judgements[names[i]] for i in generator.permutation(len(names))}
    judgements = {query: {doc: int(grade) for doc, grade in grades.items()} for query, grades in judgements.items()}
    fingerprint = sha256_text(*(doc.id for doc in documents))
    return replace(corpus, documents=documents, queries=queries, judgements=judgements, fingerprint=fingerprint)


def figures(result: SweepResult) -> dict[tuple[object, ...], tuple[float, ...]]:
    values: dict[tuple[object, ...], tuple[float, ...]] = {
        row.key: (row.value, row.low, row.high) for row in result.rows
    }
    values |= {("kept", *row.key): (row.value, row.low, row.high) for row in result.retentions}
    for row in result.differences:
        key = (row.arm, row.dim, row.precision, row.metric, row.against)
        values[key] = (row.difference, row.low, row.high, row.p)
    return values


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**31))
def test_shuffling_a_collection_changes_no_figure_of_any_arm_or_precision(make_builder: Make, seed: int) -> None:
    corpus = word_corpus(80)
    twins = tuple(replace(doc, id=f"twin-{doc.id}") for doc in corpus.documents[:20])  # Equal scores everywhere.
    documents = tuple(replace(doc, topic=f"t{i % 4}") for i, doc in enumerate((*corpus.documents, *twins)))
    pairs = tuple(ScoredPair(doc.text, twins[0].text, float(i % 7)) for i, doc in enumerate(corpus.documents))
    corpus = replace(corpus, documents=documents, pairs=pairs, fingerprint="with twins")
    metrics = (*DEFAULT_METRICS, "accuracy", "knn-macro-f1", "spearman")
    builder = make_builder()
    before, after = (
        figures(run_sweep(builder, each, ARMS, (1, 4, 48), PRECISIONS, metrics, resamples=200, queries=20))
        for each in (corpus, shuffled(corpus, seed))
    )
    assert before.keys() == after.keys()
    assert {metric.split("@")[0] for _, _, _, metric, *_ in before} >= {"ndcg", "rbo", "accuracy", "spearman"}
    for key, values in before.items():
        np.testing.assert_allclose(after[key], values, atol=1e-6, err_msg=str(key))


@pytest.mark.real_model
def test_judged_documents_first_last_or_mixed_give_the_same_figures(tmp_path: Path) -> None:
    from mrl_demo.core.config import Settings
    from mrl_demo.lab.lab import Lab

    lab = Lab(Settings(cache_dir=tmp_path))
    results = [
        figures(
            run_sweep(
                lab.builder,
                load_path(CASES / "14" / place),
                ["base", "bm25"],
                (8, 32),
                ("float32", "binary", "binary+rescore"),
            )
        )
        for place in ("first", "last", "mixed")
    ]
    for other in results[1:]:
        assert other.keys() == results[0].keys()
        for key, values in results[0].items():
            np.testing.assert_allclose(other[key], values, atol=1e-6, err_msg=str(key))


@pytest.mark.real_model
@pytest.mark.parametrize(("case", "value"), [("05", 1.0), ("06", 0.497)])
def test_own_documents_are_left_out_and_missing_ones_counted(case: str, value: float, tmp_path: Path) -> None:
    from mrl_demo.core.config import Settings
    from mrl_demo.lab.lab import Lab

    lab = Lab(Settings(cache_dir=tmp_path))
    result = run_sweep(lab.builder, load_path(CASES / case / "beir"), ["base"], (384,), metrics=("ndcg@10",))
    row = result.row("base", 384, "ndcg@10")
    assert row is not None and row.value == pytest.approx(value, abs=5e-4)
    assert any("left out of that query" in note or "never found" in note for note in result.notes)
