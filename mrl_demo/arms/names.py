"""The grammar of contenders: any arm, any model, and any model with a suffix such as `+adapted`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from mrl_demo.arms.arm import Arm, at_depth
from mrl_demo.arms.catalogue import shipped_arms
from mrl_demo.arms.menu import ArmMenu
from mrl_demo.arms.transforms.base import FittedOn, Transform
from mrl_demo.core.errors import ModelError
from mrl_demo.models.api.address import is_api
from mrl_demo.models.depth import split_depth
from mrl_demo.models.specs import AS_IT_SAYS, HUB_MODELS, ModelOptions


def suffixes() -> dict[str, Transform]:
    """What may follow a model's name after a plus, and the transform it stands for."""
    return {arm.transform.suffix: arm.transform for arm in shipped_arms() if arm.transform.suffix}


def split_name(name: str, known: Collection[str]) -> tuple[str, str]:
    """`name` as a model's name and a suffix, "" without one; a plus in a name that is `known` is no suffix.

    >>> split_name("base+pca", {"base"}), split_name("my+model", {"my+model"}), split_name("a+b", {"a"})
    (('base', 'pca'), ('my+model', ''), ('a+b', ''))
    """
    stem, _, suffix = name.rpartition("+")
    return (stem, suffix) if name not in known and stem and suffix in suffixes() else (name, "")


def resolve_arm(name: str, menu: ArmMenu) -> Arm:
    """The arm of that name; raises `ModelError` naming what there is.

    Arms of the menu first, then models of the registry by name, then either with a suffix or with `@LAYERS`. A Hub
    model is downloaded when its vectors are wanted, so names that visitors send go through `ArmMenu.find` instead.
    """
    if private := menu.private(name):
        return private
    known = {arm.name: arm for arm in (*shipped_arms(), *menu.contenders())}
    if name in known:
        return known[name]
    models = menu.encoders.names()
    stem, suffix = split_name(name, {*known, *models})
    if suffix:
        return _with_suffix(resolve_arm(stem, menu), name, suffix)
    if name in models:
        return Arm(name, name, "A model of the registry, cut.", name, trained_dims=menu.encoders.trained_dims(name))
    stem, layers = split_depth(name)
    if layers and (stem in known or stem in models):
        whole = resolve_arm(stem, menu)
        menu.encoders.encoder(f"{whole.encoder}@{layers}")  # Says how many layers there are if these are too many.
        return at_depth(whole, layers)
    raise ModelError(
        f"There is no arm {name!r}: choose among {', '.join(known)}, a model ({', '.join(models)}, a folder, or "
        f"OWNER/NAME on the Hub), or any model with {', '.join('+' + suffix for suffix in suffixes())}."
    )


def add_arm(given: str, menu: ArmMenu, options: ModelOptions = AS_IT_SAYS) -> str:
    """Put what the owner of this process names on the menu and return the arm's name.

    That is an arm, a model, a folder or `OWNER/NAME[@REVISION]` on the Hub, each with a suffix or without; `options`
    are for the last two. Raises `ModelError` if it is none of these, cannot be loaded, or is rotated already.
    """
    known = _known_names(menu)
    stem, suffix = split_name(given, {*known, given} if _is_folder(given) else known)
    if _is_elsewhere(stem, known):
        name = menu.add_model(stem, options)
    else:
        name = menu.add_model(stem) if stem in menu.encoders.names() else stem
    arm = resolve_arm(f"{name}+{suffix}" if suffix else name, menu)
    if arm not in menu.contenders():
        menu.add(arm)
    return arm.name


def add_private_arms(encoder: str, label: str, origin: str, menu: ArmMenu, wanted: Collection[str]) -> list[Arm]:
    """Arms of a private encoder for one visitor: as it is, and with each of the `suffixes` wanted.

    Raises `ModelError` for a suffix that there is not.
    """
    if unknown := set(wanted) - set(suffixes()):
        raise ModelError(f"There is no way {min(unknown)!r} to re-order vectors: choose {', '.join(suffixes())}.")
    bare = Arm(encoder, label, origin, encoder, trained_dims=menu.encoders.trained_dims(encoder))
    arms = [bare, *(_with_suffix(bare, f"{encoder}+{suffix}", suffix) for suffix in suffixes() if suffix in wanted)]
    for arm in arms:
        menu.add_private(arm)
    return arms


def takes_options(given: str, menu: ArmMenu) -> bool:
    """Whether `given` names a folder or a model of the Hub: what is packaged or trained here keeps its own prompts."""
    known = _known_names(menu)
    return _is_elsewhere(split_name(given, {*known, given} if _is_folder(given) else known)[0], known)


def _known_names(menu: ArmMenu) -> set[str]:
    return {*(arm.name for arm in menu.contenders()), *menu.encoders.names()}


def _is_elsewhere(stem: str, known: Collection[str]) -> bool:
    return (
        is_api(stem)
        or stem in {spec.name for spec in HUB_MODELS}
        or (stem not in known and ("/" in stem or _is_folder(stem)))
    )


def _is_folder(name: str) -> bool:
    return Path(name).expanduser().is_dir()


def _with_suffix(arm: Arm, name: str, suffix: str) -> Arm:
    transform = suffixes()[suffix]
    if not arm.has_vectors:
        raise ModelError(f"{name!r} is not possible: {arm.name!r} has no vectors.")
    if arm.transform.name != "cut":
        done = "in random order" if arm.transform.fitted_on is FittedOn.NOTHING else "rotated"
        raise ModelError(f"{name!r} is not possible: {arm.name!r} is already {done} ({arm.transform.name}).")
    label = f"{arm.label} + {transform.suffix_label}"
    return replace(arm, name=name, label=label, transform=transform, style=None, contender=0, in_compare=True)
