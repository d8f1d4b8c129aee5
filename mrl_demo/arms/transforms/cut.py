"""No transform: vectors are cut and re-normalised as they come."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.arms.transforms.base import FitMaterial, FittedOn, Identity
from mrl_demo.core.types import Progress


@dataclass(frozen=True)
class Cut:
    """Leave the vectors alone.

    >>> from mrl_demo.arms.arm import Arm
    >>> Arm("mine", "My model", "A model of mine.", "mine").transform == Cut()
    True
    """

    name: str = "cut"
    suffix: str = ""
    suffix_label: str = ""
    fitted_on: FittedOn = FittedOn.NOTHING

    def variants(self) -> tuple[Cut, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:  # noqa: ARG002 - nothing is fitted
        """Nothing is kept."""
        return ""

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Identity:  # noqa: ARG002
        """The map that changes nothing."""
        return Identity()
