"""What a person asks of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from mrl_demo.models.files.hub import hub_name

#: What a run of the page that teaches layers takes if nobody names steps: what fits, and no longer than this.
ELASTIC_STEPS, ELASTIC_MINUTES = 1_500, 25


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
    hierarchy_weight: float | None = None
    averaged: float | None = None
    margin: float | None = None
    anchor_weight: float | None = None
    axes: str = ""
    spare_likely: bool = False
    teacher: str = ""

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
    from the owner's folder of broad pairs too. `layers` teaches every layer instead (`training elastic`). `parallel` is
    an uploaded file of texts and their translations.
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
    layers: bool = False
    parallel: Path | None = None

    @property
    def command(self) -> str:
        """The command of `training` that carries it out."""
        return "elastic" if self.layers else "train"

    def arguments(self, data: Path | None = None, broad_pairs: str = "", parallel: Path | None = None) -> list[str]:
        """Arguments of its `command`, each as `--flag=value`, so that no value can pass for a flag."""
        if self.layers:
            return self._elastic_arguments(data, broad_pairs)
        flags = [f"--preset={self.preset}", f"--name={self.name}"]
        flags += [f"--data={data}"] if data else []
        flags += [f"--pairs={broad_pairs}"] if self.is_broad else []
        flags += [f"--parallel={parallel}"] if parallel else []
        flags += self._base_and_lengths()
        flags += [f"--weights={self.weights}"] if self.weights.strip() else []
        flags += self._columns()
        flags += [f"--steps={self.steps}"] if self.steps is not None else []
        return flags + self.levers.arguments()

    def _elastic_arguments(self, data: Path | None, broad_pairs: str) -> list[str]:
        """Arguments of `training elastic`; within `ELASTIC_MINUTES`, as many steps as fit if none are named."""
        steps = ELASTIC_STEPS if self.steps is None else self.steps
        flags = [f"--name={self.name}", f"--steps={steps}", f"--minutes={ELASTIC_MINUTES}"]
        flags += [f"--data={data}"] if data else []
        flags += [f"--pairs={broad_pairs}"] if self.is_broad else []
        return [*flags, *self._base_and_lengths(), *self._columns(), *self.levers.arguments()]

    def _base_and_lengths(self) -> list[str]:
        names = hub_name(self.base) if self.base else ()
        flags = [f"--{flag}={value}" for flag, value in zip(("base", "revision"), names, strict=False)]
        return flags + ([f"--dims={','.join(map(str, self.dims))}"] if self.dims else [])

    def _columns(self) -> list[str]:
        columns = {role: getattr(self, f"{role}_column").strip() for role in ("query", "positive", "negative", "score")}
        return [f"--{role}-column={column}" for role, column in columns.items() if column]
