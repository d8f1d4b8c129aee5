"""One suite over all engines: what holds for any of them, whatever is under it. A new engine is one more row."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.search.engine import ScanEngine
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.flat import FlatIndex
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.sketch import SketchIndex
from tests.search.brute_force import cosines, nearest, random_vectors

Build = Callable[[FloatMatrix], ScanEngine]


def warmed_up(vectors: FloatMatrix) -> ExactIndex:
    index = ExactIndex(vectors, sketch_from=1)
    index.warm_up()
    return index


def flat(precision: str) -> Build:
    return lambda vectors: FlatIndex(vectors, precision)


EXACT: dict[str, Build] = {
    "prefix": PrefixIndex,
    "prefix in small blocks": lambda vectors: PrefixIndex(vectors, block_rows=7),
    "sketch": lambda vectors: SketchIndex(PrefixIndex(vectors, block_rows=50), few=1.0),
    "exact, scanning": ExactIndex,
    "exact, warmed up": warmed_up,
    "flat float32": flat("float32"),
}
#: Of the 10 nearest, how many are found at least on average: 300 random vectors of 40 numbers, which are harder than
#: texts, cut to 32.
RECALL = {
    "float16": 0.99,
    "int8": 0.85,
    "int4": 0.5,
    "binary": 0.3,
    "binary-mean": 0.28,
    "pq": 0.3,
    "float16+rescore": 1.0,
    "int8+rescore": 1.0,
    "binary+rescore": 0.75,
    "pq+rescore-int8": 0.7,
    "rabitq+rescore": 0.75,
}
ENGINES: dict[str, Build] = EXACT | {f"flat {precision}": flat(precision) for precision in RECALL}

every_engine = pytest.mark.parametrize("build", ENGINES.values(), ids=ENGINES)
exact_engines = pytest.mark.parametrize("build", EXACT.values(), ids=EXACT)


@every_engine
def test_it_says_what_it_is(build: Build) -> None:
    engine = build(random_vectors(30, 12))
    engine.search(np.ones(12, np.float32), 8, 3)
    assert (engine.n, engine.dimension, engine.is_exact) == (30, 12, build in EXACT.values())
    assert engine.nbytes > 0
    assert engine.bytes_read(4) <= engine.bytes_read(8)


@exact_engines
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(1, 24), st.integers(0, 10_000), st.data())
def test_an_exact_engine_equals_brute_force(build: Build, n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, query = random_vectors(n, d, seed), random_vectors(1, d, seed + 1)[0]
    dim, k = data.draw(st.integers(1, d)), data.draw(st.integers(1, n + 3))
    top, expected = build(vectors).search(query, dim, k), cosines(vectors, query, dim)
    assert top.indices.shape == top.scores.shape == (1, min(k, n))
    assert (top.indices.dtype, top.scores.dtype) == (np.int64, np.float32)
    np.testing.assert_allclose(top.scores[0], np.sort(expected)[::-1][:k], atol=2e-6)
    np.testing.assert_allclose(expected[top.indices[0]], top.scores[0], atol=2e-6)


@exact_engines
@pytest.mark.parametrize("dim", [1, 8, 64, 100])
def test_an_exact_engine_agrees_with_faiss(build: Build, dim: int) -> None:
    vectors, queries = random_vectors(3_000, 100), random_vectors(20, 100, seed=1)
    peer = faiss.IndexFlatIP(dim)
    peer.add(truncate(vectors, dim))
    scores, indices = peer.search(truncate(queries, dim), 10)
    top = build(vectors).search(queries, dim, 10)
    np.testing.assert_allclose(top.scores, scores, atol=1e-5)
    if dim > 1:  # At one dimension every cosine is 1 or -1, and only document order decides.
        assert (top.indices == indices).mean() > 0.99


@pytest.mark.parametrize("precision", RECALL)
def test_what_is_not_exact_keeps_its_recall(precision: str) -> None:
    vectors, queries = random_vectors(300, 40), random_vectors(50, 40, seed=5)
    top = FlatIndex(vectors, precision).search(queries, 32, 10)
    found = [
        len({*row.tolist()} & {*nearest(vectors, query, 32, 10).tolist()})
        for row, query in zip(top.indices, queries, strict=True)
    ]
    assert np.mean(found) / 10 >= RECALL[precision]


@every_engine
def test_a_batch_is_its_queries_one_by_one(build: Build) -> None:
    engine, queries = build(random_vectors(200, 20)), random_vectors(9, 20, seed=3)
    together = engine.search(queries, 16, 5)
    for i, query in enumerate(queries):
        for shape in ((20,), (1, 20)):
            alone = engine.search(query.reshape(shape), 16, 5)
            assert alone.indices[0].tolist() == together.indices[i].tolist()
            np.testing.assert_allclose(alone.scores[0], together.scores[i], atol=2e-6)


@every_engine
def test_the_best_come_first_and_none_twice(build: Build) -> None:
    top = build(random_vectors(100, 20)).search(random_vectors(4, 20, seed=1), 12, 30)
    assert np.all(np.diff(top.scores, axis=1) <= 0)
    assert all(len(set(row)) == 30 for row in top.indices.tolist())


@every_engine
@pytest.mark.parametrize("k", [1, 4, 40, 60])
def test_equal_documents_come_in_their_order_wherever_they_lie(build: Build, k: int) -> None:
    query = random_vectors(1, 16)[0]
    vectors = -np.abs(random_vectors(300, 16, seed=2)) * np.sign(query)
    twins = [3, 17, 18, 40, *range(99, 290)]
    vectors[twins] = query
    top = build(vectors).search(query, 16, k)
    assert top.indices[0].tolist() == twins[:k]
    assert top.find_ties().all() == (k > 1)


@every_engine
def test_scores_do_not_depend_on_the_order_of_the_documents(build: Build) -> None:
    vectors = random_vectors(400, 16).round(1)  # Few distinct numbers: ties at every precision.
    vectors[200:] = vectors[:200]
    order = np.random.default_rng(1).permutation(400)
    for query in random_vectors(5, 16, seed=4):
        for dim in (2, 8, 16):
            before, after = build(vectors).search(query, dim, 10), build(vectors[order]).search(query, dim, 10)
            np.testing.assert_allclose(before.scores, after.scores, atol=1e-6)


@every_engine
def test_more_than_all_are_all(build: Build) -> None:
    top = build(random_vectors(5, 8)).search(random_vectors(3, 8, seed=1), 8, 1_000)
    assert top.indices.shape == (3, 5)
    assert np.sort(top.indices, axis=1).tolist() == [[0, 1, 2, 3, 4]] * 3


@every_engine
def test_no_query_has_no_results(build: Build) -> None:
    top = build(random_vectors(5, 8)).search(np.empty((0, 8), np.float32), 4, 3)
    assert top.indices.shape == top.scores.shape == (0, 3)
    assert (top.indices.dtype, top.scores.dtype) == (np.int64, np.float32)


@every_engine
def test_one_document_of_one_number_is_searched(build: Build) -> None:
    assert build(np.full((1, 1), 2.5, np.float32)).search(np.ones(1), 1, 1).indices.tolist() == [[0]]


@every_engine
def test_zero_vectors_have_finite_scores(build: Build) -> None:
    vectors, zeros = random_vectors(40, 8), np.zeros(8, np.float32)
    vectors[[2, 30]] = 0
    engine = build(vectors)
    assert np.isfinite(engine.search(vectors[5], 8, 40).scores).all()
    assert np.isfinite(engine.search(zeros, 8, 40).scores).all()


@exact_engines
def test_zero_documents_score_zero_and_zero_queries_keep_document_order(build: Build) -> None:
    engine = build(np.array([[0, 0], [1, 0], [-1, 0]], np.float32))
    top = engine.search(np.array([1, 0], np.float32), 2, 3)
    assert (top.indices.tolist(), top.scores.tolist()) == ([[1, 0, 2]], [[1, 0, -1]])
    assert engine.search(np.zeros(2, np.float32), 2, 3).indices[0].tolist() == [0, 1, 2]


@every_engine
@pytest.mark.parametrize("dim", [0, -3, 17, "x", 2.5, True, None, np.nan])
def test_a_length_it_does_not_have_is_refused(build: Build, dim: object) -> None:
    engine = build(random_vectors(30, 16))
    with pytest.raises(InvalidDimensionError, match="1 to 16"):
        engine.search(np.ones(16, np.float32), dim, 1)
    with pytest.raises(InvalidDimensionError, match="1 to 16"):
        engine.bytes_read(dim)


@every_engine
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_vectors_without_cosines_are_refused_and_named(build: Build, wrong: float) -> None:
    vectors = random_vectors(300, 9)
    engine = build(vectors)
    query = np.ones(9, np.float32)
    query[8] = wrong  # Beyond the prefix that is searched: the encoding failed all the same.
    with pytest.raises(LabError, match="Query vector 0 holds NaN or infinity"):
        engine.search(query, 8, 1)
    with pytest.raises(LabError, match="Query vector 1 holds NaN or infinity"):
        engine.search(np.stack([np.ones_like(query), query]), 8, 1)
    vectors = vectors.copy()
    vectors[3, 2] = wrong
    with pytest.raises(LabError, match="Vector 3 holds NaN or infinity"):
        build(vectors)


@every_engine
@pytest.mark.parametrize("shape", [(9, 1), (2, 4), (1, 1, 9), (8,), (10,), ()])
def test_queries_of_another_shape_are_refused(build: Build, shape: tuple[int, ...]) -> None:
    with pytest.raises(LabError, match="do not fit an index of 9 numbers"):
        build(random_vectors(20, 9)).search(np.ones(shape, np.float32), 8, 1)


@every_engine
@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (4,), (2, 2, 2)])
def test_what_is_no_matrix_of_vectors_is_refused(build: Build, shape: tuple[int, ...]) -> None:
    with pytest.raises(LabError, match="shape"):
        build(np.ones(shape, np.float32))


@every_engine
@pytest.mark.parametrize("k", [0, -1])
def test_no_results_cannot_be_asked_for(build: Build, k: int) -> None:
    with pytest.raises(LabError, match=f"k={k}"):
        build(random_vectors(20, 9)).search(np.ones(9), 8, k)


@every_engine
@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64])
def test_numbers_of_other_types_are_searched_alike(build: Build, dtype: type) -> None:
    vectors = np.random.default_rng(5).integers(-99, 99, (60, 12))
    query = np.random.default_rng(6).integers(-9, 9, 12)
    expected = build(vectors.astype(np.float32)).search(query.astype(np.float32), 12, 5)
    assert build(vectors.astype(dtype)).search(query.astype(dtype), 12, 5).indices.tolist() == expected.indices.tolist()


@every_engine
def test_a_query_is_left_as_it_was(build: Build) -> None:
    query = random_vectors(1, 12, seed=9)[0]
    query.flags.writeable = False
    build(random_vectors(60, 12)).search(query, 8, 5)


@every_engine
def test_threads_share_an_engine(build: Build) -> None:
    vectors, queries = random_vectors(500, 24), random_vectors(40, 24, seed=5)
    engine = build(vectors)
    alone = [engine.search(query, 1 + i % 24, 5).indices[0].tolist() for i, query in enumerate(queries)]
    fresh = build(vectors)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: fresh.search(queries[i], 1 + i % 24, 5).indices[0].tolist(), range(40)))
    assert together == alone
