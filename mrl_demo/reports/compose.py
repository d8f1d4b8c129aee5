"""From a consultation to a report: the cut-off translated to its setting, and the setting priced."""

from __future__ import annotations

from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import Setting
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.types import Progress
from mrl_demo.costs.model import CostComparison, Deployment, compare_costs
from mrl_demo.reports.page import DecisionReport
from mrl_demo.thresholds.measure import ThresholdQuestion, TranslatedThreshold, translate_threshold
from mrl_demo.thresholds.translate import check_cutoff


def compose_report(
    builder: SpaceBuilder,
    consultation: Consultation,
    cutoff: float,
    vectors: int,
    progress: Progress | None = None,
) -> DecisionReport:
    """Translate and price for the setting that is recommended, or the nearest one; what cannot be is left out.

    Raises `LabError` for a cut-off that is no cosine and a number of vectors that is none.
    """
    check_cutoff(cutoff)
    setting = consultation.recommendation.nearest
    if setting is None:
        return DecisionReport(consultation)
    threshold = None
    if consultation.recommendation.kind != "agreement":
        threshold = _threshold(builder, consultation, setting, cutoff, progress)
    return DecisionReport(consultation, threshold, _costs(consultation, setting, vectors))


def _threshold(
    builder: SpaceBuilder, consultation: Consultation, setting: Setting, cutoff: float, progress: Progress | None
) -> TranslatedThreshold:
    plan = consultation.plan
    question = ThresholdQuestion(
        cutoff,
        setting.arm,
        setting.dim,
        setting.precision,
        full_arm=consultation.recommendation.advice.reference,
        split=plan.split,
        queries=plan.queries,
        seed=plan.seed,
        max_tokens=plan.max_tokens,
    )
    return translate_threshold(builder, consultation.corpus, question, progress)


def _costs(consultation: Consultation, setting: Setting, vectors: int) -> CostComparison:
    full = max(consultation.recommendation.reference_bytes // 4, setting.dim)
    return compare_costs(Deployment(vectors, full, setting.dim, setting.precision))
