"""Blind A/B: two unlabelled rankings at one length, sides shuffled; the preference against what a coin would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrl_demo.core.errors import LabError

LEFT, RIGHT, SAME = "left", "right", "same"
PICKS = (LEFT, RIGHT, SAME)


@dataclass(frozen=True)
class BlindRound:
    """Two arms under the names "left" and "right"; which is which is told after the pick.

    >>> BlindRound("base", "tuned").arm_of("right")
    'tuned'
    """

    left: str
    right: str

    def arm_of(self, pick: str) -> str:
        """The arm behind a pick, "" for "same"; raises `LabError` for anything else."""
        if pick not in PICKS:
            raise LabError(f"{pick!r} is no pick: choose one of {', '.join(PICKS)}.")
        return {LEFT: self.left, RIGHT: self.right, SAME: ""}[pick]


@dataclass(frozen=True)
class BlindScore:
    """Picks so far: how often the `contender` was preferred, how often the other, how often neither.

    >>> score = BlindScore("tuned", preferred=6, other=2)
    >>> round(score.chance, 3)
    0.145
    """

    contender: str
    preferred: int = 0
    other: int = 0
    same: int = 0

    @property
    def decided(self) -> int:
        """Picks that chose a side."""
        return self.preferred + self.other

    @property
    def chance(self) -> float:
        """How likely a coin prefers the contender as often or more often; 1 before the first decided pick."""
        if not self.decided:
            return 1.0
        from scipy.stats import binomtest  # Half a second that the first view does not need.

        return float(binomtest(self.preferred, self.decided, 0.5, alternative="greater").pvalue)

    def after(self, arm: str) -> BlindScore:
        """The score after a pick of `arm`, "" for neither."""
        return BlindScore(
            self.contender,
            self.preferred + (arm == self.contender),
            self.other + (arm not in {"", self.contender}),
            self.same + (arm == ""),
        )

    def sentence(self, label: str) -> str:
        """The score in words, with what a coin would do."""
        if not self.decided:
            return f"{self.same} rounds, no side preferred yet."
        coin = "less than 1%" if self.chance < 0.01 else f"{self.chance:.0%}"
        return (
            f"You preferred {label} {self.preferred} of {self.decided} times"
            f"{f' ({self.same} undecided)' if self.same else ''}. A coin gives {self.preferred} or more in {coin} of"
            " games."
        )


def blind_round(first: str, second: str, seed: int, number: int) -> BlindRound:
    """Round `number` of a game: sides shuffled by the seed, the same for whoever plays with it."""
    swapped = bool(np.random.default_rng([seed, number]).integers(2))
    return BlindRound(second, first) if swapped else BlindRound(first, second)
