from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.search.kernels import STRETCH, Asked, bound_stretches
from mrl_demo.search.kernels import asked as asked_codes
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.sketch import Sketch
from tests.search.test_prefix import naive


def vectors_of_all_lengths(n: int, d: int, seed: int) -> np.ndarray:
    """Rows whose lengths differ by a million, whose numbers fall off, some of them equal, some of them zero."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((n, d)) * np.linspace(1, 0.2, d) * 10.0 ** random.integers(-3, 4, (n, 1))
    rows[random.integers(0, n, n // 7)] = rows[0]
    rows[random.integers(0, n, n // 50)] = 0
    return rows.astype(np.float32)


def asked_and_steps(sketch: Sketch, vectors: np.ndarray, query: np.ndarray, dim: int) -> tuple[Asked, np.ndarray]:
    norms = np.linalg.norm(vectors[:, :dim], axis=1)
    asked = sketch.asked(query, dim)
    assert asked is not None
    return asked, sketch.steps(np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0))


def left_by_sketch(vectors: np.ndarray, query: np.ndarray, dim: int, k: int) -> list[int]:
    sketch = Sketch(vectors)
    left = sketch.contenders(*asked_and_steps(sketch, vectors, query, dim), k, len(vectors))
    assert left is not None
    return left.tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5_000), st.integers(1, 200), st.integers(0, 10_000), st.data())
def test_the_best_documents_are_always_among_the_contenders(n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, dim = vectors_of_all_lengths(n, d, seed), data.draw(st.integers(1, d))
    k = data.draw(st.integers(1, -(-n // STRETCH)))
    # A query near a document has the closest calls: its copies and near copies.
    query = vectors[n // 2] + np.random.default_rng(seed).standard_normal(d).astype(np.float32) * 0.1
    left = left_by_sketch(vectors, query, dim, k)
    exact = naive(vectors, query, dim)
    boundary = np.sort(exact)[::-1][k - 1]
    assert set(np.flatnonzero(exact > boundary + 1e-6)) <= set(left)
    assert len(left) >= k
    assert np.sort(exact[left])[::-1][k - 1] == pytest.approx(boundary, abs=1e-6)
    assert (np.diff(left) > 0).all()


def assert_bounds_hold(vectors: np.ndarray, query: np.ndarray, dim: int) -> None:
    n, sketch = len(vectors), Sketch(vectors)
    asked, steps = asked_and_steps(sketch, vectors, query, dim)
    surely, possibly = np.empty((2, len(steps)), np.float32)
    bound_stretches(sketch._slabs, steps, asked, n, 0, len(steps), surely, possibly)
    best = [part.max() for part in np.split(naive(vectors, query, dim), range(STRETCH, n, STRETCH))]
    assert (surely - asked.offset <= best).all()
    assert (best <= possibly + asked.offset).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1_000), st.integers(1, 200), st.integers(0, 10_000), st.data())
def test_bounds_hold_in_every_stretch(n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, dim = vectors_of_all_lengths(n, d, seed), data.draw(st.integers(1, d))
    assert_bounds_hold(vectors, np.random.default_rng(seed + 1).standard_normal(d).astype(np.float32), dim)


def test_documents_that_are_not_there_vouch_for_nothing() -> None:
    """Every cosine is below 0, which is what the empty places of the last stretch would score."""
    vectors = -np.ones((STRETCH + 2, 70), np.float32)
    vectors[3, 0] = 0
    assert 3 in left_by_sketch(vectors, np.ones(70, np.float32), 70, 2)
    assert max(left_by_sketch(vectors, np.ones(70, np.float32), 70, 2)) < len(vectors)


def test_sums_of_long_vectors_do_not_overflow() -> None:
    vectors = np.ones((300, 4_000), np.float32)
    vectors[:, ::2] *= np.linspace(-1, 1, 300, dtype=np.float32)[:, None]
    assert_bounds_hold(vectors, np.ones(4_000, np.float32), 4_000)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_vectors_of_any_size_are_ranked(factor: float) -> None:
    vectors = (np.random.default_rng(0).standard_normal((1_000, 40)) * factor).astype(np.float32)
    sketch, norms = Sketch(vectors), np.linalg.norm(vectors.astype(np.float64), axis=1)
    asked = sketch.asked(vectors[77] / np.float32(factor), 40)
    assert asked is not None
    assert sketch.contenders(asked, sketch.steps((1 / norms).astype(np.float32)), 1, 1_000) == [77]


def test_a_best_document_that_rounding_puts_last_is_left() -> None:
    """One number outside the prefix sets the step; inside, the best rounds down by half of it and the others up."""
    vectors = np.full((2_000, 65), 1.0, np.float32)
    vectors[:, :32] = 0.51
    vectors[1_234, :64] = 1.49
    vectors[:, 64] = 127
    query = np.ones(65, np.float32)
    assert int(np.argmax(naive(vectors, query, 64))) == 1_234
    assert 1_234 in left_by_sketch(vectors, query, 64, 1)


def test_a_best_document_that_the_querys_rounding_forgets_is_left() -> None:
    """The query's small numbers round to nothing, and the best document lives on them."""
    d = 4_000
    levels = (2**31 - 1) // (127 * d)  # So that no sum of products overflows.
    query = np.full(d, 0.49 / levels, np.float32)
    query[0] = 1
    vectors = np.full((2_000, d), d**-0.5, np.float32)
    vectors[:, 1::2] *= -1  # So that the small numbers of the others add up to nothing.
    vectors[:, 0] = 0.005
    vectors[1_234] = d**-0.5
    vectors[1_234, 0] = 0
    assert int(np.argmax(naive(vectors, query, d))) == 1_234
    assert 1_234 in left_by_sketch(vectors, query, d, 1)


def test_too_many_contenders_are_not_handed_out() -> None:
    vectors = np.random.default_rng(0).standard_normal((1_000, 16)).astype(np.float32)
    sketch = Sketch(vectors)
    given = asked_and_steps(sketch, vectors, vectors[0], 16)
    left = sketch.contenders(*given, 3, 1_000)
    assert left is not None
    assert sketch.contenders(*given, 3, len(left)) is not None
    assert sketch.contenders(*given, 3, len(left) - 1) is None
    assert sketch.contenders(*given, 9, 1_000) is None  # Only eight stretches can vouch.


@pytest.fixture(scope="module")
def large() -> tuple[np.ndarray, PrefixIndex]:
    vectors = np.random.default_rng(0).standard_normal((130_000, 96)).astype(np.float32)
    vectors[[7, 20_000, 99_999, 129_999]] = vectors[70_000]
    return vectors, PrefixIndex(vectors)


@pytest.mark.parametrize("dim", [8, 63, 64, 65, 96])
@pytest.mark.parametrize("k", [1, 4, 100])
def test_a_large_index_finds_what_the_full_pass_finds(large: tuple[np.ndarray, PrefixIndex], dim: int, k: int) -> None:
    vectors, index = large
    for query in (vectors[70_000], np.random.default_rng(1).standard_normal(96).astype(np.float32)):
        found = index.search(query, dim, k)
        exact = naive(vectors, query, dim)
        expected = np.lexsort((np.arange(len(exact)), -exact.round(7)))[:k]
        assert found.indices[0].tolist() == expected.tolist()
        np.testing.assert_allclose(found.scores[0], exact[expected], atol=2e-6)


def test_only_large_indexes_keep_a_sketch(large: tuple[np.ndarray, PrefixIndex]) -> None:
    vectors, index = large
    assert index.nbytes - vectors.nbytes < 0.5 * vectors.nbytes  # 2 slabs of 64 for 96 numbers, and a padded block
    assert PrefixIndex(vectors[:16_384]).nbytes == vectors[:16_384].nbytes


def test_searches_at_once_do_not_disturb_each_other(large: tuple[np.ndarray, PrefixIndex]) -> None:
    _, index = large
    queries = np.random.default_rng(5).standard_normal((32, 96)).astype(np.float32)
    alone = [index.search(query, 96, 5).indices[0].tolist() for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: index.search(query, 96, 5).indices[0].tolist(), queries))
    assert together == alone


def test_bytes_read_are_those_of_the_copy_that_is_searched(large: tuple[np.ndarray, PrefixIndex]) -> None:
    vectors, index = large
    assert index.bytes_read(64) == len(vectors) * (64 + 4)
    assert index.bytes_read(65) == len(vectors) * (128 + 4)  # Whole cache lines.
    assert index.bytes_read(4) == len(vectors) * 4 * 4  # Too short for the sketch to pay.
    assert PrefixIndex(vectors[:100]).bytes_read(64) == 100 * 64 * 4
    with pytest.raises(InvalidDimensionError):
        index.bytes_read(97)


@pytest.mark.parametrize("query", [np.zeros(96), np.full(96, 1e-30), np.eye(96)[95]])
def test_queries_that_say_little_are_answered(large: tuple[np.ndarray, PrefixIndex], query: np.ndarray) -> None:
    _, index = large
    found = index.search(query.astype(np.float32), 64, 3)
    expected = index.ranking(query.astype(np.float32), 64).top(3)
    assert found.indices.tolist() == expected.indices.tolist()


def test_a_query_of_nan_is_refused_as_in_a_small_index(large: tuple[np.ndarray, PrefixIndex]) -> None:
    with pytest.raises(LabError, match="Query vector 0 holds NaN or infinity"):
        large[1].search(np.full(96, np.nan, np.float32), 64, 3)
    last = np.where(np.arange(96) == 95, np.inf, 1).astype(np.float32)
    with pytest.raises(LabError, match="Query vector 0 holds NaN or infinity"):
        large[1].search(last, 64, 3)  # Outside the prefix that is searched.


@pytest.mark.parametrize("shape", [(96, 1), (2, 48), (1, 1, 96), (95,)])
def test_a_query_of_another_shape_is_refused(large: tuple[np.ndarray, PrefixIndex], shape: tuple[int, ...]) -> None:
    with pytest.raises(LabError, match="do not fit an index of 96 numbers"):
        large[1].search(np.ones(shape, np.float32), 64, 3)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64])
def test_numbers_of_other_types_are_searched_alike(large: tuple[np.ndarray, PrefixIndex], dtype: type) -> None:
    query = np.random.default_rng(6).integers(-9, 9, 96)
    expected = large[1].search(query.astype(np.float32), 64, 5)
    assert large[1].search(query.astype(dtype), 64, 5).indices.tolist() == expected.indices.tolist()


def test_no_kind_of_query_waits_for_the_compiler(large: tuple[np.ndarray, PrefixIndex]) -> None:
    vectors, index = large
    frozen = vectors[3].copy()
    frozen.flags.writeable = False
    compiled = len(asked_codes.signatures)
    for query in (frozen, vectors[3].astype(np.float64), np.stack([vectors[3]] * 2, axis=1)[:, 0], vectors[3:4]):
        assert index.search(query, 64, 1).indices.tolist() == [[3]]
    assert len(asked_codes.signatures) == compiled


def test_a_crowd_of_equals_falls_back_to_the_full_pass() -> None:
    vectors = np.tile(np.random.default_rng(2).standard_normal((13, 96)).astype(np.float32), (10_000, 1))
    found = PrefixIndex(vectors).search(vectors[5], 96, 4)
    assert found.indices[0].tolist() == [5, 18, 31, 44]
    assert found.scores[0] == pytest.approx(1, abs=1e-6)


def test_lengths_that_vanish_beside_the_rest_do_no_harm() -> None:
    vectors = np.random.default_rng(3).standard_normal((130_000, 96)).astype(np.float32)
    vectors[:, :64] *= 1e-42  # Below the smallest normal float32: a step has no finite size in cosines.
    query = np.random.default_rng(4).standard_normal(96).astype(np.float32)
    index = PrefixIndex(vectors)
    found, scanned = index.search(query, 64, 5), index.ranking(query, 64).top(5)
    assert found.indices.tolist() == scanned.indices.tolist()
