"""The sheet says what was measured, and what is measured is what the engine would answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.cli import main
from mrl_demo.core.config import Settings
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.exporting import ExportChoice
from mrl_demo.lab.lab import Lab

pytestmark = pytest.mark.real_model


def test_a_sheet_agrees_with_the_sweep_where_both_measure_the_same() -> None:
    lab = Lab(Settings.from_environment())
    sheet = lab.migration("builtin", "pgvector", ExportChoice("tuned", 64), cutoff=0.5)
    sweep = lab.evaluate("builtin", SweepPlan(("base", "tuned"), (64, 384), metrics=("ndcg@10",)))
    row, full = sweep.row("tuned", 64, "ndcg@10"), sweep.row("base", 384, "ndcg@10")
    assert row is not None and full is not None
    assert sheet.evidence.after.value == pytest.approx(row.value, abs=1e-4)
    assert sheet.evidence.before.value == pytest.approx(full.value, abs=1e-4)
    assert sheet.evidence.share.low < sheet.evidence.share.value < sheet.evidence.share.high
    assert sheet.threshold is not None
    text = sheet.to_markdown()
    for part in (
        "## Bytes",
        "1,536",
        "256",
        "## Expected loss",
        "## Score cut-off",
        "## Steps",
        "way back",
        "subvector",
    ):
        assert part in text


def test_a_second_stage_over_everything_loses_nothing() -> None:
    lab = Lab(Settings.from_environment())
    choice = ExportChoice("base", 64, "binary", rescore_dim=384, shortlist=2_400)
    evidence = lab.migration("builtin", "faiss", choice).evidence
    assert evidence.difference.value == pytest.approx(0, abs=1e-6)
    assert evidence.lost == 0


def test_own_documents_and_hostile_names_end_in_a_harmless_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = tmp_path / "<img src=x onerror=alert(1)>`.csv"
    things = [
        f"{a} {b}" for a in ("red", "blue", "green", "old", "new") for b in ("chair", "lamp", "rug", "cup", "bed")
    ]
    shop.write_text(
        "\n".join(["title,text", *(f"{t} for you,A {t} that is sturdy." for t in things)]), encoding="utf-8"
    )
    out = tmp_path / "sheet.html"
    arguments = ["--cache-dir", str(tmp_path / "cache"), "migration", "--format", "qdrant", "--corpus", str(shop)]
    assert main([*arguments, "--arm", "base", "--dim", "32", "--json", "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["evidence"]["n_queries"] == 25
    assert "title" in said["evidence"]["kind"]
    assert np.isfinite(said["evidence"]["share"]["value"])
    page = out.read_text(encoding="utf-8")
    assert "<img" not in page
    assert "<script" not in page


def test_an_engine_that_cannot_hold_it_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sheet.md"
    assert main(["migration", "--format", "milvus", "--precision", "int8", "--out", str(out)]) == 2
    assert "does not store int8 here" in capsys.readouterr().err
    assert not out.exists()
