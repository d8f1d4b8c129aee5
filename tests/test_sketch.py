from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_index import naive

from mrl_demo.index import PrefixIndex
from mrl_demo.processor import has_int8
from mrl_demo.sketch import STRETCH, Sketch, contenders
from mrl_demo.types import InvalidDimensionError, LabError
from mrl_demo.vectors import truncate

pytestmark = pytest.mark.skipif(not has_int8(), reason="no AVX-512 VNNI: searches read float32 alone")


def vectors_of_all_lengths(n: int, d: int, seed: int) -> np.ndarray:
    """Rows whose lengths differ by a million, whose numbers fall off, some of them equal, some of them zero."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((n, d)) * np.linspace(1, 0.2, d) * 10.0 ** random.integers(-3, 4, (n, 1))
    rows[random.integers(0, n, n // 7)] = rows[0]
    rows[random.integers(0, n, n // 50)] = 0
    return rows.astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 200), st.integers(1, 40), st.integers(0, 10_000), st.data())
def test_the_best_documents_are_always_among_the_contenders(
    n: int, d: int, k: int, seed: int, data: st.DataObject
) -> None:
    vectors, dim = vectors_of_all_lengths(n, d, seed), data.draw(st.integers(1, d))
    # A query near a document has the closest calls: its copies and near copies.
    query = vectors[n // 2] + np.random.default_rng(seed).standard_normal(d).astype(np.float32) * 0.1
    inverse = torch.from_numpy(np.linalg.norm(vectors[:, :dim], axis=1))
    inverse = torch.where(inverse > 0, 1 / inverse, torch.zeros_like(inverse))
    sketch = Sketch(vectors)
    left = sketch.contenders(truncate(query[None], dim)[0], sketch.steps(inverse), k)
    exact = naive(vectors, query, dim)
    boundary = np.sort(exact)[::-1][min(k, n) - 1]
    assert set(np.flatnonzero(exact > boundary + 1e-6)) <= set(left)
    assert len(left) >= min(k, n)
    assert np.sort(exact[left])[::-1][min(k, n) - 1] == pytest.approx(boundary, abs=1e-6)
    assert (np.diff(left) > 0).all()


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 3 * STRETCH), st.integers(1, 20), st.floats(0, 0.5), st.integers(0, 10_000))
def test_no_error_within_the_bound_hides_one_of_the_best(n: int, k: int, error: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    exact = random.standard_normal(n)
    seen = exact + random.choice([-error, error], n)  # The worst that the bound allows.
    bounds = torch.full((-(-n // STRETCH),), error + 1e-6)
    left = contenders(torch.from_numpy(seen).float(), k, bounds)
    assert set(np.argsort(-exact)[:k]) <= set(left.tolist())


def left_by_sketch(vectors: np.ndarray, query: np.ndarray, dim: int, k: int) -> list[int]:
    sketch = Sketch(vectors)
    steps = sketch.steps(torch.from_numpy(1 / np.linalg.norm(vectors[:, :dim], axis=1)))
    return sketch.contenders(truncate(query[None], dim)[0], steps, k).tolist()


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
    query = np.full(64, 0.49 / 127, np.float32)
    query[0] = 1
    vectors = np.zeros((2_000, 64), np.float32)
    vectors[:, 0], vectors[:, 1], vectors[:, 2] = 0.02, 0.7, -0.7
    vectors[1_234] = 1
    vectors[1_234, 0] = 0
    assert int(np.argmax(naive(vectors, query, 64))) == 1_234
    assert 1_234 in left_by_sketch(vectors, query, 64, 1)


@pytest.fixture(scope="module")
def large() -> tuple[np.ndarray, PrefixIndex]:
    vectors = np.random.default_rng(0).standard_normal((130_000, 96)).astype(np.float32)
    vectors[[7, 20_000, 99_999, 129_999]] = vectors[70_000]
    return vectors, PrefixIndex(vectors)


@pytest.mark.parametrize("dim", [64, 65, 96])
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


def test_searches_at_once_do_not_write_into_each_others_rows(large: tuple[np.ndarray, PrefixIndex]) -> None:
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
    assert index.bytes_read(16) == len(vectors) * 16 * 4  # Too short for the sketch to pay.
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
