"""A whole consultation: measure, choose, explain what is lost, and draw pairs to judge blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.advisor.blind import BlindPair, BlindVerdict, is_reference_left
from mrl_demo.advisor.losses import explain_losses
from mrl_demo.advisor.rankings import RankedQueries, rank_queries
from mrl_demo.advisor.recommend import Advice, Recommendation, Setting, advise
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.types import Corpus, Progress, Query
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.sweep import evaluate

_LOSSES_EXPLAINED = 12
_TEXT_SHOWN = 400
#: Pairs of queries and documents that the settings of three arms are measured on in about half a minute.
_MOST_PAIRS = 12_000_000


@dataclass(frozen=True)
class Consultation:
    """What was measured on a corpus (with its stand-in queries, if it has any) and what is advised."""

    corpus: Corpus
    plan: SweepPlan
    result: SweepResult
    recommendation: Recommendation

    @property
    def labels(self) -> dict[str, str]:
        """What the arms that were measured are called for a reader."""
        return {arm.name: arm.label for arm in self.result.arms}

    def again(self, verdicts: Sequence[BlindVerdict]) -> Consultation:
        """The same with blind verdicts put in; nothing is measured anew."""
        advised = advise(self.result, self.recommendation.advice, self.corpus, verdicts)
        explained = {lost.query_id: lost for lost in self.recommendation.lost}
        lost = tuple(explained[name] for name in advised.lost_ids if name in explained)
        return replace(self, recommendation=replace(advised, lost=lost))


def usual_queries(corpus: Corpus) -> int:
    """How many judged queries are drawn unless a number is named: 2,000, fewer for a large collection; 0 if all are."""
    most = int(np.clip(_MOST_PAIRS // max(1, len(corpus)), 300, 2_000))
    return most if len(corpus.queries) > most else 0


def consult(
    builder: SpaceBuilder,
    corpus: Corpus,
    advice: Advice,
    plan: SweepPlan,
    progress: Progress | None = None,
    verdicts: Sequence[BlindVerdict] = (),
) -> Consultation:
    """Measure the settings of `plan` (`advice_plan` makes one), choose, and explain what is lost.

    A plan that names no number of queries draws as many as half a minute allows. Raises `LabError` if the reference was
    not measured, and as `evaluate` does.
    """
    plan = plan if plan.queries else replace(plan, queries=usual_queries(corpus))
    result = evaluate(builder, corpus, plan, progress)
    advised = advise(result, advice, corpus, verdicts)
    if advised.best is None or not advised.lost_ids or advised.kind == "agreement":
        return Consultation(corpus, plan, result, advised)
    queries = _queries_of(corpus, advised.lost_ids[:_LOSSES_EXPLAINED])
    before, now = _rankings(builder, corpus, plan, queries, advised, advised.best)
    return Consultation(corpus, plan, result, replace(advised, lost=explain_losses(corpus, before, now)))


def blind_pairs(
    builder: SpaceBuilder, consultation: Consultation, count: int = 8, seed: int = 0
) -> tuple[BlindPair, ...]:
    """Pairs of answers to judge: of the setting in question and of the reference, where the two differ most.

    None if the choice is settled or no query's value differs. The first document in which the two rankings differ is
    shown for each.
    """
    advised, result = consultation.recommendation, consultation.result
    setting = advised.open_setting
    if setting is None:
        return ()
    metric = advised.advice.metric
    values = result.per_query[setting.arm, setting.dim, setting.precision, metric]
    reference = next(
        v for key, v in result.full_values.items() if (key[0], key[3]) == (advised.advice.reference, metric)
    )
    sizes = np.abs(values - reference)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    rows = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    ids = [result.query_ids[row] for row in rows if sizes[row] > 0][:count]
    if not ids:
        return ()
    queries = _queries_of(consultation.corpus, ids)
    before, now = _rankings(builder, consultation.corpus, consultation.plan, queries, advised, setting)
    pairs = (_pair(before, now, row, setting.key) for row in range(len(queries)))
    return tuple(pair for pair in pairs if pair is not None)


def _queries_of(corpus: Corpus, ids: Sequence[str]) -> tuple[Query, ...]:
    by_id = {query.id: query for query in corpus.queries}
    return tuple(by_id[name] for name in ids)


def _rankings(
    builder: SpaceBuilder,
    corpus: Corpus,
    plan: SweepPlan,
    queries: tuple[Query, ...],
    advised: Recommendation,
    setting: Setting,
) -> tuple[RankedQueries, RankedQueries]:
    """The reference's rankings and the setting's."""
    reference = advised.advice.reference, advised.reference_bytes // 4, "float32"
    now = setting.arm, setting.dim, setting.precision
    before, after = (rank_queries(builder, corpus, queries, *each, plan.max_tokens) for each in (reference, now))
    return before, after


def _pair(before: RankedQueries, now: RankedQueries, row: int, setting: str) -> BlindPair | None:
    firsts = zip(before.top(row).tolist(), now.top(row).tolist(), strict=True)
    differing = next(((old, new) for old, new in firsts if old != new), None)
    if differing is None:
        return None
    query = before.queries[row]
    sides = [before.documents[differing[0]], now.documents[differing[1]]]
    if not is_reference_left(query.id, setting):
        sides.reverse()
    left, right = sides
    texts = (left.title, left.text[:_TEXT_SHOWN], right.title, right.text[:_TEXT_SHOWN])
    return BlindPair(query.id, query.text, setting, *texts)
