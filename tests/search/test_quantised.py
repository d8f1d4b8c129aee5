from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.errors import InvalidDimensionError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.search.flat import FlatIndex
from mrl_demo.search.quantised import (
    ALL_PRECISIONS,
    PRECISIONS,
    SHORTLIST,
    PrecisionError,
    bytes_per_vector,
    calibration_rows,
    parse_precision,
    quantise,
    rescore_bytes_per_vector,
    rescore_bytes_read,
)

ALL = ALL_PRECISIONS


def vectors(n: int = 200, dimension: int = 40, seed: int = 0) -> FloatMatrix:
    return normalise(np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32))


@pytest.mark.parametrize("precision", ALL)
@pytest.mark.parametrize("dim", [1, 7, 8, 13, 40])
def test_bytes_are_exact(precision: str, dim: int) -> None:
    stored = quantise(vectors(), dim, precision)
    assert stored.codes.shape == (200, bytes_per_vector(precision, dim))
    assert stored.nbytes == 200 * bytes_per_vector(precision, dim)
    assert stored.decode().shape == (200, dim + precision.startswith("rabitq"))
    finer = 0 if "rescore" not in precision else dim if precision.endswith("int8") else 4 * dim
    assert rescore_bytes_per_vector(precision, dim) == finer
    assert rescore_bytes_read(precision, dim) == SHORTLIST * finer


def test_a_longer_shortlist_misses_no_more() -> None:
    rows = vectors(600)
    exact = FlatIndex(rows, "float32").search(rows[:50], 40, 10).indices
    shares = [
        np.mean(
            [
                len(set(a) & set(b))
                for a, b in zip(exact, FlatIndex(rows, name).search(rows[:50], 40, 10).indices, strict=True)
            ]
        )
        for name in ("binary+rescore@10", "binary+rescore", "binary+rescore@600")
    ]
    assert shares[0] < shares[1] < shares[2] == 10
    assert rescore_bytes_read("binary+rescore@600", 40) == 600 * 160
    assert parse_precision("PQ+rescore-int8@100 ").name == "pq+rescore-int8@100"
    assert parse_precision("int8+rescore@40").name == "int8+rescore"


@pytest.mark.parametrize(
    "name", ["int8@40", "int8+rescore@", "int8+rescore@0", "int8+rescore@-1", "int8+rescore@9999999", "int8+rescore@x"]
)
def test_shortlists_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(PrecisionError, match="shortlist"):
        parse_precision(name)


def test_binary_keeps_the_signs_of_the_cut() -> None:
    rows = vectors()
    np.testing.assert_array_equal(quantise(rows, 13, "binary").decode(), np.where(rows[:, :13] > 0, 1, -1))


def test_a_threshold_at_the_mean_splits_every_number_in_halves() -> None:
    """Numbers that are nearly always positive tell nothing at a threshold of zero."""
    rows = normalise(vectors(2_000) + 0.3)
    at_zero, at_mean = (quantise(rows, 40, name).decode().mean(axis=0) for name in ("binary", "binary-mean"))
    assert np.abs(at_zero).mean() > 0.8
    assert np.abs(at_mean).max() < 0.2


def test_int4_codes_are_those_of_faiss() -> None:
    import faiss

    rows = vectors(500)
    cut, codes = truncate(rows, 13), quantise(rows, 13, "int4").codes
    coder = faiss.ScalarQuantizer(13, faiss.ScalarQuantizer.QT_4bit)
    coder.train(cut[calibration_rows(rows)])
    assert (codes != coder.compute_codes(cut)).mean() < 0.01


@pytest.mark.parametrize("precision", ["pq", "rabitq"])
def test_learned_codes_estimate_cosines_better_than_signs(precision: str) -> None:
    rows, asked = vectors(3_000, 64), vectors(50, 64, seed=7)
    errors = {}
    for name in (precision, "binary"):
        coded = quantise(rows, 64, name)
        scores = coded.query_side(asked) @ coded.decode().T
        errors[name] = np.corrcoef(scores.ravel(), (asked @ rows.T).ravel())[0, 1]
    assert errors[precision] > errors["binary"] + 0.05


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 1000))
def test_binary_scores_are_hamming_distances(dim: int, seed: int) -> None:
    rows, asked = vectors(30, seed=seed), vectors(3, seed=seed + 1)
    coded = quantise(rows, dim, "binary")
    scores = coded.query_side(asked) @ coded.decode().T
    differ = (asked[:, None, :dim] > 0) != (rows[None, :, :dim] > 0)
    np.testing.assert_array_equal(scores, dim - 2 * differ.sum(axis=2))


@pytest.mark.parametrize("dim", [4, 16, 40])
def test_int8_is_within_half_a_step_inside_its_range_and_clipped_outside(dim: int) -> None:
    rows = vectors(500)
    chosen = calibration_rows(rows)
    cut = truncate(rows, dim)
    low, high = cut[chosen].min(axis=0), cut[chosen].max(axis=0)
    step = (high - low) / 255
    decoded = quantise(rows, dim, "int8").decode()
    assert np.all(np.abs(decoded - np.clip(cut, low, high)) <= 0.502 * step + 1e-6)
    assert np.all(np.abs(decoded[chosen] - cut[chosen]) <= 0.502 * step + 1e-6)


@pytest.mark.parametrize("dim", [5, 40])
def test_int8_codes_are_those_of_the_peers(dim: int) -> None:
    """Equal to sentence-transformers' codes; to faiss' but for the last bit where a number stands on a border."""
    import faiss
    from sentence_transformers.util.quantization import quantize_embeddings

    rows = vectors(500)
    chosen = calibration_rows(rows)
    cut, codes = truncate(rows, dim), quantise(rows, dim, "int8").codes
    ranges = np.stack([cut[chosen].min(axis=0), cut[chosen].max(axis=0)])
    np.testing.assert_array_equal(codes, quantize_embeddings(cut, "uint8", ranges=ranges))
    coder = faiss.ScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit)
    coder.train(cut[chosen])
    differ = np.abs(codes.astype(int) - coder.compute_codes(cut))
    assert differ.max() <= 1 and differ.mean() < 0.002


def test_int8_is_calibrated_after_the_cut() -> None:
    """Ranges of the uncut rows would waste most codes: cut rows are longer in every number."""
    rows = vectors(dimension=256)
    calibrated = truncate(rows, 8)[calibration_rows(rows)]
    decoded = quantise(rows, 8, "int8").decode()
    assert np.ptp(decoded, axis=0) == pytest.approx(np.ptp(calibrated, axis=0), rel=0.01)
    assert np.ptp(calibrated, axis=0).min() > 2 * np.ptp(rows[:, :8], axis=0).max()


def test_calibration_is_held_out_and_bounded() -> None:
    assert len(calibration_rows(np.ones((100_000, 2), np.float32))) == 1_000
    assert len(calibration_rows(vectors(200))) == 20
    assert len(calibration_rows(vectors(1))) == 1
    np.testing.assert_array_equal(calibration_rows(vectors(50), seed=3), calibration_rows(vectors(50), seed=3))
    assert calibration_rows(vectors(500), seed=3).tolist() != calibration_rows(vectors(500)).tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(0, 1000))
def test_calibration_does_not_depend_on_the_order_of_the_vectors(n: int, seed: int) -> None:
    rows, order = vectors(n, seed=seed), np.random.default_rng(seed).permutation(n)
    chosen = calibration_rows(rows[order])
    assert sorted(order[chosen]) == calibration_rows(rows).tolist()


def test_calibration_draws_from_everywhere() -> None:
    drawn = np.concatenate([calibration_rows(vectors(2_000), seed=seed) for seed in range(20)])
    assert np.histogram(drawn, 4)[0] == pytest.approx(1_000, abs=120)


def test_float16_is_the_cast_of_the_cut() -> None:
    rows = vectors()
    expected = truncate(rows, 16).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(quantise(rows, 16, "float16").decode(), expected)


@pytest.mark.parametrize(
    "name", ["int3", "", "float32+rescore", "int8+rescore-int8", "int4+rescore-int4", "int8+", "binary rescore"]
)
def test_unknown_precisions_are_named(name: str) -> None:
    with pytest.raises(PrecisionError, match="choose among"):
        parse_precision(name)


def test_zero_rows_and_wrong_dimensions() -> None:
    rows = vectors()
    rows[3] = 0
    for precision in PRECISIONS:
        assert np.isfinite(quantise(rows, 8, precision).decode()).all()
    with pytest.raises(InvalidDimensionError):
        quantise(rows, 41, "int8")
