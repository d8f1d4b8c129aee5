"""What a person asks of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from mrl_demo.models.hub import hub_name


@dataclass(frozen=True)
class Levers:
    """Settings of training that a person moves by hand; None or "" leaves one as the preset has it.

    >>> Levers(loss="hinge", lora_rank=0).arguments()
    ['--loss=hinge', '--lora-rank=0']
    """

    loss: str = ""
    batch_size: int | None = None
    lora_rank: int | None = None
    weighting: str = ""
    drawn_lengths: int | None = None
    spread_weight: float | None = None
    averaged: float | None = None
    margin: float | None = None
    anchor_weight: float | None = None
    axes: str = ""
    spare_likely: bool = False

    def arguments(self) -> list[str]:
        """Arguments of `training train`, of the levers that were moved."""
        values = {lever.name: getattr(self, lever.name) for lever in fields(self) if lever.name != "spare_likely"}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value not in (None, "")]
        return [*flags, *(["--spare-likely"] if self.spare_likely else [])]


@dataclass(frozen=True)
class TrainRequest:
    """What a person asks for; texts go to `python -m training train` as they are, which checks them.

    `data` is "builtin", "preset" (the preset's own) or the path of an uploaded file; `steps` None is
    as many as the preset says. `base` is "" (the preset's) or `OWNER/NAME[@REVISION]` on the Hub. `is_broad` learns
    from the owner's folder of broad pairs too.
    """

    name: str
    preset: str = "builtin"
    data: str | Path = "builtin"
    dims: tuple[int, ...] = ()
    weights: str = ""
    steps: int | None = None
    base: str = ""
    query_column: str = ""
    positive_column: str = ""
    negative_column: str = ""
    score_column: str = ""
    is_broad: bool = False
    levers: Levers = field(default_factory=Levers)

    def arguments(self, data: Path | None = None, broad_pairs: str = "") -> list[str]:
        """Arguments of `training train`, each as `--flag=value`, so that no value can pass for a flag."""
        flags = [f"--preset={self.preset}", f"--name={self.name}"]
        flags += [f"--data={data}"] if data else []
        flags += [f"--pairs={broad_pairs}"] if self.is_broad else []
        if self.base:
            flags += [
                f"--{flag}={value}" for flag, value in zip(("base", "revision"), hub_name(self.base), strict=True)
            ]
        flags += [f"--dims={','.join(map(str, self.dims))}"] if self.dims else []
        flags += [f"--weights={self.weights}"] if self.weights.strip() else []
        for role in ("query", "positive", "negative", "score"):
            column = getattr(self, f"{role}_column").strip()
            flags += [f"--{role}-column={column}"] if column else []
        flags += [f"--steps={self.steps}"] if self.steps is not None else []
        return flags + self.levers.arguments()
