"""The stages of a funnel: how many numbers each reads, and how many documents it lets through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.core.vectors import check_dimension
from mrl_demo.search.quantised import bytes_per_vector, parse_precision

_STAGE = re.compile(r"(?:([a-z0-9-]+)@)?(\d+):(\d+)")
#: The cascade of the MRL paper's section 4.3, for 384 numbers; a longer vector ends at its own full length.
PAPER_STAGES = ((16, 400), (32, 200), (64, 100), (128, 50))
_FLOAT32 = "float32"


class StageError(LabError, ValueError):
    """Stages that make no funnel."""


@dataclass(frozen=True)
class FunnelStage:
    """Let the best `keep` documents by their cosine at `dim` numbers through; only a first stage has coarser codes.

    >>> FunnelStage(64, 400, "int8").name
    'int8@64:400'
    """

    dim: int
    keep: int
    precision: str = _FLOAT32

    @property
    def name(self) -> str:
        """The text that `parse_cascade` reads."""
        coarse = "" if self.precision == _FLOAT32 else f"{self.precision}@"
        return f"{coarse}{self.dim}:{self.keep}"


@dataclass(frozen=True)
class Cascade:
    """Stages that read more numbers of fewer documents; the first goes through all of them.

    Raises `StageError` for stages that are out of order.

    >>> cascade = Cascade((FunnelStage(16, 400), FunnelStage(64, 100), FunnelStage(384, 10)))
    >>> cascade.name, cascade.bytes_read(1_000_000)
    ('16:400,64:100,384:10', 64204800)
    >>> Cascade((FunnelStage(64, 100), FunnelStage(16, 10)))
    Traceback (most recent call last):
        ...
    mrl_demo.search.cascade.StageError: Stage 2 reads 16 numbers after 64: give every stage more than the one before.
    """

    stages: tuple[FunnelStage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise StageError("A funnel needs a stage: give one or more, as in 64:100,384:10.")
        for place, stage in enumerate(self.stages, start=1):
            _check_stage(place, stage)
            if place > 1:
                _check_order(place, self.stages[place - 2], stage)

    @property
    def name(self) -> str:
        """The text that `parse_cascade` reads."""
        return ",".join(stage.name for stage in self.stages)

    @property
    def is_float32(self) -> bool:
        """Whether every stage compares float32 numbers, so that what it drops has a bound."""
        return self.stages[0].precision == _FLOAT32

    def check(self, full: int, k: int) -> None:
        """Raise `InvalidDimensionError` for stages above `full` numbers, `StageError` if fewer than `k` come out."""
        for stage in self.stages:
            check_dimension(stage.dim, full)
        if self.stages[-1].keep < k:
            raise StageError(
                f"The last stage lets {self.stages[-1].keep} documents through, fewer than the {k} results asked for: "
                f"let {k} or more through."
            )

    def stage_bytes(self, n: int) -> tuple[int, ...]:
        """Bytes that each stage reads of `n` documents' vectors; later stages read only the numbers not read before."""
        first = self.stages[0]
        read, entering = [n * bytes_per_vector(first.precision, first.dim)], min(n, first.keep)
        before = first.dim if self.is_float32 else 0
        for stage in self.stages[1:]:
            read.append(4 * entering * (stage.dim - before))
            before, entering = stage.dim, min(entering, stage.keep)
        return tuple(read)

    def bytes_read(self, n: int) -> int:
        """Bytes that a search reads of `n` documents' vectors."""
        return sum(self.stage_bytes(n))


def parse_cascade(text: str, full: int) -> Cascade:
    """Read "DIM:KEEP" stages with commas between them, the first perhaps "PRECISION@DIM:KEEP"; "full" is a length.

    Raises `StageError` and `PrecisionError`.

    >>> parse_cascade("binary@384:400, full:10", full=768).name
    'binary@384:400,768:10'
    """
    stages = []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        match = _STAGE.fullmatch(part.replace("full", str(full)))
        if match is None:
            raise StageError(f"{part!r} is no stage: write numbers and documents as in 64:100, or binary@384:400.")
        stages.append(FunnelStage(int(match[2]), int(match[3]), match[1] or _FLOAT32))
    return Cascade(tuple(stages))


def paper_cascade(full: int, k: int = 10) -> Cascade:
    """The lengths 16, 32, 64 and 128 with 400, 200, 100 and 50 documents, if `full` has them, then the full one."""
    return Cascade(
        (*(FunnelStage(dim, max(keep, k)) for dim, keep in PAPER_STAGES if dim < full), FunnelStage(full, k))
    )


def two_stage_cascades(
    full: int, dims: Sequence[int], keeps: Sequence[int], precisions: Sequence[str], k: int = 10
) -> tuple[Cascade, ...]:
    """One shortlist and the full length, for every combination; coarse codes also at the full length."""
    return tuple(
        Cascade((FunnelStage(dim, max(keep, k), precision), FunnelStage(full, k)))
        for precision in precisions
        for dim in dims
        for keep in keeps
        if dim < full or (precision != _FLOAT32 and dim == full)
    )


def _check_stage(place: int, stage: FunnelStage) -> None:
    if stage.dim < 1 or stage.keep < 1:
        raise StageError(f"Stage {place} is {stage.name}: its numbers and its documents must be 1 or more.")
    precision = parse_precision(stage.precision)
    if precision.rescored:
        raise StageError(f"Stage {place} is stored in {precision.name}: the next stage rescores, name the codes alone.")
    if place > 1 and stage.precision != _FLOAT32:
        raise StageError(f"Stage {place} reads {stage.precision} codes: only the first stage can, the others float32.")


def _check_order(place: int, before: FunnelStage, stage: FunnelStage) -> None:
    is_same_codes = before.precision == stage.precision
    if stage.dim < before.dim or (stage.dim == before.dim and is_same_codes):
        says = f"Stage {place} reads {stage.dim} numbers after {before.dim}: give every stage more than the one before."
        raise StageError(says)
    if stage.keep > before.keep:
        raise StageError(
            f"Stage {place} lets {stage.keep} documents through after {before.keep}: give no stage more than the one "
            "before."
        )
