"""The grammar of contenders: any arm, any model, `NAME+adapted`, `NAME+pca`, `NAME+random`, and bm25."""

from __future__ import annotations

from dataclasses import replace

from mrl_demo.arms.catalogue import ARMS, BM25
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import ArmSpec
from mrl_demo.models.registry import EncoderRegistry

_SUFFIXES = {"adapted": "fitted rotation", "pca": "PCA of this corpus", "random": "random numbers kept"}


def resolve_arm(name: str, encoders: EncoderRegistry) -> ArmSpec:
    """The arm of that name; raises `ModelError` naming what there is.

    Standard arms first, then models of the registry by name, then either with "+adapted", "+pca" (both fitted
    on the documents being scored) or "+random".
    """
    known = {arm.name: arm for arm in (*ARMS, *encoders.arms())}
    if name in known:
        return known[name]
    stem, _, suffix = name.rpartition("+")
    if stem and suffix in _SUFFIXES:
        arm = resolve_arm(stem, encoders)
        if arm.transform != "none":
            raise ModelError(f"{name!r} cannot be: {stem!r} turns its vectors already ({arm.transform}).")
        transform = "corpus-pca" if suffix == "pca" else suffix
        label = f"{arm.label} + {_SUFFIXES[suffix]}"
        return replace(arm, name=name, label=label, transform=transform)
    if name in encoders.names():
        return ArmSpec(name, name, "A model of the registry, cut.", name, trained_dims=encoders.trained_dims(name))
    raise ModelError(
        f"There is no arm {name!r}: choose among {', '.join([*known, BM25])}, a model ({', '.join(encoders.names())}), "
        "or any model with +adapted, +pca or +random."
    )
