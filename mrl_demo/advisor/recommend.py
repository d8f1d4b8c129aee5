"""The smallest setting that keeps a share of full quality, with its bound, its rivals and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mrl_demo.advisor.bands import FAILS, HOLDS, LIKELY, SharesKept, bound_shares
from mrl_demo.advisor.blind import BlindVerdict, apply_verdicts
from mrl_demo.advisor.groups import GroupShares, group_queries, judge_groups
from mrl_demo.advisor.losses import LostQuery
from mrl_demo.advisor.settlement import Settlement, judge_settlement
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, FloatMatrix
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import RowKey, SweepResult
from mrl_demo.search.quantised import bytes_per_vector, rescore_bytes_per_vector

_USUAL = ("float32", "float16", "int8", "int8+rescore", "binary", "binary+rescore")
_MORE = ("int4", "int4+rescore", "binary-mean", "binary-mean+rescore", "rabitq", "rabitq+rescore")
#: Precisions to choose from, by a name: what every engine has; codes that some have (twice the time); and product codes
#: too, whose codebooks take minutes.
PRECISION_SETS = {"usual": _USUAL, "more": (*_USUAL, *_MORE), "all": (*_USUAL, *_MORE, "pq", "pq+rescore")}


@dataclass(frozen=True)
class Advice:
    """What is asked of the advisor: keep `target` of the reference's `metric`, in at most `most_bytes` (0: any number).

    The bytes are those of a vector that a search keeps in memory.
    The reference is the arm `reference` at its full float32 length: what one has today.

    >>> Advice(target=1.2)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: target is 1.2: it must be above 0 and at most 1, as in 0.95.
    """

    target: float = 0.95
    metric: str = "ndcg@10"
    reference: str = "base"
    most_bytes: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.target <= 1:
            raise LabError(f"target is {self.target}: it must be above 0 and at most 1, as in 0.95.").about("target")
        if self.most_bytes < 0:
            raise LabError(f"{self.most_bytes} bytes hold no vector: give 1 or more, or 0 for any number.").about(
                "bytes"
            )


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

    @property
    def key(self) -> str:
        """What blind verdicts call it: "arm dim precision"."""
        return f"{self.arm} {self.dim} {self.precision}"


@dataclass(frozen=True)
class RunnerUp:
    """Another setting that holds: the share it keeps beyond the best one's, paired, with its 95% interval.

    `is_tie` if the interval holds 0: then the queries cannot tell the two apart.
    """

    setting: Setting
    difference: float
    low: float
    high: float
    is_tie: bool


@dataclass(frozen=True)
class Recommendation:
    """The advisor's answer; `best` is None if no setting is sure to hold the target.

    `kind` is "quality", "estimate" (queries that nobody asked, named in `stand_ins`) or "agreement" (nothing is judged:
    agreement with the full ranking). `rivals` are settings that may be smaller still, or the nearest ones if none
    holds; `runners_up` the next ones that hold. `groups` are those of the best setting, or of the nearest one. Of
    `n_lost` queries that lose their answer altogether, `lost` explains some. `n_verdicts` blind verdicts were put in.
    """

    advice: Advice
    corpus: str
    kind: str
    n_queries: int
    reference_value: float
    reference_bytes: int
    best: Setting | None
    rivals: tuple[Setting, ...]
    runners_up: tuple[RunnerUp, ...]
    settlement: Settlement
    groups: GroupShares
    settings: tuple[Setting, ...]
    lost_ids: tuple[str, ...]
    notes: tuple[str, ...]
    stand_ins: str = ""
    n_verdicts: int = 0
    lost: tuple[LostQuery, ...] = ()

    @property
    def n_lost(self) -> int:
        """How many queries the reference answers and the best setting does not at all."""
        return len(self.lost_ids)

    @property
    def nearest(self) -> Setting | None:
        """The best setting, or if none holds the one whose bound is highest."""
        return self.best or next(iter(self.rivals), None)

    @property
    def open_setting(self) -> Setting | None:
        """The setting whose judging would tell most: the cheapest rival, if the choice is not settled."""
        return None if self.settlement.is_settled else next(iter(self.rivals), self.best)

    def labelled(self, labels: Mapping[str, str], metric: str = "") -> Recommendation:
        """The same for a reader: arms by their labels, those without one by name, and the metric as it is spelt."""

        def name(setting: Setting) -> Setting:
            return replace(setting, arm=labels.get(setting.arm, setting.arm))

        reference = labels.get(self.advice.reference, self.advice.reference)
        return replace(
            self,
            advice=replace(self.advice, reference=reference, metric=metric or self.advice.metric),
            best=name(self.best) if self.best else None,
            rivals=tuple(map(name, self.rivals)),
            runners_up=tuple(replace(runner, setting=name(runner.setting)) for runner in self.runners_up),
            settings=tuple(map(name, self.settings)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the answer in words."""
        words = {"sentence": self.sentence(), "settled": self.settlement.sentence(), "n_lost": self.n_lost}
        return {**asdict(self), **words, "worst_group": self.groups.sentence(self.advice.target)}

    def sentence(self) -> str:
        """The answer in words."""
        wanted = f"{self.advice.target:.0%} of {self.advice.reference}'s {self._measured()}"
        wanted += f" in {self.advice.most_bytes:,} bytes a vector" if self.advice.most_bytes else ""
        if self.best is None:
            nearest = self.nearest
            near = f" The nearest is {setting_name(nearest)}: {_shares_text(nearest)}." if nearest else ""
            return f"No setting is sure to keep {wanted} ({self.n_queries:,} {self._queries()}).{near}"
        return (
            f"{setting_name(self.best)} keeps {wanted}: {_shares_text(self.best)} ({self.n_queries:,} "
            f"{self._queries()}, a bound for all settings looked at). {self.best.bytes_searched:,} bytes a vector in "
            f"memory{self._saving_text()}{_disk_text(self.best)}."
        )

    def _saving_text(self) -> str:
        ratio = self.reference_bytes / self.best.bytes_searched if self.best else 1
        if ratio < 1.05:
            return ", no less than today"
        return f" instead of {self.reference_bytes:,}, {ratio:.1f} times smaller"

    def _measured(self) -> str:
        if self.kind == "agreement":
            return "agreement with the full ranking"
        return f"{self.advice.metric} (an estimate)" if self.kind == "estimate" else self.advice.metric

    def _queries(self) -> str:
        return f"{self.stand_ins} in place of queries" if self.stand_ins else "queries"


def advise(
    result: SweepResult, advice: Advice, corpus: Corpus | None = None, verdicts: Sequence[BlindVerdict] = ()
) -> Recommendation:
    """Choose among the settings of a sweep that kept its values by query (`evaluate`'s, not a stored one).

    With the `corpus` that was measured, groups of its queries are looked at. `verdicts` take the place of the labels'
    differences. Raises `LabError` if the reference or the metric was not measured, or the result is a stored one.
    """
    reference_key, metric, kind = _reference(result, advice)
    reference = result.full_values[reference_key]
    keys = _affordable([key for key in result.per_query if key[3] == metric and key[1] is not None], advice.most_bytes)
    columns = [_judged_values(result, key, reference, verdicts) for key in keys]
    bootstrap = PairedBootstrap(len(reference))
    shares = bound_shares(np.stack(columns, axis=1), reference, bootstrap)
    shares = shares.with_certain([key == reference_key for key in keys])
    by_setting = dict(zip(_settings(keys, shares, advice.target), columns, strict=True))
    settings = list(by_setting)
    order = sorted(range(len(settings)), key=lambda place: _cost(settings[place]))
    best = next((settings[place] for place in order if settings[place].verdict == HOLDS), None)
    rivals = _rivals(settings, best)
    nearest = best or next(iter(rivals), None)
    place = settings.index(best) if best else None
    return Recommendation(
        advice=replace(advice, metric=metric),
        corpus=result.corpus,
        kind="estimate" if kind == "quality" and result.stand_ins else kind,
        n_queries=result.n_queries,
        reference_value=float(reference.mean()),
        reference_bytes=4 * int(reference_key[1] or 0),
        best=best,
        rivals=rivals,
        runners_up=_runners_up(by_setting, reference, best, bootstrap),
        settlement=judge_settlement(shares, advice.target, order, place, len(reference)),
        groups=_groups(result, corpus, by_setting[nearest] if nearest else None, reference, advice.target),
        settings=tuple(settings[place] for place in order),
        lost_ids=_lost_queries(result, reference, by_setting[best]) if best else (),
        notes=(*result.notes, *_left_out(result)),
        stand_ins=result.stand_ins,
        n_verdicts=len({(verdict.query_id, verdict.setting) for verdict in verdicts}),
    )


def advice_plan(advice: Advice, arms: Sequence[str], dims: tuple[int, ...] | None = None) -> SweepPlan:
    """The sweep that the advisor needs: the arms and the reference, the usual precisions, the one metric."""
    named = tuple(dict.fromkeys((advice.reference, *arms)))
    return SweepPlan(named, dims, precisions=PRECISION_SETS["usual"], metrics=(advice.metric,))


def _left_out(result: SweepResult) -> tuple[str, ...]:
    """A note on arms that have no length to choose."""
    named = dict.fromkeys(key[0] for key in result.per_query if key[1] is None)
    return tuple(f"{name} has no vectors, so no length to choose: it is left out." for name in named)


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


def _affordable(keys: list[RowKey], most_bytes: int) -> list[RowKey]:
    """The settings that a search keeps in at most `most_bytes` a vector, all for 0; raises `LabError` if none is."""
    sizes = [bytes_per_vector(key[2], int(key[1] or 0)) for key in keys]
    if most_bytes and min(sizes) > most_bytes:
        says = f"Nothing measured fits into {most_bytes} bytes a vector: the smallest takes {min(sizes)}."
        raise LabError(f"{says} Allow shorter lengths or coarser precisions.").about("bytes")
    return [key for key, size in zip(keys, sizes, strict=True) if not most_bytes or size <= most_bytes]


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


def _judged_values(
    result: SweepResult, key: RowKey, reference: FloatMatrix, verdicts: Sequence[BlindVerdict]
) -> FloatMatrix:
    values = result.per_query[key]
    if not verdicts:
        return values
    return apply_verdicts(values, reference, f"{key[0]} {key[1]} {key[2]}", result.query_ids, verdicts)


def _runners_up(
    by_setting: Mapping[Setting, FloatMatrix],
    reference: FloatMatrix,
    best: Setting | None,
    bootstrap: PairedBootstrap,
    limit: int = 3,
) -> tuple[RunnerUp, ...]:
    """The next cheapest settings that hold, and how much more they keep."""
    if best is None:
        return ()
    others = sorted((setting for setting in by_setting if setting.verdict == HOLDS and setting != best), key=_cost)
    others = others[:limit]
    if not others:
        return ()
    gains = np.stack([by_setting[setting] - by_setting[best] for setting in others], axis=1)
    intervals = bootstrap.ratios(gains, np.repeat(reference[:, None], len(others), axis=1))
    return tuple(
        RunnerUp(setting, gain.value, gain.low, gain.high, is_tie=gain.low <= 0 <= gain.high)
        for setting, gain in zip(others, intervals, strict=True)
    )


def _groups(
    result: SweepResult, corpus: Corpus | None, values: FloatMatrix | None, reference: FloatMatrix, target: float
) -> GroupShares:
    if corpus is None or values is None:
        return GroupShares((), 0)
    by_id = {query.id: query for query in corpus.queries}
    queries = [by_id[query_id] for query_id in result.query_ids]
    return judge_groups(group_queries(queries, corpus), values, reference, target)


def _lost_queries(result: SweepResult, reference: FloatMatrix, values: FloatMatrix) -> tuple[str, ...]:
    """Ids of the queries that the reference answers and the chosen setting does not at all, best answered first."""
    rows = np.flatnonzero((reference > 0) & (values <= 0))
    return tuple(result.query_ids[row] for row in rows[np.argsort(-reference[rows], kind="stable")])


def _disk_text(setting: Setting) -> str:
    more = setting.bytes_kept - setting.bytes_searched
    return f"; {more:,} more, a disk will do, to rescore with" if more else ""


def _shares_text(setting: Setting) -> str:
    return f"{setting.share:.1%}, at least {setting.lower:.1%}"


def setting_name(setting: Setting) -> str:
    """A setting in words."""
    return f"{setting.arm} with {setting.dim} dimensions in {setting.precision}"
