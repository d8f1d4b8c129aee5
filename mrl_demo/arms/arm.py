"""The noun of this room: a model and a transform, drawn and listed in one way everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from mrl_demo.arms.transforms.base import Transform
from mrl_demo.arms.transforms.cut import Cut
from mrl_demo.core.style import Style
from mrl_demo.core.types import ArmSpec


@dataclass(frozen=True)
class Arm(ArmSpec):
    """One contender: which encoder, what is done to its vectors before the cut, and how it is shown.

    `style` is None for models that join later: they get a spare one. `contender` is its order among the arms that
    stand beside `base` at first (1 comes first), 0 for none. Every arm can be evaluated; `in_compare` says whether the
    Compare menu has it too, `is_baseline` whether `training evaluate` measures new models against it. An arm without
    an encoder (bm25) has no vectors, so it is never searched.

    >>> Arm("mine", "My model", "A model of mine.", "mine").transform.name
    'cut'
    """

    transform: Transform = field(default_factory=Cut)
    style: Style | None = None
    contender: int = 0
    in_compare: bool = True
    is_baseline: bool = False

    @property
    def has_vectors(self) -> bool:
        """Whether it can be searched and cut."""
        return bool(self.encoder)
