"""The sweep: arms x dimensions x precisions x metrics on one corpus, from one encoding, with paired intervals."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import load_vectors
from mrl_demo.core.errors import Cancelled, InvalidDimensionError, LabError
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.core.vectors import check_dimension
from mrl_demo.evaluation.bm25 import bm25_scores
from mrl_demo.evaluation.judged import JudgedSet, judged_set
from mrl_demo.evaluation.measure import FLOAT32, Measured, ValueKey, mean_of, measure_scores, measure_vectors
from mrl_demo.evaluation.metrics import Metric, parse_metric
from mrl_demo.evaluation.results import (
    NO_PRECISION,
    DifferenceRow,
    RetentionRow,
    RowKey,
    SweepArm,
    SweepResult,
    SweepRow,
)
from mrl_demo.evaluation.scoring import n_blocks
from mrl_demo.evaluation.stats import RESAMPLES, PairedBootstrap
from mrl_demo.search.quantised import Precision, parse_precision

logger = logging.getLogger(__name__)

DEFAULT_METRICS = ("ndcg@10", "mrr@10", "recall@10", "map@100", "overlap@10", "rbo@100")
DEFAULT_DIMS = (8, 16, 32, 64, 96, 128, 192, 256, 384)
_LONGER_DIMS = (512, 768, 1024, 1536, 2048, 3072)
_BASE = "base"
_PREPARING = 0.5


def default_dims(full: int) -> tuple[int, ...]:
    """The lengths measured where none are named: nine up to 384, the usual ones above, and the full one."""
    return (*(dim for dim in (*DEFAULT_DIMS, *_LONGER_DIMS) if dim < full), full)


def run_evaluation(
    builder: SpaceBuilder,
    corpus: Corpus,
    arms: Sequence[str],
    dims: Sequence[int] | None = None,
    precisions: Sequence[str] = ("float32",),
    metrics: Sequence[str] = DEFAULT_METRICS,
    progress: Progress | None = None,
    *,
    split: str = "test",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> SweepResult:
    """Measure every arm (any name `resolve_arm` takes, and "bm25") on the judged queries of `corpus`.

    `dims` None means `default_dims` of each arm. What cannot be measured (an arm that fails to load, NaN
    vectors, dimensions above an arm's, queries without judgements) is left out and named in the result's
    `notes`. Raises `LabError` for a wrong metric, precision or dimension, a corpus without queries, or where
    no arm could be measured; and whatever `progress` raises: that cancels.
    """
    plan = _Plan(
        dims=None if dims is None else tuple(sorted({_positive(dim) for dim in dims})),
        precisions=tuple(dict.fromkeys(parse_precision(name) for name in precisions)),
        metrics=tuple(dict.fromkeys(parse_metric(name) for name in metrics)),
        seed=seed,
    )
    started = time.perf_counter()
    judged = judged_set(corpus, split)
    run = _Run(builder, corpus, judged, plan, progress)
    for i, name in enumerate(dict.fromkeys(arms)):
        run.measure_arm(name, i, len(dict.fromkeys(arms)))
    if not run.values:
        raise LabError(" ".join(["No arm could be measured.", *run.notes]))
    return _result(run, PairedBootstrap(len(judged.queries), resamples, seed), started)


@dataclass(frozen=True)
class _Plan:
    dims: tuple[int, ...] | None
    precisions: tuple[Precision, ...]
    metrics: tuple[Metric, ...]
    seed: int


@dataclass
class _Run:
    """What one sweep has gathered so far."""

    builder: SpaceBuilder
    corpus: Corpus
    judged: JudgedSet
    plan: _Plan
    progress: Progress | None
    arms: list[SweepArm] = field(default_factory=list)
    values: dict[RowKey, NDArray[np.float32]] = field(default_factory=dict)
    full: dict[RowKey, NDArray[np.float32]] = field(default_factory=dict)
    bands: dict[RowKey, tuple[float, float]] = field(default_factory=dict)
    rank_dims: dict[str, tuple[int, ...]] = field(default_factory=dict)
    first_ranks: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    preparing_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.notes += self.judged.notes
        if not self.judged.is_judged:
            kept = tuple(metric for metric in self.plan.metrics if metric.is_agreement)
            self.plan = _Plan(self.plan.dims, self.plan.precisions, kept or (Metric("overlap", 10),), self.plan.seed)

    def measure_arm(self, name: str, place: int, of: int) -> None:
        """Measure one arm and keep what it gives; whatever stops it becomes a note, except the wish to cancel."""
        report = _Report(self.progress, place / of, 1 / of, name)
        try:
            arm = resolve_arm(name, self.builder.menu)
            if arm.has_vectors:
                self._measure_vectors(arm, report)
            else:
                self._measure_bm25(arm, report)
        except Exception as error:
            if report.cancelled or isinstance(error, Cancelled):
                raise
            if not isinstance(error, LabError):
                logger.exception("Arm %s failed", name)
            self.notes.append(f"{name} is left out: {error}")

    def _measure_bm25(self, arm: Arm, report: _Report) -> None:
        if not self.judged.is_judged:
            raise LabError("without judgements there is nothing to measure it by.")
        report.expect(len(self.judged.queries))
        blocks = bm25_scores(self.corpus, self.judged.queries)
        measured = measure_scores(blocks, self.judged.relevant, self.plan.metrics, NO_PRECISION, report.tick)
        if not measured.values:
            raise LabError("it has no dimensions, so agreement with the full one says nothing.")
        self.arms.append(SweepArm(arm.name, arm.label, None))
        self._keep(arm.name, measured, set(measured.values))

    def _measure_vectors(self, arm: Arm, report: _Report) -> None:
        plan, queries = self.plan, self.judged.queries
        started = time.perf_counter()
        measured: list[Measured] = []
        for vectors in load_vectors(self.builder, arm, self.corpus, queries, report.preparing()):
            if not measured:
                self.preparing_seconds += time.perf_counter() - started
                full = vectors.documents.shape[1]
                dims = self._dims(arm.name, full)
                blocks = len(dims) * len(plan.precisions) * n_blocks(len(queries), len(self.corpus))
                report.expect(blocks * len(arm.transform.variants()))
            measured.append(
                measure_vectors(
                    vectors, self.judged.relevant, dims, plan.precisions, plan.metrics, report.tick, plan.seed
                )
            )
        self._keep_arm(arm, measured, dims, full)

    def _keep_arm(self, arm: Arm, measured: list[Measured], dims: tuple[int, ...], full: int) -> None:
        """Keep the mean over an arm's variants, and the band they span if there are several."""
        mean = mean_of(measured)
        wanted = {key for key in mean.values if key[0] in dims and parse_precision(key[1]) in self.plan.precisions}
        self.arms.append(SweepArm(arm.name, arm.label, full, arm.trained_dims))
        self._keep(arm.name, mean, wanted)
        self.rank_dims[arm.name], self.first_ranks[arm.name] = mean.rank_dims, mean.first_ranks
        if len(measured) > 1:
            for key in wanted:
                means = [float(each.values[key].mean()) for each in measured]
                self.bands[(arm.name, *key)] = (min(means), max(means))

    def _dims(self, name: str, full: int) -> tuple[int, ...]:
        if self.plan.dims is None:
            return default_dims(full)
        above = [dim for dim in self.plan.dims if dim > full]
        kept = tuple(dim for dim in self.plan.dims if dim <= full)
        if not kept:
            raise InvalidDimensionError(f"its vectors have {full} numbers, fewer than every dimension asked for.")
        if above:
            listed = ", ".join(map(str, above))
            self.notes.append(f"{name} has {full} dimensions: {listed} left out.")
        return kept

    def _keep(self, name: str, measured: Measured, wanted: set[ValueKey]) -> None:
        for key, values in measured.values.items():
            if key in wanted:
                self.values[(name, *key)] = values
            if measured.full_dim is not None and key[:2] == (measured.full_dim, FLOAT32.name):
                self.full[(name, *key)] = values


def _result(run: _Run, bootstrap: PairedBootstrap, started: float) -> SweepResult:
    return SweepResult(
        corpus=run.corpus.name,
        hardware=describe_hardware(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 3),
        preparing_seconds=round(run.preparing_seconds, 3),
        n_queries=len(run.judged.queries),
        n_documents=len(run.corpus),
        arms=tuple(run.arms),
        rows=_rows(run.values, run.bands, bootstrap),
        full=_rows(run.full, {}, bootstrap),
        differences=_differences(run, bootstrap),
        retentions=_retentions(run, bootstrap),
        notes=tuple(run.notes),
        query_ids=tuple(query.id for query in run.judged.queries),
        per_query=run.values,
        rank_dims=run.rank_dims,
        first_ranks=run.first_ranks,
    )


def _rows(
    values: dict[RowKey, NDArray[np.float32]], bands: dict[RowKey, tuple[float, float]], bootstrap: PairedBootstrap
) -> tuple[SweepRow, ...]:
    if not values:
        return ()
    intervals = bootstrap.intervals(np.stack(list(values.values()), axis=1))
    return tuple(
        SweepRow(*key, each.value, each.low, each.high, bootstrap.n_queries, *bands.get(key, (None, None)))
        for key, each in zip(values, intervals, strict=True)
    )


def _differences(run: _Run, bootstrap: PairedBootstrap) -> tuple[DifferenceRow, ...]:
    """Every quality figure against base at the same place and against its own arm uncut, Holm over the dimensions."""
    full = {(key[0], key[3]): (key, values) for key, values in run.full.items()}
    names: list[tuple[str, int, str, str, str]] = []
    columns: list[NDArray[np.float32]] = []
    for key, values in run.values.items():
        arm, dim, precision, metric = key
        if dim is None or parse_metric(metric).is_agreement:
            continue
        base = run.values.get((_BASE, dim, precision, metric))
        if arm != _BASE and base is not None:
            names.append((arm, dim, precision, metric, "base"))
            columns.append(values - base)
        full_key, uncut = full[arm, metric]
        if key != full_key:
            names.append((arm, dim, precision, metric, "full"))
            columns.append(values - uncut)
    if not columns:
        return ()
    families = [(arm, precision, metric, against) for arm, _, precision, metric, against in names]
    found = bootstrap.differences(np.stack(columns, axis=1), families)
    return tuple(
        DifferenceRow(*name, each.value, each.low, each.high, each.p, each.p_holm, each.verdict)
        for name, each in zip(names, found, strict=True)
    )


def _retentions(run: _Run, bootstrap: PairedBootstrap) -> tuple[RetentionRow, ...]:
    full = {(key[0], key[3]): values for key, values in run.full.items()}
    names: list[tuple[str, int, str, str]] = []
    columns: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for (arm, dim, precision, metric), values in run.values.items():
        if dim is not None and not parse_metric(metric).is_agreement and full[arm, metric].any():
            names.append((arm, dim, precision, metric))
            columns.append((values, full[arm, metric]))
    if not columns:
        return ()
    found = bootstrap.ratios(*(np.stack(each, axis=1) for each in zip(*columns, strict=True)))
    return tuple(
        RetentionRow(*name, each.value, each.low, each.high)
        for name, each in zip(names, found, strict=True)
        if np.isfinite(each.high)
    )


class _Report:
    """Progress of one arm within the whole; remembers whether the person asked to stop."""

    def __init__(self, progress: Progress | None, start: float, width: float, arm: str) -> None:
        self._progress, self._start, self._width, self._arm = progress, start, width, arm
        self._steps, self._done = 1, 0
        self.cancelled = False

    def expect(self, steps: int) -> None:
        """Say how many ticks there will be."""
        self._steps = max(1, steps)
        self._say(_PREPARING, f"Measuring {self._arm}")

    def preparing(self) -> Progress | None:
        """Progress for loading and encoding: the first half of the arm's share."""
        if self._progress is None:
            return None
        return lambda share, text: self._say(_PREPARING * share, f"{self._arm}: {text}")

    def tick(self) -> None:
        """One more block is measured."""
        self._done += 1
        share = min(1.0, self._done / self._steps)
        self._say(_PREPARING + (1 - _PREPARING) * share, f"Measuring {self._arm}")

    def _say(self, share: float, text: str) -> None:
        if self._progress is None:
            return
        try:
            self._progress(self._start + self._width * share, text)
        except BaseException:
            self.cancelled = True
            raise


def _positive(dim: int) -> int:
    return check_dimension(dim, 2**31 - 1)
