"""A budget of bytes a vector: the best setting that fits, the runner-up, and whether the queries tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.stats import Interval, PairedBootstrap
from mrl_demo.evaluation.sweeps.plan import BYTE_PRECISIONS, SweepPlan
from mrl_demo.evaluation.sweeps.results import RowKey, SweepResult
from mrl_demo.search.quantised import (
    bytes_per_vector,
    parse_precision,
    rescore_bytes_per_vector,
    rescore_bytes_read,
    with_shortlist,
)


@dataclass(frozen=True)
class PricedSetting:
    """One way to store vectors with its value and 95% interval.

    `bytes_searched` is what a search keeps in memory for one vector; rescoring keeps `bytes_rescored` more, on a disk
    perhaps, and reads `bytes_reread` of them for one query. `is_dominated` if something that takes no more bytes is as
    good.
    """

    arm: str
    dim: int
    precision: str
    value: float
    low: float
    high: float
    bytes_searched: int
    bytes_rescored: int
    bytes_reread: int
    is_dominated: bool = False

    @property
    def name(self) -> str:
        """The setting in words."""
        return f"{self.arm} with {self.dim} numbers in {self.precision}"


@dataclass(frozen=True)
class ByteBudget:
    """The answer to "I have so many bytes a vector".

    `lead` is the best setting's value less the runner-up's, paired, None if nothing else fits; `rivals` are all other
    settings that fit and that the queries cannot tell from the best. `plain` is the longest float32 cut that fits.
    """

    corpus: str
    metric: str
    n_queries: int
    stand_ins: str
    bytes_a_vector: int
    best: PricedSetting
    runner_up: PricedSetting | None
    lead: Interval | None
    n_rivals: int
    plain: PricedSetting | None
    settings: tuple[PricedSetting, ...]

    @property
    def is_tie(self) -> bool:
        """Whether the queries cannot tell the best from the runner-up."""
        return self.lead is not None and self.lead.low <= 0

    def sentence(self) -> str:
        """The answer in words."""
        best, figure = self.best, f"{self.metric} {self.best.value:.3f} [{self.best.low:.3f}, {self.best.high:.3f}]"
        shortlist = parse_precision(best.precision).shortlist
        queries = f"{self.n_queries:,} {self.stand_ins + ' in place of queries' if self.stand_ins else 'queries'}"
        rescored = (
            f" Rescoring its shortlist of {shortlist} reads {best.bytes_reread:,} bytes a query of a copy of "
            f"{best.bytes_rescored:,} bytes a vector, for which a disk will do."
            if best.bytes_rescored
            else ""
        )
        return (
            f"For {self.bytes_a_vector:,} bytes a vector: {best.name}, {best.bytes_searched:,} bytes, {figure} "
            f"({queries}).{rescored} {self._rival_text()} {self._plain_text()}".strip()
        )

    def labelled(self, labels: Mapping[str, str], metric: str = "") -> ByteBudget:
        """The same for a reader: arms by their labels, those without one by name, and the metric as it is spelt."""

        def name(setting: PricedSetting) -> PricedSetting:
            return replace(setting, arm=labels.get(setting.arm, setting.arm))

        return replace(
            self,
            metric=metric or self.metric,
            best=name(self.best),
            runner_up=name(self.runner_up) if self.runner_up else None,
            plain=name(self.plain) if self.plain else None,
            settings=tuple(map(name, self.settings)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the answer in words."""
        return {**asdict(self), "is_tie": self.is_tie, "sentence": self.sentence()}

    def _rival_text(self) -> str:
        if self.runner_up is None or self.lead is None:
            return "Nothing else that was measured fits."
        gap = f"{self.lead.value:+.3f} [{self.lead.low:+.3f}, {self.lead.high:+.3f}]"
        told = "the queries cannot tell them apart" if self.is_tie else "the queries tell them apart"
        more = f" {self.n_rivals:,} settings that fit are not told from the best." if self.n_rivals > 1 else ""
        return f"Runner-up: {self.runner_up.name}, {self.runner_up.bytes_searched:,} bytes: {gap}, {told}.{more}"

    def _plain_text(self) -> str:
        if self.plain is None:
            return "No float32 vector that was measured is so short."
        return f"{self.plain.dim} float32 numbers, the usual cut, would have {self.plain.value:.3f}."


def byte_plan(
    arms: Sequence[str], metric: str = "ndcg@10", dims: tuple[int, ...] | None = None, shortlist: int = 0
) -> SweepPlan:
    """The sweep that a budget needs: the arms at every length and precision, the one metric.

    A `shortlist` other than 0 is how many documents are rescored; raises `PrecisionError` for one that cannot be.
    """
    precisions = tuple(with_shortlist(name, shortlist) if shortlist else name for name in BYTE_PRECISIONS)
    return SweepPlan(tuple(arms), dims, precisions=precisions, metrics=(metric,))


def check_budget(bytes_a_vector: int) -> int:
    """Return the budget; raises `LabError` if it is below one byte."""
    if bytes_a_vector < 1:
        raise LabError(f"A budget of {bytes_a_vector} bytes holds no vector: give 1 or more.").about("bytes")
    return bytes_a_vector


def spend_bytes(result: SweepResult, bytes_a_vector: int, metric: str) -> ByteBudget:
    """Choose among the settings of a sweep that kept its values by query; by agreement if the metric was not measured.

    Raises `LabError` for a budget that is below one byte, or that nothing measured fits.
    """
    check_budget(bytes_a_vector)
    measured = [key for key in result.per_query if key[1] is not None]
    metrics = list(dict.fromkeys(key[3] for key in measured))
    chosen = metric if metric in metrics else next(iter(metrics), "")
    keys = [key for key in measured if key[3] == chosen]
    if not keys:
        if result.per_query:
            named = ", ".join(dict.fromkeys(key[0] for key in result.per_query))
            raise LabError(f"{named} has no vectors to spend bytes on: name another arm.").about("arms")
        raise LabError("These results keep averages only: measure them here to compare settings query by query.")
    bootstrap = PairedBootstrap(result.n_queries)
    settings = price_settings(result, keys, bootstrap)
    fits = [row for row, setting in enumerate(settings) if setting.bytes_searched <= bytes_a_vector]
    if not fits:
        least = min(setting.bytes_searched for setting in settings)
        raise LabError(
            f"Nothing measured fits into {bytes_a_vector} bytes a vector: the smallest takes {least}."
        ).about("bytes")
    fits.sort(key=lambda row: (-settings[row].value, settings[row].bytes_searched, settings[row].bytes_rescored))
    values = [result.per_query[key] for key in keys]
    best, *others = fits
    leads = _leads(values, best, others, bootstrap)
    plain = [settings[row] for row in fits if settings[row].precision == "float32"]
    return ByteBudget(
        corpus=result.corpus,
        metric=chosen,
        n_queries=result.n_queries,
        stand_ins=result.stand_ins,
        bytes_a_vector=bytes_a_vector,
        best=settings[best],
        runner_up=settings[others[0]] if others else None,
        lead=leads[0] if leads else None,
        n_rivals=sum(lead.low <= 0 for lead in leads),
        plain=max(plain, key=lambda setting: (setting.dim, setting.value), default=None),
        settings=tuple(sorted(settings, key=lambda setting: (setting.bytes_searched, -setting.value))),
    )


def price_settings(result: SweepResult, keys: Sequence[RowKey], bootstrap: PairedBootstrap) -> list[PricedSetting]:
    """Bytes and value of every key, and whether another that takes no more bytes, rescoring included, is as good."""
    intervals = bootstrap.intervals(np.stack([result.per_query[key] for key in keys], axis=1))
    priced = []
    for (arm, dim, precision, _), interval in zip(keys, intervals, strict=True):
        length = int(dim or 0)
        sizes = (
            bytes_per_vector(precision, length),
            rescore_bytes_per_vector(precision, length),
            rescore_bytes_read(precision, length),
        )
        priced.append(PricedSetting(arm, length, precision, interval.value, interval.low, interval.high, *sizes))
    order = sorted(range(len(priced)), key=lambda row: (priced[row].bytes_searched, -priced[row].value))
    best, marked = -np.inf, list(priced)
    for row in order:
        one = priced[row]
        if one.value <= best:
            marked[row] = PricedSetting(**{**asdict(one), "is_dominated": True})
        best = max(best, one.value)
    return marked


def _leads(
    values: Sequence[FloatMatrix], best: int, others: Sequence[int], bootstrap: PairedBootstrap
) -> list[Interval]:
    if not others:
        return []
    return bootstrap.intervals(np.stack([values[best] - values[row] for row in others], axis=1))
