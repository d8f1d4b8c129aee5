from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.search.kernels import GROUP, QueryCodes, bound_groups
from mrl_demo.search.kernels import quantise_query as quantise_query_kernel
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.sketch import Sketch, SketchIndex
from tests.search.brute_force import cosines, random_vectors


def vectors_of_all_lengths(n: int, d: int, seed: int) -> np.ndarray:
    """Rows whose lengths differ by a million, whose numbers fall off, some of them equal, some of them zero."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((n, d)) * np.linspace(1, 0.2, d) * 10.0 ** random.integers(-3, 4, (n, 1))
    rows[random.integers(0, n, n // 7)] = rows[0]
    rows[random.integers(0, n, n // 50)] = 0
    return rows.astype(np.float32)


def sketch_of(vectors: np.ndarray) -> Sketch:
    return Sketch(*vectors.shape, [vectors[:700], vectors[700:]])


def codes_and_steps(sketch: Sketch, vectors: np.ndarray, query: np.ndarray, dim: int) -> tuple[QueryCodes, np.ndarray]:
    norms = np.linalg.norm(vectors[:, :dim], axis=1)
    codes = sketch.quantise_query(query, dim)
    assert codes is not None
    return codes, sketch.steps(np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0))


def left_by_sketch(vectors: np.ndarray, query: np.ndarray, dim: int, k: int) -> list[int]:
    sketch = sketch_of(vectors)
    left = sketch.find_candidates(*codes_and_steps(sketch, vectors, query, dim), k, len(vectors))
    assert left is not None
    return left.tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5_000), st.integers(1, 200), st.integers(0, 10_000), st.data())
def test_the_best_documents_are_always_among_the_candidates(n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, dim = vectors_of_all_lengths(n, d, seed), data.draw(st.integers(1, d))
    k = data.draw(st.integers(1, -(-n // GROUP)))
    # A query near a document has the closest calls: its copies and near copies.
    query = vectors[n // 2] + np.random.default_rng(seed).standard_normal(d).astype(np.float32) * 0.1
    left = left_by_sketch(vectors, query, dim, k)
    exact = cosines(vectors, query, dim)
    boundary = np.sort(exact)[::-1][k - 1]
    assert set(np.flatnonzero(exact > boundary + 1e-6)) <= set(left)
    assert len(left) >= k
    assert np.sort(exact[left])[::-1][k - 1] == pytest.approx(boundary, abs=1e-6)
    assert (np.diff(left) > 0).all()


def assert_bounds_hold(vectors: np.ndarray, query: np.ndarray, dim: int) -> None:
    n, sketch = len(vectors), sketch_of(vectors)
    codes, steps = codes_and_steps(sketch, vectors, query, dim)
    surely, possibly = np.empty((2, len(steps)), np.float32)
    bound_groups(sketch._slabs, steps, codes, n, 0, len(steps), surely, possibly)
    best = [part.max() for part in np.split(cosines(vectors, query, dim), range(GROUP, n, GROUP))]
    assert (surely - codes.offset <= best).all()
    assert (best <= possibly + codes.offset).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1_000), st.integers(1, 200), st.integers(0, 10_000), st.data())
def test_bounds_hold_in_every_group(n: int, d: int, seed: int, data: st.DataObject) -> None:
    vectors, dim = vectors_of_all_lengths(n, d, seed), data.draw(st.integers(1, d))
    assert_bounds_hold(vectors, np.random.default_rng(seed + 1).standard_normal(d).astype(np.float32), dim)


def test_documents_that_are_not_there_vouch_for_nothing() -> None:
    """Every cosine is below 0, which is what the empty places of the last group would score."""
    vectors = -np.ones((GROUP + 2, 70), np.float32)
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
    sketch, norms = sketch_of(vectors), np.linalg.norm(vectors.astype(np.float64), axis=1)
    codes = sketch.quantise_query(vectors[77] / np.float32(factor), 40)
    assert codes is not None
    assert sketch.find_candidates(codes, sketch.steps((1 / norms).astype(np.float32)), 1, 1_000) == [77]


def test_a_best_document_that_rounding_puts_last_is_left() -> None:
    """One number outside the prefix sets the step; inside, the best rounds down by half of it and the others up."""
    vectors = np.full((2_000, 65), 1.0, np.float32)
    vectors[:, :32] = 0.51
    vectors[1_234, :64] = 1.49
    vectors[:, 64] = 127
    query = np.ones(65, np.float32)
    assert int(np.argmax(cosines(vectors, query, 64))) == 1_234
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
    assert int(np.argmax(cosines(vectors, query, d))) == 1_234
    assert 1_234 in left_by_sketch(vectors, query, d, 1)


def test_too_many_candidates_are_not_handed_out() -> None:
    vectors = np.random.default_rng(0).standard_normal((1_000, 16)).astype(np.float32)
    sketch = sketch_of(vectors)
    given = codes_and_steps(sketch, vectors, vectors[0], 16)
    left = sketch.find_candidates(*given, 3, 1_000)
    assert left is not None
    assert sketch.find_candidates(*given, 3, len(left)) is not None
    assert sketch.find_candidates(*given, 3, len(left) - 1) is None
    assert sketch.find_candidates(*given, 9, 1_000) is None  # Only eight groups can vouch.


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rows = random_vectors(40_000, 96)
    rows[[7, 20_000, 39_999]] = rows[30_000]
    return rows


@pytest.fixture(scope="module")
def index(vectors: np.ndarray) -> SketchIndex:
    return SketchIndex(PrefixIndex(vectors))


@pytest.mark.parametrize("dim", [8, 63, 64, 65, 96])
@pytest.mark.parametrize("k", [1, 3, 100])
def test_two_passes_find_what_the_full_pass_finds(index: SketchIndex, vectors: np.ndarray, dim: int, k: int) -> None:
    for query in (vectors[30_000], random_vectors(1, 96, seed=1)[0]):
        top, exact = index.search(query, dim, k), cosines(vectors, query, dim)
        expected, hits = np.lexsort((np.arange(len(exact)), -exact.round(7)))[:k], top.indices[0]
        assert hits[:4].tolist() == expected[:4].tolist()  # Four are equal: in document order.
        assert len(set(hits.tolist())) == k
        np.testing.assert_allclose(exact[hits], exact[expected], atol=1e-6)  # float32 tells others apart or does not.
        np.testing.assert_allclose(top.scores[0], exact[expected], atol=2e-6)


def test_bytes_are_those_of_both_copies_and_those_read_of_the_one_that_is_searched(index: SketchIndex) -> None:
    assert index.nbytes - index.scan.nbytes == pytest.approx(40_000 * (128 + 4), rel=0.01)  # 2 slabs of 64 numbers
    assert index.bytes_read(64) == 40_000 * (64 + 4)
    assert index.bytes_read(65) == 40_000 * (128 + 4)  # Whole cache lines.
    assert index.bytes_read(4) == 40_000 * 4 * 4  # Too short for the sketch to pay.


@pytest.mark.parametrize("query", [np.zeros(96), np.full(96, 1e-30), np.eye(96)[95]])
def test_queries_that_say_little_are_answered(index: SketchIndex, query: np.ndarray) -> None:
    scanned = index.scan.search(query.astype(np.float32), 64, 3)
    assert index.search(query.astype(np.float32), 64, 3).indices.tolist() == scanned.indices.tolist()


def test_no_kind_of_query_waits_for_the_compiler(index: SketchIndex, vectors: np.ndarray) -> None:
    frozen = vectors[3].copy()
    frozen.flags.writeable = False
    compiled = len(quantise_query_kernel.signatures)
    for query in (frozen, vectors[3].astype(np.float64), np.stack([vectors[3]] * 2, axis=1)[:, 0], vectors[3:4]):
        assert index.search(query, 64, 1).indices.tolist() == [[3]]
    assert len(quantise_query_kernel.signatures) == compiled


def test_a_crowd_of_equals_falls_back_to_the_full_pass() -> None:
    rows = np.tile(random_vectors(13, 96, seed=2), (3_000, 1))
    top = SketchIndex(PrefixIndex(rows)).search(rows[5], 96, 4)
    assert top.indices[0].tolist() == [5, 18, 31, 44]
    assert top.scores[0] == pytest.approx(1, abs=1e-6)


def test_lengths_that_vanish_beside_the_rest_do_no_harm() -> None:
    rows = random_vectors(40_000, 96, seed=3)
    rows[:, :64] *= 1e-42  # Below the smallest normal float32: a step has no finite size in cosines.
    query = random_vectors(1, 96, seed=4)[0]
    index = SketchIndex(PrefixIndex(rows))
    assert index.search(query, 64, 5).indices.tolist() == index.scan.search(query, 64, 5).indices.tolist()
