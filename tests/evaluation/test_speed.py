from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.core.errors import Cancelled, CorpusError, LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.evaluation.speed.searches import (
    SpeedPlan,
    SpeedResult,
    check_memory,
    measure_bandwidth,
    measure_free_memory,
    measure_speed,
    tile,
)
from mrl_demo.lab.curves import speed_from_json, speed_to_json
from mrl_demo.search.quantised import bytes_per_vector

PLENTY = 10**12


def unit_rows(n: int, dim: int, seed: int = 0) -> FloatMatrix:
    return normalise(np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32))


@pytest.fixture(scope="module")
def measured() -> SpeedResult:
    plan = SpeedPlan(300, dims=(8, 16, 32, 64), free_bytes=PLENTY)
    return measure_speed("fruit", unit_rows(40, 32), unit_rows(3, 32, 1), plan, "a machine")


def test_every_length_the_vectors_have_is_timed_at_every_precision(measured: SpeedResult) -> None:
    keys = {(row.dim, row.precision) for row in measured.rows}
    assert keys == {(dim, p) for dim in (8, 16, 32) for p in ("float32", "float16", "int8", "binary")}
    assert (measured.n, measured.n_source, measured.full_dim) == (300, 40, 32)


def test_times_are_positive_in_order_and_enough_for_a_95th_percentile(measured: SpeedResult) -> None:
    for row in measured.rows:
        assert 0 < row.median_ms <= row.p95_ms
        assert row.n_runs >= 20


def test_gigabytes_a_second_are_the_bytes_read_by_the_median(measured: SpeedResult) -> None:
    for row in measured.rows:
        read = measured.n * bytes_per_vector(row.precision, row.dim)
        assert row.gb_per_s == pytest.approx(read / row.median_ms / 1e6, rel=0.05, abs=1e-3)


def test_results_survive_json_and_anything_else_is_refused(measured: SpeedResult) -> None:
    assert speed_from_json(speed_to_json(measured)) == measured
    for text in ("", "[]", "{}", '{"rows": [{}]}'):
        with pytest.raises(CorpusError, match="no stored times"):
            speed_from_json(text)


def test_tiled_vectors_start_with_the_real_ones_and_hold_no_doubles() -> None:
    real = unit_rows(7, 16)
    tiled = tile(real, 25)
    assert tiled.shape == (25, 16)
    assert tiled.dtype == np.float32
    np.testing.assert_array_equal(tiled[:7], real)
    assert len(np.unique(tiled, axis=0)) == 25
    cosines = (tiled[7:14] * real).sum(axis=1) / np.linalg.norm(tiled[7:14], axis=1)
    assert cosines.min() > 0.99


def test_fewer_vectors_than_real_ones_are_the_first() -> None:
    real = unit_rows(7, 16)
    np.testing.assert_array_equal(tile(real, 3), real[:3])


def test_a_size_that_does_not_fit_is_refused_with_both_figures() -> None:
    with pytest.raises(LabError, match=r"1,000,000 vectors of 384 numbers need 3\.8 GB.*2\.0 GB free"):
        check_memory(1_000_000, 384, free_bytes=2_000_000_000)
    check_memory(1_000_000, 384, free_bytes=4_000_000_000)
    plan = SpeedPlan(1_000, free_bytes=10)
    with pytest.raises(LabError, match="choose fewer vectors"):
        measure_speed("fruit", unit_rows(4, 16), unit_rows(1, 16), plan, "a machine")


def test_free_memory_is_read_from_the_system() -> None:
    free = measure_free_memory()
    assert free is None or free > 0


def test_bandwidth_is_a_positive_figure() -> None:
    assert measure_bandwidth(unit_rows(100, 16)) > 0


def test_it_can_be_cancelled() -> None:
    seen: list[float] = []

    def stop(share: float, _line: str) -> None:
        seen.append(share)
        if share > 0.3:
            raise Cancelled("enough")

    plan = SpeedPlan(100, dims=(8, 16), free_bytes=PLENTY)
    with pytest.raises(Cancelled):
        measure_speed("fruit", unit_rows(10, 16), unit_rows(1, 16), plan, "a machine", stop)
    assert seen == sorted(seen)
