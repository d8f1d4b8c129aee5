"""Whose turn it is: visitors who wait for heavy work take turns, however much each of them asks for."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

#: Visitors remembered; who was served longest ago is forgotten, and is next anyway.
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Claimant:
    """Who waits: a visitor's session, and the address it comes from, which a visitor cannot choose."""

    session: str
    address: str


@dataclass
class FairTurns:
    """When each visitor was last served, over all lines that share it; its holder keeps it to one thread at a time.

    Addresses take turns, and so do the sessions of one address: ten tasks of one visitor are served between those of
    others, and sessions made up at one address gain nothing. Who has work under way on another line comes last.

    >>> turns, greedy, modest = FairTurns(), [Claimant("a", "1.1.1.1")], [Claimant("b", "2.2.2.2")]
    >>> turns.order([greedy, greedy, greedy, modest])
    [0, 3, 1, 2]
    """

    _clock: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _served: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _under_way: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, waiting: Sequence[Collection[Claimant]]) -> list[int]:
        """Places in `waiting` (who waits for each task, in the order of asking) in the order of their turns."""
        with self._lock:
            served, busy, now = dict(self._served), set(self._under_way), next(self._clock)
        left, turns = list(range(len(waiting))), []
        while left:
            first = min(left, key=lambda place: _rank(waiting[place], served, busy))
            left.remove(first)
            turns.append(first)
            for name in _names(waiting[first]):
                served[name] = now + len(turns)
        return turns

    def begin(self, claimants: Collection[Claimant]) -> None:
        """They are served now."""
        with self._lock:
            now = next(self._clock)
            for name in _names(claimants):
                self._served[name] = now
                self._served.move_to_end(name)
                self._under_way[name] += 1
            while len(self._served) > _MOST_REMEMBERED:
                self._served.popitem(last=False)

    def end(self, claimants: Collection[Claimant]) -> None:
        """What was begun for them has ended."""
        with self._lock:
            self._under_way -= Counter(_names(claimants))


def _rank(claimants: Collection[Claimant], served: dict[str, int], busy: set[str]) -> tuple[bool, int, int]:
    """A task that several wait for has the turn of the one among them who is next."""
    ranks = (
        (f"s{who.session}" in busy, served.get(f"a{who.address}", 0), served.get(f"s{who.session}", 0))
        for who in claimants
    )
    return min(ranks, default=(False, 0, 0))


def _names(claimants: Collection[Claimant]) -> set[str]:
    return {f"a{who.address}" for who in claimants} | {f"s{who.session}" for who in claimants}
