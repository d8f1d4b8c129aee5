"""What MatryoshkaLoss itself buys: the file that ships, its sentence, and the places that show it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.arms.transforms.tuned_rotation import TunedRotation
from mrl_demo.cli import main
from mrl_demo.core.config import Settings, find_assets
from mrl_demo.core.errors import CorpusError, ModelError
from mrl_demo.evaluation.sweeps.controls import controls_text, read_controls
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.ui.curves.controls import controls_html


def test_the_shipped_controls_are_told_with_their_intervals() -> None:
    group = read_controls(find_assets())[0]
    row = group.difference("whole", "rotation-only", 64)
    assert row is not None
    whole, alone = group.value("whole", 64), group.value("rotation-only", 64)
    assert whole is not None
    assert alone is not None
    assert row.difference == pytest.approx(whole - alone, abs=2e-6)
    assert f"({row.low:+.3f} to {row.high:+.3f})" in group.sentence()
    assert f"{group.value('plain', 384):.3f}" in controls_text((group,))


def test_the_shipped_controls_are_those_of_the_shipped_results() -> None:
    group = read_controls(find_assets())[0]
    raw = json.loads((find_assets() / "results" / "builtin.json").read_text(encoding="utf-8"))["sweep"]
    published = SweepResult.from_json(json.dumps(raw))
    values = {
        (row.arm, row.dim): row.value for row in published.rows if (row.precision, row.metric) == ("float32", "ndcg@10")
    }
    for mine, theirs in (("base", "base"), ("plain", "tuned-plain"), ("whole", "tuned")):
        assert group.value(mine, 64) == pytest.approx(values[theirs, 64], abs=1e-3)  # Shipped vectors are float16.


def test_the_command_and_the_page_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["controls"]) == 0
    shown = capsys.readouterr().out
    page = controls_html()
    for group in told:
        assert group["sentence"] in shown
        assert group["sentence"] in page.unescape()


def test_nothing_ships_without_the_file_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert read_controls(tmp_path) == ()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "controls.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"controls\.json holds no controls"):
        read_controls(tmp_path)


class _Material:
    def __init__(self, shipped: Path, dimension: int) -> None:
        self.shipped, self.documents = shipped, np.zeros((2, dimension), np.float32)


def test_the_rotation_alone_gives_unit_rows_and_keeps_full_cosines() -> None:
    axes = TunedRotation().fit(_Material(Settings().assets_dir / "rotations", 384))  # type: ignore[arg-type]
    rows = np.random.default_rng(0).normal(size=(6, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    turned = axes.apply(rows)
    assert np.linalg.norm(turned, axis=1) == pytest.approx(1, abs=1e-5)
    assert turned @ turned.T == pytest.approx(rows @ rows.T, abs=0.05)


def test_a_rotation_that_is_missing_or_of_another_length_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no readable rotation"):
        TunedRotation().fit(_Material(tmp_path / "rotations", 384))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="turns vectors of 384 numbers, not 256"):
        TunedRotation().fit(_Material(Settings().assets_dir / "rotations", 256))  # type: ignore[arg-type]
