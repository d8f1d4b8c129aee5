"""Random dimensions kept: what a cut without any thought costs (arXiv 2508.17744)."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt import Rotation
from mrl_demo.adapt.rotation import random_permutation
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.types import Progress

#: How many permutations are measured.
RANDOM_SEEDS = 5


@dataclass(frozen=True)
class RandomOrder:
    """A seeded permutation of the dimensions; without a seed that of the material.

    >>> [variant.seed for variant in RandomOrder().variants()]
    [0, 1, 2, 3, 4]
    """

    name: str = "random"
    suffix: str = "random"
    suffix_label: str = "random numbers kept"
    fitted_on: FittedOn = FittedOn.NOTHING
    seed: int | None = None

    def variants(self) -> tuple[RandomOrder, ...]:
        """One for each of `RANDOM_SEEDS` seeds."""
        return tuple(RandomOrder(seed=seed) for seed in range(RANDOM_SEEDS))

    def key(self, material: FitMaterial) -> str:  # noqa: ARG002 - a permutation costs nothing
        """Nothing is kept."""
        return ""

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Rotation:  # noqa: ARG002
        """The permutation."""
        return random_permutation(material.documents.shape[1], material.seed if self.seed is None else self.seed)
