"""What one visitor asks of a training run, and what their page shows of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from mrl_demo.core.errors import LabError
from mrl_demo.jobs.request import Levers, TrainRequest
from mrl_demo.ui.shared.visit import Visit
from mrl_demo.ui.train.presets import choice_named

#: What teaching layers has not: every lever but these two, and parallel pairs.
_ONLY_PAIRS = (*(lever.name for lever in fields(Levers) if lever.name not in {"batch_size", "lora_rank"}), "parallel")
BUILTIN, OWN, MINE = "builtin", "own", "mine"


@dataclass(frozen=True)
class TrainState:
    """All that the tab's settings hold, as the browser sends it."""

    kind: str
    upload: str | None
    preset: str
    name: str | None
    dims: Sequence[int] | None
    weights: str | None
    steps: float | None
    base: str | None
    query_column: str | None = None
    positive_column: str | None = None
    negative_column: str | None = None
    score_column: str | None = None
    is_broad: bool | None = False
    loss: str | None = ""
    lora_rank: str | None = ""
    weighting: str | None = ""
    batch_size: float | None = 0
    drawn_lengths: float | None = 0
    spread_weight: float | None = 0
    hierarchy_weight: float | None = 0
    averaged: float | None = 0
    margin: float | None = 0
    anchor_weight: float | None = 0
    axes: str | None = ""
    spare_likely: bool | None = False
    layers: bool | None = False
    teacher: str | None = ""
    parallel: str | None = None
    visit: Visit | None = None

    def request(self) -> TrainRequest:
        """The run they ask for; raises `LabError` for what no control of ours sends."""
        is_own = self.kind == OWN
        if is_own and not self.upload:
            raise LabError("Choose your file first: JSONL or CSV with a question and its answer in every row.")
        shipped = "builtin" if choice_named(str(self.preset)).is_builtin else "preset"
        return TrainRequest(
            name=_text(self.name).lower(),
            preset=str(self.preset),
            data=Path(str(self.upload)) if is_own else shipped,
            dims=self._lengths(),
            weights=self._weights(),
            steps=self._steps(),
            base=_text(self.base),
            query_column=(self.query_column or "") if is_own else "",
            positive_column=(self.positive_column or "") if is_own else "",
            negative_column=(self.negative_column or "") if is_own else "",
            score_column=(self.score_column or "") if is_own else "",
            is_broad=bool(self.is_broad) or choice_named(str(self.preset)).needs_broad_pairs,
            levers=self._levers(),
            layers=self._teaches_layers(),
            parallel=Path(self.parallel) if self.parallel else None,
        )

    def _levers(self) -> Levers:
        """What was moved; 0 and an empty choice leave a lever as the preset has it."""
        return Levers(
            loss=_text(self.loss),
            batch_size=self._whole("batch_size"),
            lora_rank=int(self.lora_rank) if self.lora_rank and self.lora_rank.isdigit() else None,
            weighting=_text(self.weighting),
            drawn_lengths=self._whole("drawn_lengths"),
            spread_weight=self.spread_weight or None,
            hierarchy_weight=self.hierarchy_weight or None,
            averaged=self.averaged or None,
            margin=self.margin or None,
            anchor_weight=self.anchor_weight or None,
            axes=_text(self.axes),
            spare_likely=bool(self.spare_likely),
            teacher=_text(self.teacher),
        )

    def _teaches_layers(self) -> bool:
        """Whether every layer is taught; raises `LabError` for settings that have no place there."""
        if not self.layers:
            return False
        moved = {name: getattr(self, name) for name in (*_ONLY_PAIRS, "weights")}
        if wrong := [name for name, value in moved.items() if value]:
            raise LabError("Layers are taught by the base model alone, without this: leave it as it is.").about(
                wrong[0]
            )
        if self.lora_rank == "0":
            raise LabError("Layers are taught with a LoRA: choose a rank.").about("lora_rank")
        return True

    def _whole(self, name: str) -> int | None:
        value = getattr(self, name)
        try:
            return int(value or 0) or None
        except (TypeError, ValueError, OverflowError):
            raise LabError(f"{value!r} is no whole number.").about(name) from None

    def _lengths(self) -> tuple[int, ...]:
        try:
            lengths = tuple(sorted({int(dim) for dim in self.dims or ()}))
        except (TypeError, ValueError, OverflowError):
            raise LabError("Lengths are whole numbers: choose some of the list.").about("dims") from None
        if not lengths:
            raise LabError("Choose at least one length.")
        return lengths

    def _weights(self) -> str:
        """The weights with commas between them, as many as lengths; "" for none."""
        given = _with_commas(self.weights)
        if not given:
            return ""
        try:
            count = len([float(weight) for weight in given.split(",")])
        except ValueError:
            raise LabError(f"“{self.weights}” is no list of numbers: write it as in 2, 1, 1.").about(
                "weights"
            ) from None
        if count != len(self._lengths()):
            words = f"{count} numbers for {len(self._lengths())} lengths: give one for each length that is ticked."
            raise LabError(words).about("weights")
        return given

    def _steps(self) -> int | None:
        return self._whole("steps")


@dataclass(frozen=True)
class Drawn:
    """What a visitor's page shows, so that charts are sent again only when they changed."""

    job: str = ""
    status: str = ""
    steps: int = 0
    validations: int = 0
    kept: float | None = None


@dataclass(frozen=True)
class WatchState:
    """The run that is chosen, and what is drawn of it."""

    chosen: str | None
    drawn: Drawn | None = None
    share: float | None = None


def _text(value: str | None) -> str:
    return (value or "").strip()


def _with_commas(weights: str | None) -> str:
    """Numbers between spaces, commas or semicolons as the command line takes them: commas alone."""
    return ",".join(re.split(r"[\s,;]+", _text(weights)))
