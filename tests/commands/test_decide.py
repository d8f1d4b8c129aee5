"""Cut-offs and costs on the command line and in Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.core.errors import LabError
from mrl_demo.lab.lab import Lab
from mrl_demo.thresholds.measure import ThresholdQuestion


def test_costs_with_own_prices_and_bad_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cost", "--count", "1000", "--memory-price", "2", "--currency", "EUR", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [way["way"] for way in answer["ways"]] == ["full", "cut", "funnel"]
    assert answer["prices"]["currency"] == "EUR" and answer["prices"]["source"] == "as you gave them"
    assert cli.main(["cost"]) == 0
    assert "2026-06-17" in capsys.readouterr().out.replace("\n", "")
    assert cli.main(["cost", "--disk-price", "nan"]) == 2
    assert "disk_gb_month is nan" in capsys.readouterr().err
    assert cli.main(["cost", "--dim", "900"]) == 2
    assert "from 1 to 384" in capsys.readouterr().err


def test_an_own_collection_without_queries_has_its_cutoff_translated(lab: Lab, tmp_path: Path) -> None:
    rows = [f"Title of {i} things,Text of {i} and {i * 7} words" for i in range(60)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["title,text", *rows]), encoding="utf-8")
    answer = lab.translate_threshold(lab.add_corpus(path), ThresholdQuestion(0.5, "tiny", 8))
    assert answer.stand_ins == "titles" and answer.n_queries == 60 and answer.full_dim == 32
    assert any("titles stand in" in note for note in answer.notes)
    assert abs(sum(answer.short.related) - 1) < 1e-6
    assert json.loads(json.dumps(answer.to_dict()))["equal_rate"]["rule"] == "equal false positives"


def test_the_same_length_keeps_the_cutoff_and_bad_questions_are_refused(lab: Lab) -> None:
    same = lab.translate_threshold("fruit", ThresholdQuestion(0.2, "tiny", 32))
    assert same.unchanged.rates == same.at_full
    with pytest.raises(LabError, match="from 1 to 32"):
        lab.translate_threshold("fruit", ThresholdQuestion(0.2, "tiny", 64))
    with pytest.raises(LabError, match="'bm25' has no vectors"):
        lab.translate_threshold("fruit", ThresholdQuestion(0.2, "bm25", 8))
    with pytest.raises(LabError, match="precision 'int7'"):
        ThresholdQuestion(0.2, "tiny", 8, "int7")


@pytest.mark.real_model
def test_a_cutoff_is_translated_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["threshold", "0.5", "--dim", "64", "--queries", "100", f"--cache-dir={tmp_path}"]
    assert cli.main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    low, high = (answer["equal_precision"]["interval"][side] for side in ("low", "high"))
    assert 0.5 < low <= answer["equal_precision"]["cutoff"] <= high  # Cosines of short vectors are higher.
    assert cli.main(command) == 0
    assert "becomes" in capsys.readouterr().out
    assert cli.main(["threshold", "70", f"--cache-dir={tmp_path}"]) == 2
    assert "cut-off is 70" in capsys.readouterr().err
