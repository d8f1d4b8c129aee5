"""So many bytes a vector: what fits, what is best, and whether the queries can tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from mrl_demo import cli
from mrl_demo.advisor.budget import byte_plan, spend_bytes
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.sweeps.sweep import evaluate
from tests.evaluation.word_world import word_corpus

Make = Callable[..., SpaceBuilder]


def test_the_best_that_fits_is_named_with_its_rival(make_builder: Make) -> None:
    result = evaluate(make_builder(), word_corpus(300), byte_plan(["base", "corpus-pca"], dims=(4, 8, 16, 48)))
    budget = spend_bytes(result, 16, "ndcg@10")
    fits = [setting for setting in budget.settings if setting.bytes_searched <= 16]
    assert budget.best.value == max(setting.value for setting in fits)
    assert budget.plain is not None and budget.plain.dim == 4
    assert budget.runner_up is not None and budget.runner_up.value <= budget.best.value
    assert budget.lead is not None and budget.is_tie == (budget.lead.low <= 0)
    assert ("cannot tell them apart" in budget.sentence()) == budget.is_tie
    dominated = {setting.name for setting in budget.settings if setting.is_dominated}
    for setting in budget.settings:
        cheaper = [each.value for each in budget.settings if each.bytes_searched < setting.bytes_searched]
        assert (setting.name in dominated) >= (bool(cheaper) and max(cheaper) >= setting.value)
    assert json.loads(json.dumps(budget.to_dict()))["best"]["bytes_searched"] <= 16
    with pytest.raises(LabError, match="holds no vector"):
        spend_bytes(result, 0, "ndcg@10")
    with pytest.raises(LabError, match="averages only"):
        spend_bytes(result.of_arms(["base"]), 16, "ndcg@10")
    with pytest.raises(LabError, match="the smallest takes 48"):
        longest = {key: values for key, values in result.per_query.items() if key[1:3] == (48, "int8")}
        spend_bytes(replace(result, per_query=longest), 5, "ndcg@10")


def test_budgets_below_a_byte_are_refused_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["budget", "0"]) == 2
    assert "holds no vector" in capsys.readouterr().err
    assert cli.main(["funnel", "--keep", "0.9", "--proof"]) == 2
    assert "two questions" in capsys.readouterr().err
