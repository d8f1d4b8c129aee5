"""The advisor on worlds whose truth is known, and through the command line on the built-in questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo import cli
from mrl_demo.advisor.bands import HOLDS, bound_shares
from mrl_demo.advisor.recommend import PRECISION_SETS, Advice, advice_plan, advise
from mrl_demo.advisor.report import frontier_of
from mrl_demo.advisor.settlement import about
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.sweep import evaluate
from tests.evaluation.word_world import word_corpus

Make = Callable[..., SpaceBuilder]
#: True shares of six settings; queries are found or not, as nDCG of known items nearly is.
TRUE_SHARES = np.array([0.80, 0.90, 0.94, 0.955, 0.97, 1.0])


def draw_world(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of `n` queries under each setting and the reference: a setting loses an answer with its own chance."""
    generator = np.random.default_rng(seed)
    reference = (generator.random(n) < 0.8).astype(np.float32)
    kept = generator.random((n, 1)) < TRUE_SHARES  # Paired: a query lost by a good setting is lost by worse ones too.
    return reference, (reference[:, None] * kept).astype(np.float32)


def test_the_setting_named_truly_holds_in_at_least_95_of_100_draws() -> None:
    wrong = named = 0
    bootstrap = PairedBootstrap(400, resamples=400)
    for seed in range(500):
        reference, values = draw_world(seed, 400)
        shares = bound_shares(values, reference, bootstrap)
        holding = np.flatnonzero(shares.lower >= 0.95)
        if len(holding):
            named += 1
            wrong += TRUE_SHARES[holding.min()] < 0.95
    assert named > 450  # The full length holds in every world: something is nearly always named.
    assert wrong <= 0.05 * 500


def test_more_queries_name_smaller_settings() -> None:
    smallest = []
    for n in (100, 6_000):
        reference, values = draw_world(1, n)
        shares = bound_shares(values, reference, PairedBootstrap(n))
        smallest.append(int(np.flatnonzero(shares.lower >= 0.95).min()))
    assert smallest[1] < smallest[0]


def test_advice_over_a_real_sweep(make_builder: Make) -> None:
    corpus, advice = word_corpus(n_documents=120, n_queries=80), Advice(target=0.8)
    result = evaluate(make_builder(), corpus, advice_plan(advice, ["base", "base+pca"], dims=(4, 8, 16, 32, 48)))
    answer = advise(result, advice)
    assert answer.best is not None and answer.best.verdict == HOLDS and answer.best.lower >= 0.8
    assert answer.reference_bytes == 4 * 48 and answer.best.bytes_searched <= 4 * 48
    cheaper = [s for s in answer.settings if s.bytes_searched < answer.best.bytes_searched]
    assert all(setting.verdict != HOLDS for setting in cheaper)
    assert f"at least {answer.best.lower:.1%}" in answer.sentence()
    read = answer.labelled({"base": "Plain", "base+pca": "Turned"}, "nDCG@10").sentence()
    assert "of Plain's nDCG@10" in read and read.startswith(("Plain with", "Turned with"))
    shares = [setting.share for setting in frontier_of(answer.settings)]
    assert shares == sorted(shares)
    for query in answer.lost_ids:
        row = result.query_ids.index(query)
        key = (answer.best.arm, answer.best.dim, answer.best.precision, "ndcg@10")
        assert result.per_query[key][row] == 0 and result.full_values["base", 48, "float32", "ndcg@10"][row] > 0


def test_too_few_queries_say_how_many_more_would_settle_it(make_builder: Make) -> None:
    corpus, advice = word_corpus(n_documents=120, n_queries=12), Advice(target=0.9)
    result = evaluate(make_builder(), corpus, advice_plan(advice, ["base"], dims=(16, 24, 32, 48)))
    answer = advise(result, advice)
    assert answer.rivals
    assert not answer.settlement.is_settled
    more = answer.settlement.more_queries
    assert answer.settlement.is_tie or (
        more is not None and f"About {about(more):,} more" in answer.settlement.sentence()
    )


def test_every_set_of_precisions_can_be_advised(make_builder: Make) -> None:
    plan = replace(advice_plan(Advice(0.5), ["base"], dims=(16, 48)), precisions=PRECISION_SETS["all"])
    answer = advise(evaluate(make_builder(), word_corpus(n_documents=60, n_queries=30), plan), Advice(0.5))
    assert {setting.precision for setting in answer.settings} == set(PRECISION_SETS["all"])


@pytest.mark.parametrize("n", [1, 12])
def test_a_few_queries_that_are_all_kept_prove_nothing(n: int) -> None:
    reference = np.ones(n, np.float32)
    shares = bound_shares(np.stack([reference, reference], axis=1), reference, PairedBootstrap(n))
    assert shares.estimates[0] == 1 and shares.lower[0] <= 0.05 ** (1 / n) + 1e-9
    assert shares.with_certain([True, False]).lower.tolist() == [1.0, shares.lower[1]]


def test_a_limit_of_bytes_leaves_out_what_is_larger(make_builder: Make) -> None:
    builder, corpus = make_builder(), word_corpus(n_documents=60, n_queries=30)
    result = evaluate(builder, corpus, advice_plan(Advice(), ("base",), dims=(8, 16, 48)))
    free, tight = advise(result, Advice(target=0.5)), advise(result, Advice(target=0.5, most_bytes=3))
    assert max(setting.bytes_searched for setting in tight.settings) <= 3 < free.reference_bytes
    assert "in 3 bytes a vector" in tight.sentence()
    with pytest.raises(LabError, match="give 1 or more"):
        Advice(most_bytes=-1)
    short = evaluate(builder, corpus, replace(advice_plan(Advice(), ("base",)), dims=(48,), precisions=("float32",)))
    with pytest.raises(LabError, match="fits into 3 bytes a vector: the smallest takes 192"):
        advise(short, Advice(most_bytes=3))


def test_without_judgements_only_agreement_is_advised(make_builder: Make) -> None:
    corpus = replace(word_corpus(), judgements={})
    answer = advise(evaluate(make_builder(), corpus, advice_plan(Advice(), ["base"], dims=(8, 48))), Advice())
    assert answer.kind == "agreement"
    assert "agreement with the full ranking" in answer.sentence()


def test_what_cannot_be_advised_says_why(make_builder: Make) -> None:
    with pytest.raises(LabError, match=r"target is 0: it must be above 0"):
        Advice(target=0)
    result = evaluate(make_builder(), word_corpus(), advice_plan(Advice(), ["base"], dims=(8,)))
    with pytest.raises(LabError, match="'tuned' was not measured by ndcg@10: there is base"):
        advise(result, Advice(reference="tuned"))


@pytest.mark.real_model
def test_recommend_names_a_setting_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "recommend",
        "--arms",
        "base,tuned",
        "--dims",
        "64,192,384",
        "--queries",
        "200",
        f"--cache-dir={tmp_path}",
    ]
    assert cli.main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["best"]["lower"] >= 0.95 and answer["n_queries"] == 200
    assert cli.main(command) == 0
    assert "at least" in capsys.readouterr().out
    assert cli.main([*command, "--target", "2"]) == 2
    assert "target is 2.0" in capsys.readouterr().err
