"""What a comparison comes to: made from its results, the answer level of each model, and the shipped averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mrl_demo.core.types import ComparedArm, Corpus
from mrl_demo.core.verdict import KeptQuality, SideVerdict, Verdict
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.lab.answer_levels import AnswerLevels

#: The measure whose average the verdict tells.
VERDICT_METRIC = "ndcg@10"


class Judge:
    """Makes verdicts; `averages` gives what was measured of a collection by name, None if nothing was.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.lab.lab import Lab
    >>> lab = Lab(Settings.from_environment())
    >>> verdict = lab.compare("how do bees talk", corpus="builtin", arms=["tuned"], dim=64).verdict
    >>> verdict.times_smaller, verdict.sides[0].quality.n_queries
    ((6.0,), 800)
    """

    def __init__(self, levels: AnswerLevels, averages: Callable[[str], SweepResult | None]) -> None:
        self._levels, self._averages = levels, averages

    def judge(self, corpus: Corpus, dim: int, arms: Sequence[ComparedArm]) -> Verdict:
        """The verdict on one query; the level is measured, which may take seconds, only if no answer is known.

        Of a part of the corpus it says nothing that was measured over all of it: no average, no level.
        """
        sweep = self._averages(corpus.name)
        return Verdict(dim, tuple(self._side(corpus, arm, sweep) for arm in arms))

    def _side(self, corpus: Corpus, arm: ComparedArm, sweep: SweepResult | None) -> SideVerdict:
        result, tracked = arm.result, arm.result.tracked
        is_whole = result.n_documents == len(corpus)
        is_known = tracked is not None and tracked.is_answer
        kept, depth = result.kept_of_ten
        return SideVerdict(
            arm=arm.spec.name,
            label=arm.spec.label,
            full_dim=result.full_dim,
            title=tracked.title if tracked else "",
            rank=tracked.rank if tracked else None,
            full_rank=(result.full_answer_rank if is_known else tracked.full_rank) if tracked else None,
            is_known_answer=is_known,
            kept=kept,
            depth=depth,
            best_score=result.best_full_score,
            near_score=result.near_full_score,
            level=None if is_known or not is_whole else self._levels.level(arm.spec.encoder, corpus),
            quality=kept_quality(sweep, arm.spec.name, result.dim) if sweep and is_whole else None,
        )


def kept_quality(sweep: SweepResult, arm: str, dim: int, metric: str = VERDICT_METRIC) -> KeptQuality | None:
    """The share of full quality that an arm keeps at `dim` or the next shorter measured length; None without one."""
    rows = [row for row in sweep.rows if (row.arm, row.precision, row.metric) == (arm, "float32", metric)]
    measured = [row for row in rows if row.dim is not None and row.dim <= dim]
    row = max(measured, key=lambda row: row.dim or 0, default=None)
    share = sweep.retention_row(row) if row else None
    if row is None or share is None:
        return None
    return KeptQuality(share.value, share.low, share.high, row.n_queries, metric, share.dim)
