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
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.config import Settings
from mrl_demo.core.style import Style
from mrl_demo.core.types import Progress
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.curves import CurveSet, CurvesService
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.state import Choice
from mrl_demo.ui.curves.view import quality_chart, quality_table
from training.evaluation import evaluation_plan
from training.result.measure import card_sections


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
    style=Style("#123456", "star-triangle-up", "dashdot"),
    contender=9,
    is_baseline=True,
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ARMS", (*catalogue.ARMS, TOY))


@pytest.fixture
def real_lab(tmp_path: Path) -> Lab:
    return Lab(Settings(cache_dir=tmp_path))


def test_menus_and_first_choices_have_it(real_lab: Lab) -> None:
    assert [arm.label for arm in real_lab.arms()][-1] == "Toy"
    assert "toy" in CurvesService(real_lab).arms()
    assert catalogue.best_contender(["base", "toy"]) == "toy"
    assert "toy" in catalogue.reserved_names()


@pytest.mark.real_model
def test_a_sweep_measures_it_and_the_curves_draw_it_in_its_style(real_lab: Lab) -> None:
    sweep = real_lab.evaluate("builtin", SweepPlan(("base", "toy"), metrics=("ndcg@10",)))
    curves = CurveSet(sweep)
    values = {(row.arm, row.dim): row.value for row in curves.sweep.rows if row.metric == "ndcg@10"}
    assert values["toy", 384] == pytest.approx(values["base", 384], abs=1e-6)  # A permutation costs nothing uncut.
    assert values["toy", 64] != values["base", 64]
    shown = Choice("builtin", arms=("base", "toy"), published=False)
    (line,) = (trace for trace in quality_chart(Figures.of(curves), shown).data if trace.meta == "toy")
    assert (line.line.color, line.line.dash, line.marker.symbol) == ("#123456", "dashdot", "star-triangle-up")
    assert "background:#123456" in quality_table(Figures.of(curves), shown)


@pytest.mark.real_model
def test_the_command_line_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["search", "why is the sky blue", "--arm", "toy", "--dim", "384", "--json", f"--cache-dir={tmp_path}"]
    assert cli.main(command) == 0
    assert json.loads(capsys.readouterr().out)["arms"][0]["arm"] == "toy"
    command = ["evaluate", "--arms", "toy", "--dims", "64", "--metrics", "ndcg@10", "--json"]
    assert cli.main([*command, f"--cache-dir={tmp_path}"]) == 0
    assert {row["arm"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"toy"}


@pytest.mark.real_model
def test_newly_trained_models_are_measured_against_it(real_lab: Lab, beir_folder: Path) -> None:
    plan = evaluation_plan(["tuned"], queries=2, max_tokens=64, with_adapted=False)
    result = real_lab.evaluate(real_lab.add_corpus(beir_folder), plan)
    assert [arm.name for arm in result.arms] == ["base", "base-pca", "toy", "tuned"]
    assert "fruit: against toy" in [section.title for section in card_sections(result, "tuned", 64)]


def test_any_model_takes_its_suffix(lab: Lab) -> None:
    assert resolve_arm("tiny+backwards", lab.builder.menu).transform == Backwards()
