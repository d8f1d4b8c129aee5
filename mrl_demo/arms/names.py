"""The grammar of contenders: any arm, any model, and any model with `+adapted`, `+pca` or `+random`."""

from __future__ import annotations

from dataclasses import replace

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.catalogue import shipped_arms
from mrl_demo.arms.menu import ArmMenu
from mrl_demo.arms.transforms.base import FittedOn, Transform
from mrl_demo.core.errors import ModelError


def suffixes() -> dict[str, Transform]:
    """What may follow a model's name after a plus, and the transform it stands for."""
    return {arm.transform.suffix: arm.transform for arm in shipped_arms() if arm.transform.suffix}


def split_name(name: str, known: set[str]) -> tuple[str, str]:
    """`name` as a model's name and a suffix, "" without one; a plus in a model's own name is left alone.

    >>> split_name("base+pca", {"base"}), split_name("my+model", {"my+model"}), split_name("a+b", {"a"})
    (('base', 'pca'), ('my+model', ''), ('a+b', ''))
    """
    stem, _, suffix = name.rpartition("+")
    return (stem, suffix) if name not in known and stem and suffix in suffixes() else (name, "")


def resolve_arm(name: str, menu: ArmMenu) -> Arm:
    """The arm of that name; raises `ModelError` naming what there is.

    Arms of the catalogue first, then models of the registry by name, then either with a suffix.
    """
    known = {arm.name: arm for arm in (*shipped_arms(), *menu.arms())}
    if name in known:
        return known[name]
    encoders = menu.encoders
    stem, suffix = split_name(name, {*known, *encoders.names()})
    if suffix:
        return _with_suffix(resolve_arm(stem, menu), name, suffix)
    if name in encoders.names():
        return Arm(name, name, "A model of the registry, cut.", name, trained_dims=encoders.trained_dims(name))
    raise ModelError(
        f"There is no arm {name!r}: choose among {', '.join(known)}, a model ({', '.join(encoders.names())}), "
        f"or any model with {', '.join('+' + each for each in suffixes())}."
    )


def _with_suffix(arm: Arm, name: str, suffix: str) -> Arm:
    transform = suffixes()[suffix]
    if not arm.has_vectors:
        raise ModelError(f"{name!r} is not possible: {arm.name!r} has no vectors.")
    if arm.transform.name != "cut":
        done = "in random order" if arm.transform.fitted_on is FittedOn.NOTHING else "rotated"
        raise ModelError(f"{name!r} is not possible: {arm.name!r} is already {done} ({arm.transform.name}).")
    return replace(arm, name=name, label=f"{arm.label} + {transform.suffix_label}", transform=transform, style=None)
