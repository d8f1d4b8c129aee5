"""What a person asks of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mrl_demo.models.hub import hub_name


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
        return flags + ([f"--steps={self.steps}"] if self.steps is not None else [])
