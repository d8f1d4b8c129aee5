"""How long a run will take: its stages with the seconds expected of each, corrected by how long they really took."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: A stage done in less than this share of the time expected found its vectors in the cache: it says nothing of speed.
_FROM_CACHE = 0.2
#: Too little of a stage has passed to learn from.
_LEAST_SECONDS = 5.0
_SLOWEST, _FASTEST = 10.0, 0.1


@dataclass(frozen=True)
class Stage:
    """A part of a run, named for the person who waits, and the `seconds` expected of it.

    `is_one` if the share told is of the whole stage; otherwise the stage is of several things, each from 0 to 1.
    """

    name: str
    seconds: float
    is_one: bool = True


@dataclass
class Wait:
    """The time left of a run that goes through `stages` one after another.

    >>> wait = Wait((Stage("reading", 10.0), Stage("training", 30.0)), clock=lambda: 0.0)
    >>> wait.begin("reading")
    >>> wait.left(0.5), wait.place
    (35.0, '1 of 2: reading')
    """

    stages: Sequence[Stage]
    clock: Callable[[], float] = time.monotonic
    _at: int = 0
    _begun: float = 0.0
    _expected: float = field(default=0.0)
    _took: float = field(default=0.0)

    def begin(self, name: str) -> None:
        """The stage of that name begins, and the one before it is over; an unknown name changes nothing."""
        names = [stage.name for stage in self.stages]
        if name not in names:
            return
        if self._begun:
            took, expected = self.clock() - self._begun, self.stages[self._at].seconds
            if took >= _FROM_CACHE * expected:
                self._took, self._expected = self._took + took, self._expected + expected
        self._at, self._begun = names.index(name), self.clock()

    def left(self, share: float) -> float:
        """Seconds until the end of the run, `share` of the present stage being done."""
        now, following = self.stages[self._at], self.stages[self._at + 1 :]
        took, expected = self._took, self._expected
        here = self.clock() - self._begun
        if now.is_one and here >= _LEAST_SECONDS and share > 0 and here >= _FROM_CACHE * share * now.seconds:
            took, expected = took + here, expected + share * now.seconds
        pace = min(max(took / expected, _FASTEST), _SLOWEST) if expected and took >= _LEAST_SECONDS else 1.0
        rest = pace * now.seconds * (1 - min(share, 1.0)) if now.is_one else max(pace * now.seconds - here, 0.0)
        return rest + pace * sum(stage.seconds for stage in following)

    @property
    def place(self) -> str:
        """Which stage of how many, and its name."""
        return f"{self._at + 1} of {len(self.stages)}: {self.stages[self._at].name}"


def spoken_time(seconds: float) -> str:
    """Seconds, minutes or hours, as people say it.

    >>> spoken_time(40), spoken_time(1_500), spoken_time(9_000)
    ('40 s', '25 min', '2.5 h')
    """
    whole = max(round(seconds), 1)
    if whole < 90:
        return f"{whole} s"
    return f"{round(whole / 60)} min" if whole < 5_400 else f"{whole / 3600:.1f} h"
