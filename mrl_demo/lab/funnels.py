"""Funnels, proofs and lengths per query for a corpus: stand-ins drawn, stages read, vectors loaded."""

from __future__ import annotations

from dataclasses import replace

from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.corpora.questions.stand_ins import MOST_STAND_INS, with_stand_ins
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.judging.ranked import MeasuredArm, QueryDraw, load_measured
from mrl_demo.funnels.cheapest import CheapestCascade, check_share, find_cheapest
from mrl_demo.funnels.measure import FunnelReport, measure_funnel
from mrl_demo.funnels.proof import ProofReport, measure_proof
from mrl_demo.gating.allocation import GateQuestion, GateReport, measure_gate
from mrl_demo.gating.ladder import LADDER_DIMS
from mrl_demo.lab.indexes import IndexDesk, document_keys
from mrl_demo.search.cascade import Cascade, paper_cascade, parse_cascade
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.engines.errors import EngineError


def run_funnel(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: str,
    stages: str,
    draw: QueryDraw | None = None,
    progress: Progress | None = None,
    indexes: IndexDesk | None = None,
) -> FunnelReport:
    """Measure a funnel, in the engine that holds the documents if there is one.

    Stages and metric are read before anything is encoded.
    """
    draw = draw or QueryDraw()
    full = _full_dim(builder, arm)
    results = min(10, len(corpus))
    cascade = parse_cascade(stages, full) if stages.strip() else paper_cascade(full, results)
    cascade.check(full, results)
    measured = _measured(builder, corpus, arm, draw, progress)
    note = ""
    if indexes is not None and indexes.names():
        try:
            engine, note = _engine_for(indexes, builder, corpus, measured, cascade, draw)
            if engine is not None:
                return measure_funnel(measured, corpus.name, cascade, draw.metric, progress, engine)
        except EngineError as error:
            if not indexes.falls_back:
                raise
            note = f"{error} The lab's own index ran the stages instead."
    report = measure_funnel(measured, corpus.name, cascade, draw.metric, progress)
    return replace(report, notes=(*report.notes, note)) if note else report


def _engine_for(
    indexes: IndexDesk, builder: SpaceBuilder, corpus: Corpus, measured: MeasuredArm, cascade: Cascade, draw: QueryDraw
) -> tuple[CollectionIndex | None, str]:
    """The collection that holds what is measured, or why its engine cannot run the stages."""
    if not cascade.is_float32:
        return None, "Coarse codes are those of the lab's own index, which ran the stages."
    if draw.max_tokens or measured.stand_ins:
        return None, "An engine holds whole documents, and these are cut: the lab's own index ran the stages."
    space = builder.query_space(builder.menu.find(measured.arm), corpus)
    held = indexes.find(space, corpus)
    if held is None:
        return None, ""
    return CollectionIndex(held.engine, held.card, document_keys(measured.documents)), ""


def run_cheapest(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: str,
    keep: float,
    draw: QueryDraw | None = None,
    progress: Progress | None = None,
) -> CheapestCascade:
    """Find the cheapest cascade; the share is checked before anything is encoded."""
    draw = draw or QueryDraw()
    check_share(keep)
    return find_cheapest(_measured(builder, corpus, arm, draw, progress), keep, draw.metric, progress)


def run_proof(
    builder: SpaceBuilder, corpus: Corpus, arm: str, draw: QueryDraw | None = None, progress: Progress | None = None
) -> ProofReport:
    """Measure when the proof fires."""
    measured = _measured(builder, corpus, arm, draw or QueryDraw(), progress)
    return measure_proof(measured, corpus.name, progress=progress)


def run_gate(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: str,
    question: GateQuestion | None = None,
    draw: QueryDraw | None = None,
    progress: Progress | None = None,
) -> GateReport:
    """Compare a gate with all other ways to choose lengths; the default ladder leaves out what the arm has not."""
    draw = draw or QueryDraw(queries=0)
    full = _full_dim(builder, arm)
    asked = question or GateQuestion(dims=tuple(dim for dim in LADDER_DIMS if dim < full))
    return measure_gate(_measured(builder, corpus, arm, draw, progress), corpus.name, asked, draw.metric, progress)


def _measured(
    builder: SpaceBuilder, corpus: Corpus, arm: str, draw: QueryDraw, progress: Progress | None
) -> MeasuredArm:
    parse_metric(draw.metric)
    return load_measured(
        builder, with_stand_ins(corpus, draw.queries or MOST_STAND_INS, draw.seed), arm, draw, progress
    )


def _full_dim(builder: SpaceBuilder, arm: str) -> int:
    contender = resolve_arm(arm, builder.menu)
    if not contender.has_vectors:
        raise LabError(f"{arm!r} has no vectors to cut: name another arm.")
    return builder.encoders.encoder(contender.encoder).dimension
