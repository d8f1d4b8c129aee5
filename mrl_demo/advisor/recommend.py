"""The smallest setting that keeps a share of full quality, with its bound, its rivals and what would settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mrl_demo.advisor.bands import SharesKept, bound_shares
from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.plan import SweepPlan
from mrl_demo.evaluation.results import RowKey, SweepResult
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.search.quantised import bytes_per_vector, rescore_bytes_per_vector

HOLDS, LIKELY, FAILS = "holds", "too few queries to say", "does not hold"


@dataclass(frozen=True)
class Advice:
    """What is asked of the advisor: keep `target` of the reference's `metric`.

    The reference is the arm `reference` at its full float32 length: what one has today.

    >>> Advice(target=1.2)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: target is 1.2: it must be above 0 and at most 1, as in 0.95.
    """

    target: float = 0.95
    metric: str = "ndcg@10"
    reference: str = "base"

    def __post_init__(self) -> None:
        if not 0 < self.target <= 1:
            raise LabError(f"target is {self.target}: it must be above 0 and at most 1, as in 0.95.").about("target")


@dataclass(frozen=True)
class Setting:
    """One way to store vectors, and the share of the reference it keeps.

    `lower` is its simultaneous 95% bound; `verdict` says whether the target holds. `bytes_searched` is what a search
    keeps in memory for one vector, `bytes_kept` adds what rescoring reads.
    """

    arm: str
    dim: int
    precision: str
    share: float
    lower: float
    bytes_searched: int
    bytes_kept: int
    verdict: str


@dataclass(frozen=True)
class Recommendation:
    """The advisor's answer; `best` is None if no setting is sure to hold the target.

    `rivals` are settings that may be smaller still, or the nearest ones if none holds. `more_queries` is how many
    judged queries more would, by the spread seen so far, settle the smallest rival; None if it is settled or cannot be
    reckoned. `kind` is "quality" or "agreement": without judgements only agreement with the full ranking is known.
    """

    advice: Advice
    corpus: str
    kind: str
    n_queries: int
    reference_value: float
    reference_bytes: int
    best: Setting | None
    rivals: tuple[Setting, ...]
    more_queries: int | None
    settings: tuple[Setting, ...]
    lost_queries: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def sentence(self) -> str:
        """The answer in words."""
        what = "agreement with the full ranking" if self.kind == "agreement" else self.advice.metric
        wanted = f"{self.advice.target:.0%} of {self.advice.reference}'s {what}"
        if self.best is None:
            nearest = self.rivals[0] if self.rivals else None
            more = f" About {self.more_queries:,} more judged queries would settle it." if self.more_queries else ""
            said = (
                f" The nearest is {_named(nearest)}: {nearest.share:.1%}, at least {nearest.lower:.1%}."
                if nearest
                else ""
            )
            return f"No setting is sure to keep {wanted} ({self.n_queries:,} queries).{said}{more}"
        ratio = self.reference_bytes / self.best.bytes_searched
        return (
            f"{_named(self.best)} keeps {wanted}: {_shares_text(self.best)} ({self.n_queries:,} queries, a bound for "
            f"all settings looked at). {self.best.bytes_searched:,} bytes a vector in memory instead of "
            f"{self.reference_bytes:,}, {ratio:.1f} times smaller{_disk_text(self.best)}."
        )


def advise(result: SweepResult, advice: Advice, notes: Sequence[str] = ()) -> Recommendation:
    """Choose among the settings of a sweep that kept its values by query (`evaluate`'s, not a stored one).

    Raises `LabError` if the reference or the metric was not measured, or the result is a stored one.
    """
    reference_key, metric, kind = _reference(result, advice)
    reference = result.full_values[reference_key]
    keys = [key for key in result.per_query if key[3] == metric and key[1] is not None]
    bootstrap = PairedBootstrap(len(reference))
    shares = bound_shares(np.stack([result.per_query[key] for key in keys], axis=1), reference, bootstrap)
    settings = _settings(keys, shares, advice.target)
    holding = [setting for setting in settings if setting.verdict == HOLDS]
    best = min(holding, key=_cost, default=None)
    rivals = _rivals(settings, best)
    return Recommendation(
        advice=replace(advice, metric=metric),
        corpus=result.corpus,
        kind=kind,
        n_queries=result.n_queries,
        reference_value=float(reference.mean()),
        reference_bytes=4 * int(reference_key[1] or 0),
        best=best,
        rivals=rivals,
        more_queries=_more_queries(rivals, keys, shares, advice.target, len(reference)),
        settings=tuple(sorted(settings, key=_cost)),
        lost_queries=_lost_queries(result, reference, best, metric),
        notes=(*result.notes, *notes),
    )


def advice_plan(advice: Advice, arms: Sequence[str], dims: tuple[int, ...] | None = None) -> SweepPlan:
    """The sweep that the advisor needs: the arms and the reference, every precision, the one metric."""
    named = tuple(dict.fromkeys((advice.reference, *arms)))
    precisions = ("float32", "float16", "int8", "int8+rescore", "binary", "binary+rescore")
    return SweepPlan(named, dims, precisions=precisions, metrics=(advice.metric,))


def _reference(result: SweepResult, advice: Advice) -> tuple[RowKey, str, str]:
    """The key of the reference's full-length values, the metric that was measured, and what kind it is."""
    metrics = list(dict.fromkeys(key[3] for key in result.full_values))
    metric = advice.metric if advice.metric in metrics else next(iter(metrics), "")
    key = next((key for key in result.full_values if (key[0], key[3]) == (advice.reference, metric)), None)
    if key is None:
        known = ", ".join(dict.fromkeys(key[0] for key in result.full_values)) or "nothing"
        raise LabError(
            f"{advice.reference!r} was not measured by {advice.metric}: there is {known}. Measure it here (stored "
            "results keep averages only)."
        )
    return key, metric, "quality" if metric == advice.metric and "overlap" not in metric else "agreement"


def _settings(keys: Sequence[RowKey], shares: SharesKept, target: float) -> list[Setting]:
    settings = []
    for key, share, lower in zip(keys, shares.estimates, shares.lower, strict=True):
        arm, dim, precision, _ = key
        searched = bytes_per_vector(precision, int(dim or 0))
        verdict = HOLDS if lower >= target else LIKELY if share >= target else FAILS
        kept = searched + rescore_bytes_per_vector(precision, int(dim or 0))
        settings.append(Setting(arm, int(dim or 0), precision, float(share), float(lower), searched, kept, verdict))
    return settings


def _cost(setting: Setting) -> tuple[int, int, float]:
    """Cheaper first: bytes in memory, bytes in all, then the better share."""
    return (setting.bytes_searched, setting.bytes_kept, -setting.share)


def _rivals(settings: Sequence[Setting], best: Setting | None, limit: int = 3) -> tuple[Setting, ...]:
    """Cheaper settings whose estimate reaches the target though their bound does not; else the nearest ones."""
    cheaper = [
        setting for setting in settings if setting.verdict == LIKELY and (best is None or _cost(setting) < _cost(best))
    ]
    if cheaper or best is not None:
        return tuple(sorted(cheaper, key=_cost)[:limit])
    return tuple(sorted(settings, key=lambda setting: -setting.lower)[:limit])


def _more_queries(
    rivals: Sequence[Setting], keys: Sequence[RowKey], shares: SharesKept, target: float, n: int
) -> int | None:
    """Queries beyond `n` at which the first rival's bound would reach the target, its spread staying as it is."""
    if not rivals or rivals[0].share <= target:
        return None
    place = next(i for i, key in enumerate(keys) if key[:3] == (rivals[0].arm, rivals[0].dim, rivals[0].precision))
    needed = n * (shares.width * shares.errors[place] / (rivals[0].share - target)) ** 2
    return max(1, int(np.ceil(needed - n))) if needed > n else None


def _lost_queries(result: SweepResult, reference: Any, best: Setting | None, metric: str) -> tuple[str, ...]:  # noqa: ANN401
    """Ids of the queries that the reference answers and the chosen setting does not at all."""
    if best is None:
        return ()
    values = result.per_query[best.arm, best.dim, best.precision, metric]
    return tuple(result.query_ids[row] for row in np.flatnonzero((reference > 0) & (values == 0)))


def _disk_text(setting: Setting) -> str:
    more = setting.bytes_kept - setting.bytes_searched
    return f"; {more:,} more, a disk will do, to rescore with" if more else ""


def _shares_text(setting: Setting) -> str:
    return f"{setting.share:.1%}, at least {setting.lower:.1%}"


def _named(setting: Setting) -> str:
    return f"{setting.arm} with {setting.dim} dimensions in {setting.precision}"
