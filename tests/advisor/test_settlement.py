"""Whether "settled" is right as often as it says, and blind verdicts that lower the count."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mrl_demo.advisor.bands import bound_shares
from mrl_demo.advisor.blind import (
    BlindVerdict,
    Preference,
    apply_verdicts,
    is_reference_left,
    read_verdicts,
    write_pairs,
)
from mrl_demo.advisor.consult import blind_pairs, consult
from mrl_demo.advisor.recommend import Advice, advice_plan
from mrl_demo.advisor.settlement import judge_settlement
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.stats import PairedBootstrap
from tests.evaluation.word_world import word_corpus

Make = Callable[..., SpaceBuilder]
TRUE_SHARES = np.array([0.80, 0.91, 0.97, 0.985, 1.0])


def draw_values(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    reference = (generator.random(n) < 0.8).astype(np.float32)
    kept = generator.random((n, 1)) < TRUE_SHARES
    return reference, (reference[:, None] * kept).astype(np.float32)


def test_settled_is_right_in_at_least_95_of_100_draws() -> None:
    settled = right = 0
    bootstrap = PairedBootstrap(500, resamples=400)
    for seed in range(500):
        reference, values = draw_values(seed, 500)
        shares = bound_shares(values, reference, bootstrap)
        holding = np.flatnonzero(shares.lower >= 0.95)
        best = int(holding.min()) if len(holding) else None
        if judge_settlement(shares, 0.95, range(5), best, 500).is_settled:
            settled += 1
            right += best == 2  # The smallest setting that truly keeps 95%.
    assert settled > 100
    assert right >= 0.95 * settled


def test_the_number_of_queries_said_settles_it_about_half_of_the_time_or_more() -> None:
    reference, values = draw_values(3, 200)
    shares = bound_shares(values, reference, PairedBootstrap(200))
    holding = np.flatnonzero(shares.lower >= 0.95)
    settlement = judge_settlement(shares, 0.95, range(5), int(holding.min()) if len(holding) else None, 200)
    assert not settlement.is_settled and settlement.more_queries is not None
    reference, values = draw_values(3, 200 + 2 * settlement.more_queries)
    shares = bound_shares(values, reference, PairedBootstrap(len(reference)))
    holding = np.flatnonzero(shares.lower >= 0.95)
    assert judge_settlement(shares, 0.95, range(5), int(holding.min()), len(reference)).is_settled


def test_a_share_at_the_target_is_a_tie() -> None:
    reference = np.ones(100, np.float32)
    values = np.stack([(np.arange(100) % 20 != 0).astype(np.float32), reference], axis=1)
    shares = bound_shares(values, reference, PairedBootstrap(100))
    settlement = judge_settlement(shares, 0.95, range(2), 1, 100)
    assert settlement.is_tie and settlement.more_queries is None and "a tie" in settlement.sentence()


def test_verdicts_take_the_place_of_the_labels() -> None:
    reference, values = np.array([1, 1, 0.5, 0], np.float32), np.array([0, 0.25, 1, 0], np.float32)
    sides = {name: Preference.LEFT if is_reference_left(name, "s") else Preference.RIGHT for name in "abcd"}
    verdicts = [
        BlindVerdict("a", "s", Preference.SAME),
        BlindVerdict("c", "s", sides["c"]),
        BlindVerdict("b", "t", sides["b"]),
    ]
    assert apply_verdicts(values, reference, "s", list("abcd"), verdicts).tolist() == [1, 0.25, 0, 0]


def test_blind_pairs_hide_their_sides_and_lower_the_count(make_builder: Make) -> None:
    corpus, advice, builder = word_corpus(n_documents=120, n_queries=60), Advice(target=0.9), make_builder()
    plan = advice_plan(advice, ["base"], dims=(16, 24, 32, 48))
    consultation = consult(builder, corpus, advice, plan)
    pairs = blind_pairs(builder, consultation, count=12)
    assert pairs and len({pair.query_id for pair in pairs}) == len(pairs)
    raw = write_pairs(pairs)
    assert "reference" not in raw
    rows = json.loads(raw)
    for row in rows["pairs"]:
        row["preferred"] = "same"
    verdicts = read_verdicts(json.dumps(rows))
    again = consultation.again(verdicts)
    setting = consultation.recommendation.open_setting
    assert setting is not None and again.recommendation.n_verdicts == len(pairs)
    before, after = (
        next(s for s in each.recommendation.settings if s.key == setting.key) for each in (consultation, again)
    )
    assert after.lower > before.lower
    assert consult(builder, corpus, advice, plan, verdicts=verdicts).recommendation.best == again.recommendation.best


def test_a_lost_query_names_what_stands_in_its_place(make_builder: Make) -> None:
    corpus, advice = word_corpus(n_documents=300, n_queries=80), Advice(target=0.4)
    consultation = consult(make_builder(), corpus, advice, advice_plan(advice, ["base"], dims=(4, 8, 12, 48)))
    advised = consultation.recommendation
    assert advised.best is not None and advised.lost
    lost = advised.lost[0]
    assert lost.rank_before < lost.rank_now and lost.rank_now > 10 and lost.displaced_by
    assert advised.to_dict()["n_lost"] == advised.n_lost >= len(advised.lost)


def test_stand_ins_are_called_an_estimate(make_builder: Make) -> None:
    corpus = replace(word_corpus(), stand_ins="titles")
    advised = consult(make_builder(), corpus, Advice(), advice_plan(Advice(), ["base"], dims=(8, 48))).recommendation
    assert advised.kind == "estimate" and "titles in place of queries" in advised.sentence()


@pytest.mark.parametrize(
    ("text", "says"),
    [("{}", "no blind pairs"), ('{"pairs": [{"query_id": "q", "setting": "s", "preferred": "up"}]}', "is 'up'")],
)
def test_a_file_that_holds_no_verdicts_is_named(text: str, says: str) -> None:
    with pytest.raises(LabError, match=says):
        read_verdicts(text)
