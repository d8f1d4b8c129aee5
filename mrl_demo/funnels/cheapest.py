"""The cheapest cascade that surely keeps a share of what exact search gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrl_demo.advisor.bands import HOLDS, bound_shares
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.judging.ranked import MeasuredArm, RankedList
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.funnels.measure import FUNNEL_RESULTS, agreements, exact_lists
from mrl_demo.search.cascade import Cascade, FunnelStage, paper_cascade
from mrl_demo.search.funnel import FunnelIndex
from mrl_demo.search.prefix import PrefixIndex

_DIMS = (8, 16, 32, 64, 96, 128, 192)
_KEEPS = (20, 50, 100, 200, 400)
_CODES = ("int8", "binary-mean")


@dataclass(frozen=True)
class CascadeOption:
    """One cascade: bytes a query reads, the share it keeps, and a 95% bound for all that were tried together."""

    cascade: str
    bytes_read: int
    share: float
    lower: float
    agreement: float
    verdict: str


@dataclass(frozen=True)
class CheapestCascade:
    """The cascade of fewest bytes whose bound reaches `target`, None if there is none; `options` by rising bytes.

    Shares are of the exact search's `measure`: the metric, or "agreement" with its first ten if nothing is judged.
    """

    target: float
    measure: str
    n_queries: int
    exact_bytes_read: int
    best: CascadeOption | None
    options: tuple[CascadeOption, ...]

    def sentence(self) -> str:
        """The answer in words."""
        wanted = f"{self.target:.1%} of exact search by {self.measure}"
        if self.best is None:
            near = max(self.options, key=lambda option: option.lower)
            return (
                f"No cascade tried is sure to keep {wanted} ({self.n_queries:,} queries). The nearest is "
                f"{near.cascade}: {near.share:.1%}, at least {near.lower:.1%}."
            )
        saved = self.exact_bytes_read / self.best.bytes_read
        return (
            f"{self.best.cascade} is the cheapest of {len(self.options)} cascades that keeps {wanted}: "
            f"{self.best.share:.1%}, at least {self.best.lower:.1%} ({self.n_queries:,} queries), reading {saved:.1f} "
            "times fewer bytes."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the answer in words."""
        return {**asdict(self), "sentence": self.sentence()}


def check_share(target: float) -> float:
    """Return `target`; raises `LabError` if it is not above 0 and at most 1."""
    if not 0 < target <= 1:
        raise LabError(f"keep is {target}: it must be above 0 and at most 1, as in 0.99.").about("keep")
    return target


def find_cheapest(
    measured: MeasuredArm, target: float, metric_name: str, progress: Progress | None = None
) -> CheapestCascade:
    """Measure shortlists of many lengths, sizes and codes, and the paper's cascade, on the same queries."""
    check_share(target)
    say = progress or (lambda _share, _text: None)
    metric, n = parse_metric(metric_name), len(measured.documents)
    index = FunnelIndex(PrefixIndex(measured.vectors.documents))
    exact = exact_lists(measured, index.scan)
    by_quality = measured.judged.is_judged and not metric.is_agreement
    reference = measured.values(exact, metric) if by_quality else np.ones(len(exact), np.float32)
    cascades: list[Cascade] = []
    columns: list[FloatMatrix] = []
    overlaps: list[float] = []
    for cascade, lists in _all_lists(measured, index, say):
        overlap = agreements(lists, exact)
        cascades.append(cascade)
        columns.append(measured.values(lists, metric) if by_quality else overlap)
        overlaps.append(float(overlap.mean()))
    shares = bound_shares(np.stack(columns, axis=1), reference, PairedBootstrap(len(exact)))
    options = [
        CascadeOption(
            cascade.name,
            cascade.bytes_read(n),
            float(share),
            float(lower),
            overlap,
            HOLDS if lower >= target else "does not surely hold",
        )
        for cascade, share, lower, overlap in zip(cascades, shares.estimates, shares.lower, overlaps, strict=True)
    ]
    options.sort(key=lambda option: (option.bytes_read, -option.lower))
    best = next((option for option in options if option.verdict == HOLDS), None)
    full_bytes = 4 * measured.full_dim * n
    return CheapestCascade(
        target, metric.name if by_quality else "agreement", len(exact), full_bytes, best, tuple(options)
    )


def _all_lists(measured: MeasuredArm, index: FunnelIndex, say: Progress) -> Iterator[tuple[Cascade, list[RankedList]]]:
    """Every cascade with its list for every query; shortlists of one length and code are beginnings of the longest."""
    full, k = measured.full_dim, min(FUNNEL_RESULTS, len(measured.documents))
    firsts = [(dim, "float32") for dim in _DIMS if dim < full]
    firsts += [(dim, code) for code in _CODES for dim in (*(dim for dim in (64, 128) if dim < full), full)]
    for place, (dim, code) in enumerate(firsts):
        say(place / len(firsts), f"Shortlists by {dim} numbers in {code}")
        longest = Cascade((FunnelStage(dim, max(_KEEPS), code), FunnelStage(full, max(_KEEPS))))
        runs = _runs(measured, index, longest)
        for keep in _KEEPS:
            if keep < k:
                continue
            cascade = Cascade((FunnelStage(dim, keep, code), FunnelStage(full, k)))
            yield cascade, [_beginning(first, last, keep, k) for first, last in runs]
    paper = paper_cascade(full, k)
    yield paper, [last for _, last in _runs(measured, index, paper)]


def _runs(measured: MeasuredArm, index: FunnelIndex, cascade: Cascade) -> list[tuple[RankedList, RankedList]]:
    """First and last stage of every query."""
    runs = []
    for query, own in zip(measured.vectors.queries, measured.judged.own_document, strict=True):
        passed = index.run(query, cascade, 1, excluded=int(own)).passed
        first, last = passed[0], passed[-1]
        runs.append((RankedList(first.documents, first.scores), RankedList(last.documents, last.scores)))
    return runs


def _beginning(first: RankedList, last: RankedList, keep: int, k: int) -> RankedList:
    """What comes out if only the first `keep` of a shortlist had been let through."""
    is_in = np.isin(last.documents, first.documents[:keep])
    return RankedList(last.documents[is_in][:k], last.scores[is_in][:k])


def cheapest_shown(options: Sequence[CascadeOption]) -> list[CascadeOption]:
    """Options that no cheaper one matches, cheapest first."""
    shown: list[CascadeOption] = []
    for option in options:
        if not shown or option.share > shown[-1].share:
            shown.append(option)
    return shown
