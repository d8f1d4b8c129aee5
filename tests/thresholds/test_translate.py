"""Cut-offs over worlds whose distributions are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.evaluation.judging.metrics import Relevant
from mrl_demo.thresholds.counts import BINS, ScoreCounts, bin_of, count_scores, edge_of
from mrl_demo.thresholds.translate import translate


def counts_of(related: FloatMatrix, unrelated: FloatMatrix) -> ScoreCounts:
    """Counts of `(queries, pairs)` scores."""
    sides = []
    for scores in (related, unrelated):
        counts = np.zeros((len(scores), BINS), dtype=np.float32)
        places = np.clip((scores + 1) * (BINS / 2), 0, BINS - 1).astype(int)
        np.add.at(counts, (np.arange(len(scores))[:, None], places), 1)
        sides.append(counts)
    return ScoreCounts(*sides)


def draw_pairs(generator: np.random.Generator, n: int) -> tuple[ScoreCounts, ScoreCounts]:
    """Scores at full length and cut, of `n` questions: some are harder than others, and the cut blurs and shifts."""
    ease = generator.normal(0, 0.08, (n, 1))
    related = 0.62 + ease + generator.normal(0, 0.08, (n, 1))
    unrelated = 0.15 + 0.5 * ease + generator.normal(0, 0.11, (n, 100))
    short = (
        0.9 * related + 0.1 + generator.normal(0, 0.06, (n, 1)),
        unrelated + 0.05 + generator.normal(0, 0.06, (n, 100)),
    )
    return counts_of(related, unrelated), counts_of(*short)


def test_held_out_precision_is_within_its_interval_in_93_of_100_resamples() -> None:
    inside = tried = 0
    for seed in range(50):
        generator = np.random.default_rng(seed)
        answer = translate(0.5, *draw_pairs(generator, 80), seed=seed).equal_precision
        _, held_out = draw_pairs(generator, 240)
        assert answer.cutoff is not None and answer.precision is not None
        place = bin_of(answer.cutoff)
        related, unrelated = held_out.related[:, place:].sum(), held_out.unrelated[:, place:].sum()
        inside += answer.precision.low <= related / (related + unrelated) <= answer.precision.high
        tried += 1
    assert inside >= 0.93 * tried


def test_equal_rules_are_equal_and_a_shift_is_found() -> None:
    related, unrelated = (np.linspace(low, high, 900)[None].repeat(40, 0) for low, high in ((0.4, 0.9), (-0.2, 0.6)))
    full, shifted = counts_of(related, unrelated), counts_of(related + 0.05, unrelated + 0.05)
    answer = translate(0.5, full, shifted)
    assert answer.equal_precision.cutoff == pytest.approx(0.55, abs=0.012)
    assert answer.equal_rate.cutoff == pytest.approx(0.55, abs=0.012)
    assert answer.equal_rate.rates is not None
    assert answer.equal_rate.rates.unrelated <= answer.at_full.unrelated
    assert answer.unchanged.rates is not None and answer.unchanged.rates.unrelated > answer.at_full.unrelated


def test_the_same_vectors_keep_the_cutoff() -> None:
    full, _ = draw_pairs(np.random.default_rng(1), 80)
    answer = translate(0.5, full, full)
    assert answer.equal_precision.cutoff is not None and answer.equal_precision.cutoff <= 0.5
    assert answer.equal_precision.rates is not None and answer.at_full.precision is not None
    assert answer.equal_precision.rates.precision == pytest.approx(answer.at_full.precision, abs=0.02)


def test_a_precision_that_short_vectors_never_reach_is_said() -> None:
    full = counts_of(np.full((20, 1), 0.8), np.full((20, 5), 0.1))
    muddled = counts_of(np.full((20, 1), 0.5), np.full((20, 5), 0.5))
    answer = translate(0.6, full, muddled).equal_precision
    assert answer.cutoff is None and answer.interval is None and answer.precision is None


@pytest.mark.parametrize("wrong", [70, 1.0, -1, float("nan"), "half"])
def test_what_is_no_cutoff_is_named(wrong: float) -> None:
    full, short = draw_pairs(np.random.default_rng(0), 10)
    with pytest.raises(LabError, match=f"The cut-off is {wrong}"):
        translate(wrong, full, short)


def test_nothing_related_is_refused_and_one_query_is_no_error() -> None:
    full, short = draw_pairs(np.random.default_rng(0), 1)
    assert translate(0.4, full, short).at_full.related in {0.0, 1.0}
    with pytest.raises(LabError, match="No related pair is known"):
        translate(0.4, ScoreCounts(full.related * 0, full.unrelated), short)


@given(st.floats(-1, 1))
def test_a_score_lies_in_its_bin(score: float) -> None:
    assert edge_of(bin_of(score)) <= score + 1e-9


def test_every_pair_is_counted_once_at_every_precision() -> None:
    generator = np.random.default_rng(3)
    vectors = ArmVectors(*(normalise(generator.normal(size=(n, 16)).astype(np.float32)) for n in (7, 90)))
    relevant = Relevant(np.array([0, 0, 2, 6]), np.array([3, 8, 1, -1]), np.ones(4), 7)
    excluded = np.array([5, -1, -1, -1, -1, -1, -1])
    for precision in ("float32", "int8", "binary", "binary+rescore"):
        counts = count_scores(vectors, relevant, 8, precision, excluded)
        assert counts.related.sum() == 3  # The document that the collection lacks has no score.
        assert counts.unrelated.sum() == 7 * 90 - 3 - 1
    cosines = truncate(vectors.queries, 8) @ truncate(vectors.documents, 8).T
    counts = count_scores(vectors, relevant, 8, "float32", excluded)
    assert counts.related[0, bin_of(float(cosines[0, 3]))] == 1
