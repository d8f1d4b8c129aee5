"""The funnel: what it lets through, when it equals exact search, and what it proves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.search.cascade import Cascade, FunnelStage, StageError, paper_cascade, parse_cascade
from mrl_demo.search.funnel import FunnelIndex
from mrl_demo.search.prefix import PrefixIndex
from tests.search.brute_force import cosines, random_vectors


def decaying(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Vectors whose first numbers carry most, as a rotation to principal components makes them."""
    return random_vectors(n, d, seed) * np.float32(0.8) ** np.arange(d, dtype=np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(2, 24), st.integers(0, 10_000), st.data())
def test_a_funnel_that_drops_nothing_is_exact_search(n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, query = random_vectors(n, d, seed), random_vectors(1, d, seed + 1)[0]
    vectors[:: data.draw(st.integers(2, 50))] = 0  # Vectors of zeros have a cosine of 0 with everything.
    dims = sorted(data.draw(st.sets(st.integers(1, d - 1), max_size=3)))
    coarse = data.draw(st.sampled_from(["float32", "int8", "binary", "binary-mean"]))
    stages = [FunnelStage(dim, n, coarse if i == 0 else "float32") for i, dim in enumerate(dims)]
    top = FunnelIndex(PrefixIndex(vectors, 64)).search(query, Cascade((*stages, FunnelStage(d, n))), k=10)
    expected = cosines(vectors, query, d)
    np.testing.assert_allclose(top.scores[0], np.sort(expected)[::-1][:10], atol=3e-6)
    np.testing.assert_allclose(expected[top.indices[0]], top.scores[0], atol=3e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 300), st.integers(4, 24), st.integers(0, 10_000), st.data())
def test_what_is_proven_is_exact(n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, query = decaying(n, d, seed), decaying(1, d, seed + 1)[0]
    index, k = FunnelIndex(PrefixIndex(vectors)), data.draw(st.integers(1, 10))
    expected = np.sort(cosines(vectors, query, d))[::-1][:k]
    keep = data.draw(st.integers(k, n))
    run = index.run(query, Cascade((FunnelStage(max(1, d // 2), keep), FunnelStage(d, k))), k, is_bounded=True)
    if run.is_proven(k):
        np.testing.assert_allclose(run.top(k).scores, expected, atol=3e-6)
    dims = data.draw(st.lists(st.integers(1, d), max_size=4))
    proven = index.search_proven(query, dims, k)
    np.testing.assert_allclose(proven.scores, expected, atol=3e-6)
    assert list(proven.left) == sorted(proven.left, reverse=True)


def test_a_proof_fires_before_the_end_where_tails_are_short() -> None:
    vectors, query = decaying(2_000, 64), decaying(1, 64, seed=9)[0]
    index = FunnelIndex(PrefixIndex(vectors))
    proven = index.search_proven(query, (8, 16, 32, 48), 10)
    assert proven.proven_at < 64 and proven.left[0] < 2_000
    assert index.run(query, Cascade((FunnelStage(48, 50), FunnelStage(64, 10))), is_bounded=True).is_proven(10)
    assert not index.run(query, Cascade((FunnelStage(48, 50), FunnelStage(64, 10)))).is_proven(10)


@pytest.mark.parametrize(
    ("text", "least"), [("16:400,32:200,64:10", 0.95), ("int8@16:300,64:10", 0.95), ("binary@64:300,64:20", 0.2)]
)
def test_stages_shrink_and_find_most(text: str, least: float) -> None:
    vectors, queries = decaying(3_000, 64), decaying(20, 64, seed=5)
    index, cascade = FunnelIndex(PrefixIndex(vectors)), parse_cascade(text, 64)
    assert parse_cascade(cascade.name, 64) == cascade
    hits = 0
    for query in queries:
        run = index.run(query, cascade)
        sizes = [len(passed.documents) for passed in run.passed]
        assert sizes == [stage.keep for stage in cascade.stages]
        for wide, narrow in zip(run.passed, run.passed[1:], strict=False):
            assert set(narrow.documents.tolist()) <= set(wide.documents.tolist())
        hits += len({*run.top(10).documents.tolist()} & {*np.argsort(-cosines(vectors, query, 64))[:10].tolist()})
    assert hits / 200 > least


def test_an_excluded_document_never_comes_in() -> None:
    vectors = random_vectors(100, 16)
    index = FunnelIndex(PrefixIndex(vectors))
    for text in ("8:100,16:100", "int8@8:100,16:100", "4:5,16:5"):
        assert 7 not in index.run(vectors[7], parse_cascade(text, 16), 5, excluded=7).passed[-1].documents
    assert 7 not in index.search_proven(vectors[7], (8,), 5, excluded=7).documents


def test_bytes_are_counted_once() -> None:
    cascade = parse_cascade("binary@64:100,32:50,384:10".replace("32", "128"), 384)
    assert cascade.stage_bytes(1_000) == (8_000, 4 * 100 * 128, 4 * 50 * 256)
    assert parse_cascade("16:50,384:10", 384).stage_bytes(20) == (4 * 20 * 16, 4 * 20 * 368)
    assert paper_cascade(96).name == "16:400,32:200,64:100,96:10"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a stage"),
        ("64", "'64' is no stage"),
        ("64:100,16:10", "Stage 2 reads 16 numbers after 64"),
        ("16:100,64:200", "Stage 2 lets 200 documents through after 100"),
        ("16:0", "must be 1 or more"),
        ("16:100,int8@64:10", "only the first stage"),
        ("int8+rescore@16:100", "is no stage"),
        ("int3@16:100", "no precision 'int3'"),
    ],
)
def test_bad_stages_are_named(text: str, says: str) -> None:
    with pytest.raises(LabError, match=says):
        parse_cascade(text, 384)


def test_stages_that_do_not_fit_an_index_are_named() -> None:
    index = FunnelIndex(PrefixIndex(random_vectors(50, 16)))
    with pytest.raises(InvalidDimensionError, match="from 1 to 16"):
        index.search(np.ones(16, np.float32), parse_cascade("8:20,32:10", 16))
    with pytest.raises(StageError, match="fewer than the 10 results"):
        index.search(np.ones(16, np.float32), parse_cascade("8:20,16:5", 16))
