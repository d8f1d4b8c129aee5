"""The ordinary result of an evaluation, and how it changes as the collection grows, out of folders of shards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.shards import ShardError, ShardFolder
from mrl_demo.core.types import Progress
from mrl_demo.evaluation.judging.metrics import Metric
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.figures import UnitFigures, difference_rows, interval_rows, retention_rows
from mrl_demo.evaluation.sweeps.measure import FLOAT32, Values
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import RetentionRow, RowKey, SweepArm, SweepResult, SweepRow
from mrl_demo.scale.questions import ShardQuestions
from mrl_demo.scale.scan import ShardScan, rescored_by_float32
from mrl_demo.scale.scorer import BlockScorer

_AGREEMENT_ALONE = "No question has an answer that was judged: only agreement with the full ranking can be measured."


@dataclass(frozen=True)
class GrowthPoint:
    """The figures as they were when the collection ended after `n` rows, with the share of full length kept."""

    n: int
    rows: tuple[SweepRow, ...]
    retentions: tuple[RetentionRow, ...]

    def retention(self, arm: str, dim: int, metric: str, precision: str = "float32") -> RetentionRow | None:
        """The share kept at a length, None if it was not measured."""
        wanted = (arm, dim, precision, metric)
        return next((row for row in self.retentions if row.key == wanted), None)


@dataclass(frozen=True)
class ShardedResult:
    """What a pass over shards measured: the `sweep` over all rows, and `growth` at each smaller size and at the end."""

    sweep: SweepResult
    growth: tuple[GrowthPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """The sweep's JSON types, with "growth"."""
        return self.sweep.to_dict() | {"growth": [asdict(point) for point in self.growth]}


@dataclass(frozen=True)
class _Scanned:
    """One folder's values at every size."""

    arm: SweepArm
    dims: tuple[int, ...]
    values: dict[int, Values]
    notes: tuple[str, ...]


def evaluate_shards(
    folders: Sequence[Path],
    plan: SweepPlan,
    sizes: Sequence[int] = (),
    keep_in: Path | None = None,
    progress: Progress | None = None,
) -> ShardedResult:
    """Measure folders of shards, one arm each over the same rows and questions; the plan's `arms` are not looked at.

    Exact, and equal to an ordinary evaluation of the same vectors. Memory holds one block, and the first documents of
    every ranking. `sizes` are row counts at which to measure on the way. An unfinished pass is kept in `keep_in` and
    goes on there. Raises `ShardError` for folders that do not fit each other, `LabError` for precisions that int8
    rescores, metrics without a depth, and for what cannot be measured.
    """
    started = time.perf_counter()
    opened = [ShardFolder.open(folder) for folder in folders]
    asked = [ShardQuestions.read(shards.folder, shards.dimension, shards.n) for shards in opened]
    _check_alike(opened, asked)
    questions = [each.draw(plan.queries, plan.seed) for each in asked]
    metrics, notes = _possible(plan, questions[0])
    sizes = tuple(sorted({size for size in sizes if 0 < size < opened[0].n}))
    scanned = []
    for i, (shards, drawn) in enumerate(zip(opened, questions, strict=True)):
        part = _part_of_all(progress, i, len(opened))
        scanned.append(_scan(shards, drawn, plan, metrics, sizes, keep_in, part))
    figures = {n: _figures(scanned, n, plan) for n in (*sizes, opened[0].n)}
    notes += tuple(dict.fromkeys(note for shards in opened for note in shards.about.notes))
    notes += tuple(note for each in scanned for note in each.notes)
    growth = (GrowthPoint(n, interval_rows(f.values, {}, f.bootstrap), retention_rows(f)) for n, f in figures.items())
    sweep = _sweep_result(opened[0], scanned, figures[opened[0].n], plan, notes)
    seconds = round(time.perf_counter() - started, 3)
    return ShardedResult(replace(sweep, query_ids=questions[0].ids, seconds=seconds), tuple(growth))


def _check_alike(opened: Sequence[ShardFolder], asked: Sequence[ShardQuestions]) -> None:
    """Raise `ShardError` unless all folders have the same rows, questions and answers, and names of their own."""
    if not opened:
        raise ShardError("No folder of shards is named: write one with mrl embed --shards FOLDER.")
    first = asked[0]
    for shards, questions in zip(opened[1:], asked[1:], strict=True):
        pairs = ((each.relevant.query, each.relevant.document) for each in (first, questions))
        is_same = all(np.array_equal(one, other) for one, other in zip(*pairs, strict=True))
        if shards.n != opened[0].n or questions.ids != first.ids or not is_same:
            raise ShardError(
                f"{shards.folder} has other rows or questions than {opened[0].folder}: folders that are measured "
                "together are of one collection."
            )
    names = [shards.about.arm for shards in opened]
    if len(set(names)) < len(names):
        raise ShardError(f"Two folders are of one arm ({', '.join(names)}): name each once.")


def _possible(plan: SweepPlan, questions: ShardQuestions) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    """The plan's metrics that there are answers for, and what is to be said of the others."""
    probes = [metric.name for metric in plan.probe_metrics()]
    notes = [f"{', '.join(probes)} cannot be measured over shards, which have no labels."] if probes else []
    metrics = plan.ranking_metrics()
    if not questions.is_judged:
        metrics = tuple(metric for metric in metrics if metric.is_agreement) or (Metric("overlap", 10),)
        notes.append(_AGREEMENT_ALONE)
    if not metrics:
        raise LabError(" ".join([*notes, "Name a metric of rankings, as in ndcg@10."]))
    return metrics, tuple(notes)


def _scan(
    shards: ShardFolder,
    questions: ShardQuestions,
    plan: SweepPlan,
    metrics: tuple[Metric, ...],
    sizes: tuple[int, ...],
    keep_in: Path | None,
    progress: Progress | None,
) -> _Scanned:
    dims = plan.dims_of(shards.dimension)
    if not dims:
        raise LabError(
            f"{shards.about.arm} has {shards.dimension} numbers, fewer than {min(plan.dims or (0,))}, the shortest "
            "length asked for."
        )
    precisions = plan.parsed_precisions()
    scorer = BlockScorer.fit(questions.vectors, dims, precisions, shards.read_rows, shards.n, plan.seed)
    scan = ShardScan(shards, questions, scorer, metrics, rescored_by_float32(precisions), sizes, keep_in)
    about = shards.about
    arm = SweepArm(about.arm, about.arm, shards.dimension, about.trained_dims)
    return _Scanned(arm, dims, scan.run(progress), _cut_notes(about.arm, scan))


def _cut_notes(arm: str, scan: ShardScan) -> tuple[str, ...]:
    """What is to be said of lists that are shorter than an ordinary evaluation would have them."""
    notes = []
    if cut := {key: count for key, count in scan.cut_shortlists.items() if count}:
        settings = ", ".join(f"{dim} {precision.name}" for precision, dim in cut)
        notes.append(
            f"{arm}: more documents tie with the last of a shortlist than a list has room for, for up to "
            f"{max(cut.values()):,} questions ({settings}): the first of them in the collection's order are rescored."
        )
    if scan.cut_references:
        notes.append(
            f"{arm}: more documents tie in the full ranking's first places than a list has room for, for "
            f"{scan.cut_references:,} questions: their agreement is with the first of them."
        )
    return tuple(notes)


def _figures(scanned: Sequence[_Scanned], n: int, plan: SweepPlan) -> UnitFigures:
    """All arms' values at one size, as what intervals, differences and shares are made of."""
    values: dict[RowKey, NDArray[np.float32]] = {}
    full: dict[RowKey, NDArray[np.float32]] = {}
    precisions = {precision.name for precision in plan.parsed_precisions()}
    for each in scanned:
        for key, value in each.values[n].items():
            if key[0] in each.dims and key[1] in precisions:
                values[(each.arm.name, *key)] = value
            if key[:2] == (each.arm.full_dim, FLOAT32.name):
                full[(each.arm.name, *key)] = value
    n_queries = len(next(iter(full.values())))
    return UnitFigures(values, full, PairedBootstrap(n_queries, plan.resamples, plan.seed))


def _sweep_result(
    shards: ShardFolder, scanned: Sequence[_Scanned], figures: UnitFigures, plan: SweepPlan, notes: tuple[str, ...]
) -> SweepResult:
    return SweepResult(
        corpus=shards.about.corpus or shards.folder.resolve().name,
        hardware=describe_hardware(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        n_queries=figures.bootstrap.n_queries,
        n_documents=shards.n,
        arms=tuple(each.arm for each in scanned),
        rows=interval_rows(figures.values, {}, figures.bootstrap),
        full=interval_rows(figures.full, {}, figures.bootstrap),
        differences=difference_rows(figures, plan.against),
        retentions=retention_rows(figures),
        notes=notes,
        stand_ins=shards.about.stand_ins,
        per_query=figures.values,
        full_values=figures.full,
    )


def _part_of_all(progress: Progress | None, number: int, count: int) -> Progress | None:
    if progress is None:
        return None
    return lambda share, line: progress((number + share) / count, line)
