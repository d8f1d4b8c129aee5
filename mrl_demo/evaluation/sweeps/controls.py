"""What MatryoshkaLoss itself buys: a tuned model beside controls that differ from it in one thing each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.evaluation.stats import BETTER, EQUAL, WORSE
from mrl_demo.evaluation.sweeps.results import DifferenceRow, SweepResult

#: The file in `assets/results` that `dev/ship_controls.py` writes.
CONTROLS_FILE = "controls.json"
_TURNED = "plain+rotation"
#: Where the loss is expected to matter most.
_SHORT = 16
_LABELS = {
    "base": "nothing trained",
    "rotation-only": "the rotation alone, no weight trained",
    "plain": "fine-tuned without MatryoshkaLoss",
    _TURNED: "the same in the axes of the rotation",
    "plain+adapted": "the same, rotated to fit these documents",
    "mrl-only": "fine-tuned with MatryoshkaLoss, no rotation",
    "whole": "all of it: MatryoshkaLoss over the rotation",
}


@dataclass(frozen=True)
class ControlGroup:
    """One recipe, `about` which a sentence says on what and how long, and the `sweep` of it and its controls.

    The arms are base, rotation-only, plain, plain+rotation, plain+adapted, mrl-only and whole, as far as they were
    measured, all at the same share of the training kept. A loss at full length alone is the same in all axes, so that
    plain+rotation lacks nothing of whole but MatryoshkaLoss.
    """

    about: str
    sweep: SweepResult

    @property
    def labels(self) -> dict[str, str]:
        """What each of the measured arms is, in the order of what they add."""
        measured = {arm.name for arm in self.sweep.arms}
        return {name: label for name, label in _LABELS.items() if name in measured}

    @property
    def collection(self) -> str:
        """What it was measured on, in words."""
        sweep = self.sweep
        return f"{sweep.corpus}, {sweep.n_queries:,} test queries over {sweep.n_documents:,} documents"

    def value(self, arm: str, dim: int) -> float | None:
        """The arm's mean nDCG@10, None if it was not measured."""
        return next((row.value for row in self.sweep.rows if (row.arm, row.dim) == (arm, dim)), None)

    def difference(self, arm: str, against: str, dim: int) -> DifferenceRow | None:
        """The paired difference in nDCG@10, None if it was not measured."""
        rows = self.sweep.differences
        return next((row for row in rows if (row.arm, row.against, row.dim) == (arm, against, dim)), None)

    def sentence(self, dim: int = 64) -> str:
        """What the loss and the training buy at `dim` dimensions, and the loss at 16, with paired 95% intervals."""
        parts = [
            f"{words} {_change(row)}"
            for words, arm, against in (
                ("MatryoshkaLoss itself, the same training with it and without in the same axes,", "whole", _TURNED),
                ("MatryoshkaLoss without a rotation on either side", "mrl-only", "plain"),
                ("the whole training over its rotation alone", "whole", "rotation-only"),
                ("the rotation alone over the ordinary model", "rotation-only", "base"),
            )
            if (row := self.difference(arm, against, dim))
        ]
        if dim > _SHORT and (short := self.difference("whole", _TURNED, _SHORT)):
            parts.append(f"at {_SHORT} numbers MatryoshkaLoss itself {_change(short)}")
        return f"At {dim} numbers (nDCG@10): {'; '.join(parts)}." if parts else ""


def read_controls(assets_dir: Path) -> tuple[ControlGroup, ...]:
    """The groups that ship in `assets_dir`, none without a file; raises `CorpusError` for a damaged one."""
    path = assets_dir / "results" / CONTROLS_FILE
    if not path.is_file():
        return ()
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
        return tuple(ControlGroup(raw["about"], SweepResult.from_json(json.dumps(raw["sweep"]))) for raw in groups)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path} holds no controls ({error}): run dev/ship_controls.py again.") from error


def controls_text(groups: tuple[ControlGroup, ...], dims: tuple[int, ...] = (16, 32, 64, 128, 384)) -> str:
    """The groups for a terminal: what each is about, its sentence, and a line an arm."""
    blocks = []
    for group in groups:
        lines = [f"{group.about} {group.collection}.", group.sentence()]
        lines.append(f"{'nDCG@10':<44}" + "".join(f"{dim:>8}" for dim in dims))
        for arm, label in group.labels.items():
            cells = (group.value(arm, dim) for dim in dims)
            lines.append(f"{label:<44}" + "".join("       -" if cell is None else f"{cell:8.3f}" for cell in cells))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) or "No controls ship: python dev/ship_controls.py measures them."


def _change(row: DifferenceRow) -> str:
    span = f"{row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
    words = {BETTER: "gains", WORSE: "loses", EQUAL: "changes little:"}.get(row.verdict, "shows no difference:")
    return f"{words} {span}"
