"""A funnel on a collection: quality and agreement against exact search, losses by stage, time, bytes and proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.judging.ranked import MeasuredArm, RankedList
from mrl_demo.evaluation.stats import Interval, PairedBootstrap
from mrl_demo.funnels.engine_funnel import EngineFunnel, time_engine_funnel
from mrl_demo.funnels.timing import FunnelTimes, time_funnel
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.funnel import FunnelIndex, FunnelRun
from mrl_demo.search.prefix import PrefixIndex

FUNNEL_RESULTS = 10
_EXAMPLES = 5


@dataclass(frozen=True)
class LostAnswer:
    """A known answer among the exact first ten that a stage dropped."""

    query: str
    answer: str


@dataclass(frozen=True)
class StageReport:
    """One stage on average over the queries: documents in and out, known answers in and lost, `ms`, bytes read."""

    name: str
    dim: int
    precision: str
    entering: int
    leaving: int
    answers_entering: int
    answers_lost: int
    ms: float
    bytes_read: int
    examples: tuple[LostAnswer, ...] = ()


@dataclass(frozen=True)
class FunnelReport:
    """What a funnel keeps on a collection against exact search over full vectors.

    `quality`, `exact_quality` and `difference` (paired) are None if nothing is judged; `agreement` is the share of the
    exact first ten that the funnel finds. `proven` is the share of queries whose first ten are proven to be those of
    the exact search (0 for coarse codes, of which nothing can be proven). Intervals are 95%.
    """

    corpus: str
    arm: str
    cascade: str
    full_dim: int
    n_documents: int
    n_queries: int
    metric: str
    stand_ins: str
    quality: Interval | None
    exact_quality: Interval | None
    difference: Interval | None
    agreement: Interval
    proven: float
    stages: tuple[StageReport, ...]
    bytes_read: int
    exact_bytes_read: int
    times: FunnelTimes
    hardware: str
    notes: tuple[str, ...]

    def sentence(self) -> str:
        """The report in words."""
        kept = f"{self.agreement.value:.1%} [{self.agreement.low:.1%}, {self.agreement.high:.1%}]"
        read = f"{self.bytes_read / self.exact_bytes_read:.0%}"
        return (
            f"{self.cascade} of {self.arm} finds {kept} of the exact first {FUNNEL_RESULTS} (agreement, "
            f"{self.n_queries:,} queries, {self.n_documents:,} documents){self._quality_text()}. It reads {read} of "
            f"the bytes; {self.times.sentence()} {self._proof_text()}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the report in words."""
        return {**asdict(self), "sentence": self.sentence(), "speed_up": self.times.speed_up}

    def _quality_text(self) -> str:
        if self.quality is None or self.exact_quality is None or self.difference is None:
            return ""
        gap = f"{self.difference.value:+.3f} [{self.difference.low:+.3f}, {self.difference.high:+.3f}]"
        judged = f", by {self.stand_ins} in place of queries" if self.stand_ins else ""
        return f"; {self.metric} {self.quality.value:.3f} against {self.exact_quality.value:.3f}: {gap}{judged}"

    def _proof_text(self) -> str:
        if self.times.engine:
            return "Of what an engine drops nothing is proven."
        if not self.proven:
            return "No query's answer is proven to be the exact one."
        return f"For {self.proven:.0%} of the queries the answer is proven to be the exact one."


def measure_funnel(
    measured: MeasuredArm,
    corpus: str,
    cascade: Cascade,
    metric_name: str,
    progress: Progress | None = None,
    engine: CollectionIndex | None = None,
) -> FunnelReport:
    """Run every query through the funnel and through exact search; raises as `Cascade.check` does.

    With an `engine` that holds the measured documents the stages run there, and raise `EngineError`.
    """
    say = progress or (lambda _share, _text: None)
    k = min(FUNNEL_RESULTS, len(measured.documents))
    cascade.check(measured.full_dim, k)
    index = FunnelIndex(PrefixIndex(measured.vectors.documents))
    elsewhere = EngineFunnel(engine) if engine else None
    say(0.1, "Searching exactly")
    exact = exact_lists(measured, index.scan)
    runs = []
    for row, query in enumerate(measured.vectors.queries):
        say(0.2 + 0.5 * row / len(exact), f"Query {row + 1:,} of {len(exact):,}")
        own = int(measured.judged.own_document[row])
        runs.append(
            elsewhere.run(query, cascade, k, excluded=own)
            if elsewhere
            else index.run(query, cascade, k, is_bounded=cascade.is_float32, excluded=own)
        )
    lists = [RankedList(run.passed[-1].documents, run.passed[-1].scores) for run in runs]
    bootstrap = PairedBootstrap(len(runs))
    quality = _quality(measured, lists, exact, parse_metric(metric_name).name, bootstrap)
    say(0.75, "Timing")
    if engine:
        times = time_engine_funnel(measured.vectors.queries, engine, cascade)
    else:
        times = time_funnel(measured.vectors, index, cascade)
    ends_full = cascade.stages[-1].dim == measured.full_dim
    return FunnelReport(
        corpus=corpus,
        arm=measured.arm,
        cascade=cascade.name,
        full_dim=measured.full_dim,
        n_documents=len(measured.documents),
        n_queries=len(runs),
        metric=metric_name,
        stand_ins=measured.stand_ins,
        quality=quality[0],
        exact_quality=quality[1],
        difference=quality[2],
        agreement=bootstrap.intervals(agreements(lists, exact)[:, None])[0],
        proven=float(np.mean([ends_full and run.is_proven(k) for run in runs])),
        stages=_stages(measured, cascade, runs, exact, times.stage_ms),
        bytes_read=cascade.bytes_read(len(measured.documents)),
        exact_bytes_read=4 * measured.full_dim * len(measured.documents),
        times=times,
        hardware=describe_hardware(),
        notes=measured.notes,
    )


def exact_lists(measured: MeasuredArm, scan: PrefixIndex) -> list[RankedList]:
    """The exact first ten of every query by full vectors, its own document left out."""
    lists = []
    for query, own in zip(measured.vectors.queries, measured.judged.own_document, strict=True):
        top = scan.search(query, scan.dimension, FUNNEL_RESULTS + 1)
        is_other = top.indices[0] != own
        lists.append(RankedList(top.indices[0][is_other][:FUNNEL_RESULTS], top.scores[0][is_other][:FUNNEL_RESULTS]))
    return lists


def agreements(lists: Sequence[RankedList], exact: Sequence[RankedList]) -> FloatMatrix:
    """Share of each query's exact first ten that its list has among its own first ten, `(queries,)` float32."""
    shares = [
        len({*one.documents[:FUNNEL_RESULTS].tolist()} & {*other.documents.tolist()}) / max(1, len(other.documents))
        for one, other in zip(lists, exact, strict=True)
    ]
    return np.array(shares, dtype=np.float32)


def _quality(
    measured: MeasuredArm,
    lists: Sequence[RankedList],
    exact: Sequence[RankedList],
    metric: str,
    bootstrap: PairedBootstrap,
) -> tuple[Interval | None, Interval | None, Interval | None]:
    parsed = parse_metric(metric)
    if not measured.judged.is_judged or parsed.is_agreement:
        return None, None, None
    values, wholes = measured.values(lists, parsed), measured.values(exact, parsed)
    first, second, gap = bootstrap.intervals(np.stack([values, wholes, values - wholes], axis=1))
    return first, second, gap


def _stages(
    measured: MeasuredArm,
    cascade: Cascade,
    runs: Sequence[FunnelRun],
    exact: Sequence[RankedList],
    ms: Sequence[float],
) -> tuple[StageReport, ...]:
    """Where known answers of the exact first ten are lost, stage by stage."""
    n = len(measured.documents)
    alive = [{*measured.relevant_rows(row).tolist()} & {*ranked.documents.tolist()} for row, ranked in enumerate(exact)]
    reports, entering = [], n
    for place, (stage, read) in enumerate(zip(cascade.stages, cascade.stage_bytes(n), strict=True)):
        passed = [{*run.passed[place].documents.tolist()} for run in runs]
        lost = [(row, doc) for row, rows in enumerate(alive) for doc in sorted(rows - passed[row])]
        before = sum(map(len, alive))
        alive = [rows & passed[row] for row, rows in enumerate(alive)]
        examples = tuple(
            LostAnswer(measured.judged.queries[row].text, measured.documents[doc].title or measured.documents[doc].id)
            for row, doc in lost[:_EXAMPLES]
        )
        leaving = min(stage.keep, entering)
        reports.append(
            StageReport(
                stage.name, stage.dim, stage.precision, entering, leaving, before, len(lost), ms[place], read, examples
            )
        )
        entering = leaving
    return tuple(reports)
