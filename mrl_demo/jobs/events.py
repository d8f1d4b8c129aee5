"""What a training run tells of its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Step:
    """One optimiser step; `task` names the data the batch came from."""

    step: int
    loss: float
    task: str = ""
    by_dim: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Step:
        """Read an event."""
        return cls(int(event["step"]), float(event["loss"]), str(event["task"]), _by_dim(event["loss_by_dim"]))


@dataclass(frozen=True)
class Validation:
    """Mean nDCG@10 by prefix after a step; step 0 is the base model."""

    step: int
    ndcg: dict[int, float]


@dataclass(frozen=True)
class Progressed:
    """What a run has reported so far."""

    steps: tuple[Step, ...] = ()
    validations: tuple[Validation, ...] = ()
    base: Validation | None = None
    of: int = 0
    seconds_left: float | None = None

    @property
    def step(self) -> int:
        """Steps done."""
        return self.steps[-1].step if self.steps else 0

    def after(self, event: Mapping[str, Any]) -> Progressed:
        """Itself with what an event says, its loss aside; raises what a malformed one raises."""
        kind = event.get("kind")
        if kind == "base":
            return replace(self, base=Validation(0, _by_dim(event["ndcg"])))
        now = replace(self, of=int(event["of"]), seconds_left=float(event["seconds_left"]))
        if kind == "validation":
            return replace(now, validations=(*self.validations, Validation(int(event["step"]), _by_dim(event["ndcg"]))))
        return now


def _by_dim(raw: Mapping[str, Any]) -> dict[int, float]:
    return {int(dim): float(value) for dim, value in sorted(raw.items(), key=lambda item: int(item[0]))}
