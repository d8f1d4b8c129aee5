"""The noun of this room: a model and a transform, drawn and listed in one way everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from mrl_demo.arms.transforms.base import Transform
from mrl_demo.arms.transforms.cut import Cut
from mrl_demo.arms.transforms.sparse_codes import SparseCodes
from mrl_demo.core.errors import ModelError
from mrl_demo.core.style import Style
from mrl_demo.core.types import ArmSpec


class ArmGroup(Enum):
    """What a method is for, in the order of long lists: a model, fitted to the documents, a control, or other."""

    MODEL = "model"
    FITTED = "fitted"
    CONTROL = "control"
    OTHER = "other"


@dataclass(frozen=True)
class Arm(ArmSpec):
    """One contender: which encoder, what is done to its vectors before the cut, and how it is shown.

    `style` is None for models that join later: they get a spare one. `contender` is its order among the arms that
    stand beside `base` at first (1 comes first), 0 for none. Every arm can be evaluated; `in_compare` says whether the
    Compare menu has it too, `is_baseline` whether `training evaluate` measures new models against it; `group` is its
    place in long lists. An arm without an encoder (bm25) has no vectors, so it is never searched.

    >>> Arm("mine", "My model", "A model of mine.", "mine").transform.name
    'cut'
    """

    transform: Transform = field(default_factory=Cut)
    style: Style | None = None
    contender: int = 0
    in_compare: bool = True
    is_baseline: bool = False
    group: ArmGroup = ArmGroup.OTHER

    @property
    def has_vectors(self) -> bool:
        """Whether it can be searched and cut."""
        return bool(self.encoder)

    @property
    def is_sparse(self) -> bool:
        """Whether it keeps sparse codes, of which units are kept instead of a prefix."""
        return isinstance(self.transform, SparseCodes)

    @property
    def has_prefixes(self) -> bool:
        """Whether it has vectors that are cut to a prefix, as most of the house wants them."""
        return self.has_vectors and not self.is_sparse


def at_depth(arm: Arm, layers: int) -> Arm:
    """The arm with the first `layers` layers of its encoder alone: `NAME@LAYERS`."""
    name = "1 layer" if layers == 1 else f"{layers} layers"
    return replace(
        arm,
        name=f"{arm.name}@{layers}",
        label=f"{arm.label}, {name}",
        encoder=f"{arm.encoder}@{layers}",
        style=None,
        contender=0,
        group=ArmGroup.OTHER,
    )


def require_prefixes(arm: Arm) -> Arm:
    """The arm, if its vectors can be cut to a prefix; raises `ModelError` for sparse codes."""
    if arm.is_sparse:
        raise ModelError(
            f"{arm.name} keeps sparse codes, which have no prefix to cut: it can be searched and evaluated, and "
            "nothing else. Choose another arm here."
        )
    return arm
