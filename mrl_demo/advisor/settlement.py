"""Is it settled? Whether cheaper settings are ruled out, and how many judged queries more would tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.advisor.bands import SharesKept

#: More queries than this times those at hand is no advice: two settings that are this near are a tie.
_TIE_FROM = 50


@dataclass(frozen=True)
class Settlement:
    """Whether the queries settle which setting is the smallest that holds.

    `is_settled` if, with 95% certainty for all of it together, the setting named holds and every cheaper one does not.
    Else `more_queries` would settle it by the spread seen so far, and `open_settings` cheaper ones are still open; None
    if some share is so near the target that no reasonable number would (`is_tie`).
    """

    is_settled: bool
    open_settings: int
    more_queries: int | None
    is_tie: bool

    def sentence(self) -> str:
        """The answer in words."""
        if self.is_settled:
            return "Settled: with 95% certainty it holds, and no cheaper setting does."
        still = f"{self.open_settings:,} cheaper setting{'s' if self.open_settings != 1 else ''} may hold too"
        if not self.open_settings:
            still = "No cheaper setting is in question, but it is not sure that any holds"
        if self.is_tie:
            return f"Not settled: {still}. It is a tie: one is so near the target that more queries would hardly tell."
        more = ""
        if self.more_queries:
            more = f" About {about(self.more_queries):,} more judged queries would settle it."
        return f"Not settled: {still}.{more}"


def about(count: int) -> int:
    """A number to two significant digits: an estimate is no more exact.

    >>> about(6_001), about(137), about(9)
    (6000, 140, 9)
    """
    unit = 10 ** max(0, len(str(count)) - 2)
    return round(count / unit) * unit


def judge_settlement(
    shares: SharesKept, target: float, order: Sequence[int], best: int | None, n_queries: int
) -> Settlement:
    """Judge the settings in `order` (cheapest first) up to `best`, the one named; all of them if none is.

    The number of queries is that at which, the estimates staying as they are, every setting up to the first whose
    estimate reaches the target is told from the target.
    """
    places = list(order)
    cheaper = places if best is None else places[: places.index(best)]
    is_open = [place for place in cheaper if shares.low[place] < target <= shares.high[place]]
    if best is not None and not is_open and shares.low[best] >= target:
        return Settlement(is_settled=True, open_settings=0, more_queries=None, is_tie=False)
    needed = 0.0
    for place in places:
        distance = abs(shares.estimates[place] - target)
        needed = max(needed, _queries_needed(shares, place, float(distance), n_queries))
        if shares.estimates[place] >= target:
            break
    is_tie = needed > _TIE_FROM * n_queries
    more = None if is_tie else max(1, int(np.ceil(needed - n_queries)))
    return Settlement(is_settled=False, open_settings=len(is_open), more_queries=more, is_tie=is_tie)


def _queries_needed(shares: SharesKept, place: int, distance: float, n_queries: int) -> float:
    """Queries at which a two-sided bound of this setting would just leave out the target."""
    reach = max(shares.both_width * float(shares.errors[place]), float(shares.least[place]))
    return float("inf") if distance == 0 else n_queries * (reach / distance) ** 2
