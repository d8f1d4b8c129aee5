"""What MatryoshkaLoss itself buys: a tuned model beside its controls, which differ from it in one thing each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.evaluation.results import DifferenceRow, SweepResult
from mrl_demo.evaluation.stats import BETTER, WORSE

#: The file in `assets/results` that `dev/ship_controls.py` writes.
CONTROLS_FILE = "controls.json"
#: The whole recipe, and what is left of it without one of its parts.
WHOLE, ROTATION_ONLY, MRL_ONLY, PLAIN = "whole", "rotation-only", "mrl-only", "plain"
LABELS = {
    "base": "nothing: the ordinary model",
    ROTATION_ONLY: "the rotation alone",
    PLAIN: "fine-tuning without MatryoshkaLoss",
    f"{PLAIN}+adapted": "the same, rotated to fit the documents",
    MRL_ONLY: "fine-tuning with MatryoshkaLoss, no rotation",
    WHOLE: "all of it: MatryoshkaLoss over the rotation",
}


@dataclass(frozen=True)
class Controls:
    """Figures of the controls on one collection after another, as `dev/ship_controls.py` measured them.

    >>> Controls(()).sentence() is None
    True
    """

    sweeps: tuple[SweepResult, ...]

    @classmethod
    def read(cls, assets_dir: Path) -> Controls:
        """What ships in `assets_dir`; empty if nothing does. Raises `CorpusError` for a damaged file."""
        path = assets_dir / "results" / CONTROLS_FILE
        if not path.is_file():
            return cls(())
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))["sweeps"]
        except (OSError, ValueError, KeyError) as error:
            raise CorpusError(f"{path} holds no controls ({error}): run dev/ship_controls.py again.") from error
        return cls(tuple(SweepResult.from_json(json.dumps(sweep)) for sweep in raw))

    def difference(self, arm: str, against: str, dim: int) -> DifferenceRow | None:
        """The paired difference in nDCG@10 on the first collection, None if it was not measured."""
        rows = self.sweeps[0].differences if self.sweeps else ()
        return next((row for row in rows if (row.arm, row.against, row.dim) == (arm, against, dim)), None)

    def sentence(self, dim: int = 64) -> str | None:
        """What MatryoshkaLoss itself buys at `dim` dimensions, with its paired 95% interval, whatever it is."""
        loss, rest = self.difference(MRL_ONLY, PLAIN, dim), self.difference(WHOLE, ROTATION_ONLY, dim)
        if loss is None:
            return None
        words = (
            f"MatryoshkaLoss itself, on the same pairs and steps and without any rotation, {_change(loss)} nDCG@10 at "
            f"{dim} numbers"
        )
        return f"{words}; over a rotation alone, the whole training {_change(rest)}." if rest else f"{words}."


def _change(row: DifferenceRow) -> str:
    verb = {BETTER: "gains", WORSE: "loses"}.get(row.verdict, "changes nothing shown:")
    size = abs(row.difference) if verb in {"gains", "loses"} else row.difference
    low, high = (-row.high, -row.low) if verb == "loses" else (row.low, row.high)
    return f"{verb} {size:.3f} ({low:+.3f} to {high:+.3f})"
