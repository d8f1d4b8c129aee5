from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.search.flat import FlatIndex
from mrl_demo.search.quantised import (
    ALL_PRECISIONS,
    PRECISIONS,
    bytes_per_vector,
    parse_precision,
    quantise,
    rescore_bytes_per_vector,
)
from tests.search.brute_force import nearest, random_vectors

RESCORED = ["float16+rescore", "int8+rescore", "binary+rescore", "binary-mean+rescore", "pq+rescore", "rabitq+rescore"]


@pytest.mark.parametrize("precision", ALL_PRECISIONS)
@pytest.mark.parametrize("dim", [8, 13, 40])
def test_scores_are_what_the_decoded_numbers_say(precision: str, dim: int) -> None:
    rows, queries = normalise(random_vectors(300, 40)), normalise(random_vectors(20, 40, seed=5))
    top = FlatIndex(rows, precision).search(queries, dim, 10)
    coded = quantise(rows, dim, precision)
    exact = coded.query_side(queries) @ coded.decode().T
    if "rescore" in precision:
        finer = normalise(quantise(rows, dim, parse_precision(precision).rescorer).decode())
        exact = truncate(queries, dim) @ finer.T
        np.testing.assert_allclose(top.scores, np.take_along_axis(exact, top.indices, 1), atol=1e-5)
    else:
        scale = dim if precision.startswith("binary") else 1
        np.testing.assert_allclose(
            top.scores, -np.sort(-exact, axis=1)[:, :10] / scale, atol=0.05 if precision == "int4" else 2e-3
        )


@pytest.mark.parametrize("precision", RESCORED)
def test_rescoring_a_shortlist_of_everything_is_exact(precision: str) -> None:
    rows = random_vectors(60, 40)
    for query in random_vectors(9, 40, seed=2):
        top = FlatIndex(rows, precision, shortlist=60).search(query, 16, 5)
        np.testing.assert_array_equal(top.indices[0], nearest(rows, query, 16, 5))


@pytest.mark.parametrize("precision", RESCORED)
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(1, 12), st.integers(0, 1_000))
def test_a_shortlist_that_ends_within_a_tie_is_the_same_in_any_order(
    precision: str, dim: int, shortlist: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows, query = random_vectors(200, 8, seed), random_vectors(1, 8, seed + 1)[0]
    order = random.permutation(200)
    first = FlatIndex(rows, precision, shortlist).search(query, dim, shortlist)
    second = FlatIndex(rows[order], precision, shortlist).search(query, dim, shortlist)
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-6)
    if dim > 1:  # At one number all cosines are 1 or -1.
        assert first.indices[0].tolist() == order[second.indices[0]].tolist()


def test_whatever_ties_with_the_last_of_a_shortlist_is_rescored() -> None:
    """All 5,000 have the same signs: one bit tells nothing, and the float32 vectors decide between all of them."""
    rows = np.abs(random_vectors(5_000, 8))
    query = np.abs(random_vectors(1, 8, seed=1))[0]
    top = FlatIndex(rows, "binary+rescore").search(query, 8, 10)
    np.testing.assert_array_equal(top.indices[0], nearest(rows, query, 8, 10))


@pytest.mark.parametrize("precision", [*PRECISIONS, *RESCORED])
def test_bytes_are_those_of_the_lengths_kept(precision: str) -> None:
    index, query = FlatIndex(random_vectors(100, 40), precision, lengths_kept=2), np.ones(40, np.float32)
    one = {
        dim: 100 * (bytes_per_vector(precision, dim) + rescore_bytes_per_vector(precision, dim)) for dim in (8, 16, 40)
    }
    assert index.nbytes == 0
    for dim, kept in ((8, one[8]), (16, one[8] + one[16]), (16, one[8] + one[16]), (40, one[16] + one[40])):
        index.search(query, dim, 3)
        assert index.nbytes == kept
    assert index.bytes_read(16) == 100 * bytes_per_vector(precision, 16)
