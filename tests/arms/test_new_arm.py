"""A new arm is a transform and a row of the catalogue: every part of the house then knows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mrl_demo import cli
from mrl_demo.adapt import Rotation
from mrl_demo.arms import catalogue
from mrl_demo.arms.arm import Arm, Style
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.config import Settings
from mrl_demo.core.types import Progress
from mrl_demo.lab.curves import CurvesService
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.compare.tab import first_view


@dataclass(frozen=True)
class Backwards:
    """The toy: the last number first."""

    name: str = "backwards"
    suffix: str = "backwards"
    suffix_label: str = "backwards"
    fitted_on: FittedOn = FittedOn.NOTHING

    def variants(self) -> tuple[Backwards, ...]:
        return (self,)

    def key(self, material: FitMaterial) -> str:
        return ""

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Rotation:
        return Rotation(np.eye(material.documents.shape[1], dtype=np.float32)[:, ::-1], "backwards")


TOY = Arm(
    name="toy",
    label="Toy",
    description="Base, read backwards.",
    encoder="minilm",
    transform=Backwards(),
    style=Style("#123456", "star-triangle-up"),
    contender=1,
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ARMS", (catalogue.ARMS[0], TOY))


@pytest.mark.real_model
def test_menu_curves_and_command_line_know_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab(Settings(cache_dir=tmp_path))
    assert [arm.name for arm in lab.arms()][:2] == ["base", "toy"]
    assert first_view(lab).arms == ("base", "toy")
    assert "toy" in CurvesService(lab).arms()
    assert catalogue.arm_styles(["toy"])["toy"].colour == "#123456"
    command = ["search", "why is the sky blue", "--arm", "toy", "--dim", "384", "--json", f"--cache-dir={tmp_path}"]
    assert cli.main(command) == 0
    assert json.loads(capsys.readouterr().out)["arms"][0]["arm"] == "toy"
    command = ["evaluate", "--arms", "base,toy", "--dims", "64,384", "--metrics", "ndcg@10", "--json"]
    assert cli.main([*command, f"--cache-dir={tmp_path}"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    values = {(row["arm"], row["dim"]): row["value"] for row in rows}
    assert values["toy", 384] == pytest.approx(values["base", 384], abs=1e-6)  # A permutation costs nothing uncut.
    assert values["toy", 64] != values["base", 64]


def test_any_model_takes_its_suffix(lab: Lab) -> None:
    assert resolve_arm("tiny+backwards", lab.builder.menu).transform == Backwards()
