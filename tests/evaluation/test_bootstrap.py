from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.stats import (
    BETTER,
    EQUAL,
    NOT_SHOWN,
    TOO_FEW,
    WORSE,
    Difference,
    PairedBootstrap,
    holm_correction,
)


def reciprocal_ranks(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Skewed like MRR@10: ranks from a geometric distribution, 0 beyond 10."""
    ranks = generator.geometric(0.35, size=shape)
    return np.where(ranks <= 10, 1 / ranks, 0.0)


@pytest.mark.parametrize("n_queries", [25, 100, 400])
def test_intervals_cover_the_truth_as_often_as_they_say(n_queries: int) -> None:
    """Nominal 95% covers 93 to 97%: 2,000 simulated collections of queries whose true mean is known."""
    places = np.arange(1, 11)
    truth = float((stats.geom.pmf(places, 0.35) / places).sum())
    values = reciprocal_ranks(np.random.default_rng(1), (n_queries, 2_000))
    intervals = PairedBootstrap(n_queries, seed=2).intervals(values)
    covered = np.mean([each.low <= truth <= each.high for each in intervals])
    assert 0.93 <= covered <= 0.97


def test_paired_differences_cover_the_truth_and_keep_their_error_rate() -> None:
    """Two arms that differ for a fifth of the queries only, by nothing on average: 5% false alarms, give or take."""
    generator = np.random.default_rng(4)
    n_queries, collections = 150, 2_000
    changed = generator.random((n_queries, collections)) < 0.2
    changes = np.where(changed, generator.choice([-0.5, 0.5], size=changed.shape), 0.0)
    found = PairedBootstrap(n_queries, seed=5).differences(changes, families=range(collections))
    assert 0.93 <= np.mean([each.low <= 0 <= each.high for each in found]) <= 0.97
    assert 0.03 <= np.mean([each.p < 0.05 for each in found]) <= 0.07


def test_retention_covers_the_truth() -> None:
    """Short values are the whole ones, lost for 30% of the queries: the ratio of the means is 0.7."""
    generator = np.random.default_rng(11)
    wholes = reciprocal_ranks(generator, (150, 1_000))
    values = wholes * (generator.random(wholes.shape) < 0.7)
    found = PairedBootstrap(150, seed=12).ratios(values, wholes)
    assert 0.93 <= np.mean([each.low <= 0.7 <= each.high for each in found]) <= 0.97


def test_a_ratio_to_nothing_is_open_upwards() -> None:
    ratio = PairedBootstrap(5).ratios(np.zeros((5, 1)), np.array([[0, 0, 0, 0, 1.0]]).T)[0]
    assert (ratio.value, ratio.low, ratio.high) == (0, 0, np.inf)


def test_intervals_agree_with_scipy() -> None:
    values = reciprocal_ranks(np.random.default_rng(6), (300,))
    ours = PairedBootstrap(300, resamples=6_000, seed=7).intervals(values[:, None])[0]
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=6_000, rng=8).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.003)
    assert ours.high == pytest.approx(theirs.high, abs=0.003)


def test_pairing_narrows_a_difference() -> None:
    generator = np.random.default_rng(9)
    base = reciprocal_ranks(generator, (200,))
    better = np.clip(base + 0.02, 0, 1.02)
    bootstrap = PairedBootstrap(200)
    difference = bootstrap.differences((better - base)[:, None], ["tuned"])[0]
    assert difference.verdict == BETTER
    assert difference.width < 0.1 * bootstrap.intervals(base[:, None])[0].width


def test_the_same_seed_gives_the_same_intervals_whatever_stands_beside() -> None:
    values = np.random.default_rng(10).random((40, 700))
    alone = PairedBootstrap(40, seed=3).intervals(values[:, 600:601])[0]
    among = PairedBootstrap(40, seed=3).intervals(values)[600]
    assert alone.low == pytest.approx(among.low, abs=1e-6)
    assert alone.high == pytest.approx(among.high, abs=1e-6)


def test_one_query_has_no_width_and_no_answer() -> None:
    bootstrap = PairedBootstrap(1)
    only = bootstrap.intervals(np.array([[0.5]]))[0]
    assert (only.low, only.value, only.high) == (0.5, 0.5, 0.5)
    with pytest.raises(LabError, match="No query"):
        PairedBootstrap(0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_step_down(p_values: list[float]) -> None:
    given_p = np.array(p_values)
    corrected = holm_correction(given_p)
    assert np.all(corrected >= given_p) and np.all(corrected <= 1)
    assert corrected[np.argmin(given_p)] == pytest.approx(min(1, len(p_values) * given_p.min()))
    order = np.argsort(given_p)
    assert np.all(np.diff(corrected[order]) >= 0)


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm_correction([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(
    ("bounds", "p_holm", "verdict"),
    [
        ((0.1, 0.05, 0.15), 0.004, BETTER),
        ((-0.1, -0.15, -0.05), 0.004, WORSE),
        ((0.002, 0.001, 0.004), 0.004, EQUAL),  # Sure, and too small for anybody to notice.
        ((0.01, 0.005, 0.015), 0.004, EQUAL),
        ((0.0, -0.01, 0.01), 1.0, EQUAL),
        ((0.02, -0.002, 0.042), 0.2, NOT_SHOWN),
        ((0.02, 0.001, 0.039), 0.2, NOT_SHOWN),  # Not after the correction over the dimensions.
        ((0.02, -0.04, 0.08), 1.0, TOO_FEW),
        ((0.001, -0.04, 0.08), 1.0, TOO_FEW),
    ],
)
def test_verdicts(bounds: tuple[float, float, float], p_holm: float, verdict: str) -> None:
    assert Difference(*bounds, p=p_holm / 2, p_holm=p_holm).verdict == verdict


@pytest.mark.parametrize("changes", [[1.0], [-0.37], [0.63, 0.63], [0.1, 0.2, -0.3, 0.7]])
def test_a_few_queries_among_many_show_nothing(changes: list[float]) -> None:
    """Resamples that leave them out have a difference of exactly 0, and such resamples count."""
    values = np.zeros(800, np.float32)
    values[100 : 100 + len(changes)] = changes
    (found,) = PairedBootstrap(800).differences(values, ["one"])
    left_out = (1 - len(changes) / 800) ** 800
    assert found.p > left_out
    assert found.verdict == EQUAL
    assert found.low <= 0 <= found.high


def test_float_rounding_is_no_difference() -> None:
    """Means over the seeds of a random arm differ from base in the last bit for every query: that shows nothing."""
    rounding = np.full((400, 1), -3e-8)
    (found,) = PairedBootstrap(400).differences(rounding, families=[0])
    assert found.verdict == EQUAL
