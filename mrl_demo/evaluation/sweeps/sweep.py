"""The sweep: arms x dimensions x precisions x metrics on one corpus, from one encoding, with paired intervals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import ArmCodes, ArmVectors, load_codes, load_vectors
from mrl_demo.core.errors import Cancelled, CorpusError, InvalidDimensionError, LabError
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import Corpus, FloatMatrix, IntMatrix, Note, Progress
from mrl_demo.corpora.labels.split import LabelledRows, labels_of
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.evaluation.judging.agreement import few_documents_words
from mrl_demo.evaluation.judging.judged import JudgedSet, judged_set, no_queries, no_query_text
from mrl_demo.evaluation.judging.metrics import Metric
from mrl_demo.evaluation.probes import (
    ProbeMetric,
    ProbeRow,
    check_pairs,
    classification_by_dimension,
    mean_of_rows,
    spearman_by_dimension,
    value_by_chance,
)
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.bm25 import bm25_scores
from mrl_demo.evaluation.sweeps.figures import UnitFigures, difference_rows, interval_rows, retention_rows
from mrl_demo.evaluation.sweeps.measure import (
    FLOAT32,
    Measured,
    ValueKey,
    mean_of,
    measure_codes,
    measure_scores,
    measure_vectors,
)
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import (
    NO_PRECISION,
    ClassTask,
    RowKey,
    SweepArm,
    SweepResult,
    SweepRow,
)
from mrl_demo.evaluation.sweeps.scoring import n_blocks
from mrl_demo.search.quantised import parse_precision

logger = logging.getLogger(__name__)

_PREPARING = 0.5


@dataclass(frozen=True)
class Contender:
    """Something to measure: vectors (several sets of them for an arm of seeds), sparse codes, or scores alone.

    `vectors` and `pairs` load in the corpus' own order; `pairs` are those of the corpus' scored pairs. `notes` says,
    once they are loaded, what the model does not read of the texts.
    """

    name: str
    label: str
    trained_dims: tuple[int, ...] = ()
    seeds: int = 1
    vectors: Callable[[Progress | None], Iterator[ArmVectors]] | None = None
    scores: Callable[[], Iterator[tuple[int, FloatMatrix]]] | None = None
    pairs: Callable[[], ArmVectors] | None = None
    codes: Callable[[Progress | None], ArmCodes] | None = None
    notes: Callable[[], tuple[Note, ...]] = tuple


def evaluate(builder: SpaceBuilder, corpus: Corpus, plan: SweepPlan, progress: Progress | None = None) -> SweepResult:
    """Measure the arms of `plan` on `corpus`; figures do not depend on the order of documents, queries or judgements.

    What cannot be measured (an arm that fails to load, NaN vectors, dimensions above an arm's, queries without
    judgements, labels that a corpus lacks) is left out and named in the result's `notes`. Raises `ModelError` for an
    arm that there is not, `CorpusError` for metrics of rankings over a corpus without queries, `LabError` if nothing
    could be measured; and whatever `progress` raises: that cancels.
    """
    arms = {name: resolve_arm(name, builder.menu) for name in plan.arms}
    run = _start(corpus, plan, progress)
    for i, (name, arm) in enumerate(arms.items()):
        report = _Report(progress, i / len(arms), 1 / len(arms), name)
        run.measure(name, lambda arm=arm: _contender(builder, run, arm), report)  # type: ignore[misc]
    return run.result()


def sweep_vectors(corpus: Corpus, plan: SweepPlan, arms: Mapping[str, ArmVectors]) -> SweepResult:
    """The same for vectors at hand: queries in the order of `judged_set`, documents in the corpus'."""
    judged = judged_set(corpus, plan.split, plan.queries, plan.seed)
    run = _start(corpus, plan)
    place = {query.id: row for row, query in enumerate(judged.queries)}
    rows = [place[query.id] for query in run.judged.queries]
    for name, vectors in arms.items():
        chosen = ArmVectors(vectors.queries[rows], vectors.documents)
        contender = Contender(name, name, vectors=lambda _, chosen=chosen: iter([chosen]))  # type: ignore[misc]
        run.measure(name, lambda contender=contender: contender, _Report(None, 0, 1, name))  # type: ignore[misc]
    return run.result()


def _start(corpus: Corpus, plan: SweepPlan, progress: Progress | None = None) -> _Run:
    """A run over the corpus with documents and queries in canonical order."""
    order = canonical_order(corpus.documents)
    queries = tuple(corpus.queries[row] for row in canonical_order(corpus.queries))
    ordered = replace(corpus, documents=tuple(corpus.documents[row] for row in order), queries=queries)
    are_ranked = bool(plan.ranking_metrics()) and (bool(queries) or not plan.probe_metrics())
    if plan.split or are_ranked:
        judged = judged_set(ordered, plan.split, plan.queries, plan.seed)
    else:
        judged = no_queries(ordered)
    return _Run(corpus, ordered, order, judged, plan, progress)


def _contender(builder: SpaceBuilder, run: _Run, arm: Arm) -> Contender:
    """An arm as something to measure over the run's corpus and queries."""
    if not arm.has_vectors:
        return Contender(arm.name, arm.label, scores=lambda: bm25_scores(run.corpus, run.judged.queries))
    limited = builder.with_token_limit(arm, run.plan.max_tokens)
    original = run.original
    if arm.is_sparse:
        return Contender(
            arm.name,
            arm.label,
            codes=lambda progress: load_codes(builder, limited, original, run.judged.queries, progress),
            notes=lambda: builder.notes(limited.encoder, original),
        )
    return Contender(
        name=arm.name,
        label=arm.label,
        trained_dims=arm.trained_dims,
        seeds=len(arm.transform.variants()),
        vectors=lambda progress: load_vectors(builder, limited, original, run.judged.queries, progress),
        pairs=lambda: _pair_vectors(builder, limited, original),
        notes=lambda: builder.notes(limited.encoder, original),
    )


def _pair_vectors(builder: SpaceBuilder, arm: Arm, corpus: Corpus) -> ArmVectors:
    """First and second texts of the corpus' scored pairs in the arm's space."""
    space = builder.space(arm, corpus)
    sides = [builder.texts(arm.encoder, [getattr(pair, side) for pair in corpus.pairs]) for side in ("first", "second")]
    first, second = (space.map_queries(side) for side in sides)
    return ArmVectors(first, second)


@dataclass
class _Run:
    """What one sweep has gathered so far.

    `original` is the corpus in its file's order, by which vectors are cached and shipped; `order` has put its documents
    where they are in `corpus`.
    """

    original: Corpus
    corpus: Corpus
    order: IntMatrix
    judged: JudgedSet
    plan: SweepPlan
    progress: Progress | None
    started: float = field(default_factory=time.perf_counter)
    arms: list[SweepArm] = field(default_factory=list)
    values: dict[RowKey, NDArray[np.float32]] = field(default_factory=dict)
    full: dict[RowKey, NDArray[np.float32]] = field(default_factory=dict)
    probes: dict[RowKey, ProbeRow] = field(default_factory=dict)
    bands: dict[RowKey, tuple[float, float]] = field(default_factory=dict)
    rank_dims: dict[str, tuple[int, ...]] = field(default_factory=dict)
    first_ranks: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    preparing_seconds: float = 0.0
    metrics: tuple[Metric, ...] = ()
    probe_metrics: tuple[ProbeMetric, ...] = ()
    labels: dict[str, LabelledRows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.notes += self.judged.notes
        self.metrics = self._possible_metrics()
        self.probe_metrics = self._possible_probes()
        if not self.metrics and not self.probe_metrics:
            raise CorpusError(" ".join(self.left_out))
        self.notes += self.left_out
        depths = [metric.k or 0 for metric in self.metrics if metric.kind == "overlap"]
        self.notes += filter(None, [few_documents_words(len(self.corpus), max(depths, default=0))])

    def _possible_metrics(self) -> tuple[Metric, ...]:
        """The plan's metrics of rankings that the queries allow: without judgements, agreement alone."""
        metrics = self.plan.ranking_metrics()
        if metrics and not self.judged.queries:
            self._leave_out([metric.name for metric in metrics], no_query_text(self.corpus))
            return ()
        if metrics and not self.judged.is_judged:
            return tuple(metric for metric in metrics if metric.is_agreement) or (Metric("overlap", 10),)
        return metrics

    def _possible_probes(self) -> tuple[ProbeMetric, ...]:
        """The plan's metrics of labels and pairs that the corpus has, before anything is encoded for them."""
        possible = []
        for metric in self.plan.probe_metrics():
            try:
                if metric.kind == "spearman":
                    check_pairs(self.corpus)
                elif metric.label not in self.labels:
                    self.labels[metric.label] = labels_of(self.corpus, metric.label)
                    self.notes += self.labels[metric.label].notes
                possible.append(metric)
            except CorpusError as error:
                self._leave_out([metric.name], str(error))
        return tuple(possible)

    def class_tasks(self) -> tuple[ClassTask, ...]:
        """What the metrics of classes are measured on."""
        tasks = []
        for metric in self.probe_metrics:
            if metric.probe == "pairs":
                continue
            rows = self.labels[metric.label]
            classes = len(np.unique(rows.classes[rows.classes >= 0]))
            chance = value_by_chance(rows, metric.kind)
            learned = min(len(rows.train), classes * metric.shots) if metric.shots else len(rows.train)
            tasks.append(ClassTask(metric.name, classes, learned, len(rows.test), chance, rows.apart_by))
        return tuple(tasks)

    def _leave_out(self, metrics: Sequence[str], why: str) -> None:
        self.left_out.append(f"{', '.join(metrics)} {'is' if len(metrics) == 1 else 'are'} left out: {why}")

    def measure(self, name: str, find: Callable[[], Contender], report: _Report) -> None:
        """Measure one contender and keep its figures; whatever stops it becomes a note, except the wish to cancel."""
        try:
            contender = find()
            if contender.scores is not None:
                self._measure_scores(contender, report)
            elif contender.codes is not None:
                self._measure_codes(contender, contender.codes, report)
            else:
                self._measure_vectors(contender, report)
        except Exception as error:
            if report.cancelled or isinstance(error, Cancelled):
                raise
            if not isinstance(error, LabError):
                logger.exception("Arm %s failed", name)
            self.notes.append(f"{name} is left out: {error}")

    def result(self) -> SweepResult:
        """Everything with intervals and paired differences; raises `LabError` if nothing was measured."""
        if not self.values and not self.probes:
            raise LabError(" ".join(["No arm could be measured.", *self.notes]))
        return _result(self)

    def _measure_scores(self, contender: Contender, report: _Report) -> None:
        if not self.judged.is_judged or contender.scores is None:
            raise LabError("without judgements there is nothing to measure it by.")
        report.expect(len(self.judged.queries))
        blocks = self._without_own(contender.scores())
        measured = measure_scores(blocks, self.judged.relevant, self.metrics, NO_PRECISION, report.tick)
        if not measured.values:
            raise LabError("it has no vectors: there is nothing to classify, and no full ranking to agree with.")
        self.arms.append(SweepArm(contender.name, contender.label, None))
        self._keep(contender.name, measured, set(measured.values))

    def _measure_codes(
        self, contender: Contender, load: Callable[[Progress | None], ArmCodes], report: _Report
    ) -> None:
        """Sparse codes at every number of units: rankings at float32's bytes, and nothing of labels or pairs."""
        if not self.metrics or FLOAT32 not in self.plan.parsed_precisions():
            raise LabError("its sparse codes have rankings at one precision (4 bytes a unit, as float32), no more.")
        started = time.perf_counter()
        given = load(report.preparing())
        codes = ArmCodes(given.queries, given.documents.take(self.order))
        self.preparing_seconds += time.perf_counter() - started
        full = codes.documents.dimension
        dims = self._dims(contender.name, full)
        report.expect(self._steps(dims))
        excluded = self.judged.own_document
        measured = measure_codes(codes, self.judged.relevant, dims, self.metrics, report.tick, excluded)
        self.arms.append(SweepArm(contender.name, contender.label, full))
        self._keep_mean(contender.name, [measured], dims)
        said = (given.note,) if given.note else ()
        self.notes += [f"{contender.name}: {note}" for note in (*said, *map(str, contender.notes()))]

    def _without_own(self, blocks: Iterator[tuple[int, FloatMatrix]]) -> Iterator[tuple[int, FloatMatrix]]:
        for start, scores in blocks:
            own = self.judged.own_document[start : start + len(scores)]
            rows = np.flatnonzero(own >= 0)
            scores[rows, own[rows]] = -np.inf
            yield start, scores

    def _measure_vectors(self, contender: Contender, report: _Report) -> None:
        """Every set of vectors of one contender; a contender of several seeds counts by its mean."""
        if contender.vectors is None:
            raise LabError("it has neither vectors nor scores.")
        started, full = time.perf_counter(), 0
        measured: list[Measured] = []
        probed: list[dict[RowKey, ProbeRow]] = []
        dims: tuple[int, ...] = ()
        for given in contender.vectors(report.preparing()):
            vectors = ArmVectors(given.queries, given.documents[self.order])
            if not measured:
                self.preparing_seconds += time.perf_counter() - started
                self.notes += [f"{contender.name}: {given.note}"] if given.note else []
                full = vectors.documents.shape[1]
                dims = self._dims(contender.name, full)
                report.expect(self._steps(dims) * contender.seeds)
            probed.append(self._probe(contender, vectors, dims, report))
            if self.metrics:
                measured.append(self._measure(vectors, dims, report))
        self.arms.append(SweepArm(contender.name, contender.label, full, contender.trained_dims))
        self.probes |= {key: mean_of_rows([rows[key] for rows in probed]) for key in probed[0]}
        if measured:
            self._keep_mean(contender.name, measured, dims)
        self.notes += [text for text in map(str, contender.notes()) if text not in self.notes]

    def _measure(self, vectors: ArmVectors, dims: tuple[int, ...], report: _Report) -> Measured:
        return measure_vectors(
            vectors,
            self.judged.relevant,
            dims,
            self.plan.parsed_precisions(),
            self.metrics,
            report.tick,
            self.plan.seed,
            self.judged.own_document,
        )

    def _keep_mean(self, name: str, measured: list[Measured], dims: tuple[int, ...]) -> None:
        """Keep the mean over the seeds, and the band they span if there are several."""
        mean = mean_of(measured)
        precisions = self.plan.parsed_precisions()
        wanted = {key for key in mean.values if key[0] in dims and parse_precision(key[1]) in precisions}
        self._keep(name, mean, wanted)
        self.rank_dims[name], self.first_ranks[name] = mean.rank_dims, mean.first_ranks
        if len(measured) > 1:
            for key in wanted:
                means = [float(one.values[key].mean()) for one in measured]
                self.bands[(name, *key)] = (min(means), max(means))

    def _steps(self, dims: tuple[int, ...]) -> int:
        """How many ticks one set of vectors takes."""
        blocks = n_blocks(len(self.judged.queries), len(self.corpus)) if self.metrics else 0
        return len(dims) * (len(self.plan.parsed_precisions()) * blocks + len(self.probe_metrics))

    def _probe(
        self, contender: Contender, vectors: ArmVectors, dims: tuple[int, ...], report: _Report
    ) -> dict[RowKey, ProbeRow]:
        """Labels and scored pairs by dimension, uncut float32 included."""
        lengths = sorted({*dims, vectors.documents.shape[1]})
        rows: dict[RowKey, ProbeRow] = {}
        for probe in dict.fromkeys((metric.probe, metric.label) for metric in self.probe_metrics):
            kinds = {m.kind: m.name for m in self.probe_metrics if (m.probe, m.label) == probe}
            rows_of_probe = self._probe_rows(*probe, contender, vectors, lengths, report)
            rows |= {
                (contender.name, r.dim, FLOAT32.name, kinds[r.metric]): r for r in rows_of_probe if r.metric in kinds
            }
        return rows

    def _probe_rows(
        self, probe: str, label: str, contender: Contender, vectors: ArmVectors, dims: list[int], report: _Report
    ) -> tuple[ProbeRow, ...]:
        if probe != "pairs":
            return classification_by_dimension(vectors.documents, self.labels[label], dims, (probe,), report.tick)
        if contender.pairs is None:
            return ()
        pairs = contender.pairs()
        return spearman_by_dimension(pairs.queries, pairs.documents, [p.score for p in self.corpus.pairs], dims)

    def _dims(self, name: str, full: int) -> tuple[int, ...]:
        kept = self.plan.dims_of(full)
        above = [dim for dim in self.plan.dims or () if dim > full]
        if not kept:
            shortest = min(self.plan.dims or (0,))
            raise InvalidDimensionError(
                f"its vectors have {full} numbers, fewer than {shortest}, the shortest length asked for."
            )
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


def _result(run: _Run) -> SweepResult:
    plan, groups = run.plan, _figure_groups(run)
    full_dims = {arm.name: arm.full_dim for arm in run.arms}
    probe_rows = {
        key: SweepRow(*key, row.value, row.low, row.high, row.n)
        for key, row in run.probes.items()
        if row.correct is None
    }
    chosen = {key: row for key, row in probe_rows.items() if key[1] in plan.dims_of(full_dims[key[0]] or 0)}
    return SweepResult(
        corpus=run.corpus.name,
        hardware=describe_hardware(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - run.started, 3),
        preparing_seconds=round(run.preparing_seconds, 3),
        n_queries=len(run.judged.queries),
        n_documents=len(run.corpus),
        arms=tuple(run.arms),
        rows=(
            *(row for group in groups for row in interval_rows(group.values, run.bands, group.bootstrap)),
            *chosen.values(),
        ),
        full=(
            *(row for group in groups for row in interval_rows(group.full, {}, group.bootstrap)),
            *(row for key, row in probe_rows.items() if key[1] == full_dims[key[0]]),
        ),
        differences=tuple(row for group in groups for row in difference_rows(group, plan.against)),
        retentions=tuple(row for group in groups for row in retention_rows(group)),
        notes=tuple(run.notes),
        query_ids=tuple(query.id for query in run.judged.queries),
        per_query=run.values,
        full_values=run.full,
        tasks=run.class_tasks(),
        stand_ins=run.corpus.stand_ins,
        rank_dims=run.rank_dims,
        first_ranks=run.first_ranks,
    )


def _figure_groups(run: _Run) -> list[UnitFigures]:
    """Queries, and the test texts of every label that was predicted: units that can be resampled together."""
    plan = run.plan
    groups = []
    if run.values:
        bootstrap = PairedBootstrap(len(run.judged.queries), plan.resamples, plan.seed)
        groups.append(UnitFigures(run.values, run.full, bootstrap))
    full_dims = {arm.name: arm.full_dim for arm in run.arms}
    for metric in run.probe_metrics:
        correct = {
            key: row.correct for key, row in run.probes.items() if key[3] == metric.name and row.correct is not None
        }
        if not correct:
            continue
        values = {key: hits for key, hits in correct.items() if key[1] in plan.dims_of(full_dims[key[0]] or 0)}
        full = {key: hits for key, hits in correct.items() if key[1] == full_dims[key[0]]}
        groups.append(
            UnitFigures(values, full, PairedBootstrap(len(next(iter(full.values()))), plan.resamples, plan.seed))
        )
    return groups


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
