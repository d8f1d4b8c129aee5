"""Funnels, proofs and lengths per query for a corpus: stand-ins drawn, stages read, vectors loaded."""

from __future__ import annotations

from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.corpora.stand_ins import MOST_STAND_INS, with_stand_ins
from mrl_demo.evaluation.metrics import parse_metric
from mrl_demo.evaluation.ranked import MeasuredArm, QueryDraw, load_measured
from mrl_demo.funnels.cheapest import CheapestCascade, check_share, find_cheapest
from mrl_demo.funnels.measure import FunnelReport, measure_funnel
from mrl_demo.funnels.proof import ProofReport, measure_proof
from mrl_demo.gating.allocation import GateQuestion, GateReport, measure_gate
from mrl_demo.gating.ladder import LADDER_DIMS
from mrl_demo.search.cascade import paper_cascade, parse_cascade


def run_funnel(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: str,
    stages: str,
    draw: QueryDraw | None = None,
    progress: Progress | None = None,
) -> FunnelReport:
    """Measure a funnel; stages and metric are read before anything is encoded."""
    draw = draw or QueryDraw()
    full = _full_dim(builder, arm)
    results = min(10, len(corpus))
    cascade = parse_cascade(stages, full) if stages.strip() else paper_cascade(full, results)
    cascade.check(full, results)
    return measure_funnel(_measured(builder, corpus, arm, draw, progress), corpus.name, cascade, draw.metric, progress)


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
