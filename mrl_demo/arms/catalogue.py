"""The arms that ship: one row each, in the order of the menus."""

from __future__ import annotations

from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import TRAINED_DIMS, ArmSpec

BM25 = "bm25"
BM25_LABEL = "BM25 (words, no vectors)"

ARMS = (
    ArmSpec("base", "Base, cut", "The pretrained model; its vectors are simply cut and re-normalised.", "minilm"),
    ArmSpec(
        name="tuned",
        label="Tuned with MRL",
        description="Fine-tuned with MatryoshkaLoss: the first numbers carry the most.",
        encoder="tuned",
        trained_dims=TRAINED_DIMS,
    ),
    ArmSpec(
        name="tuned-plain",
        label="Tuned without MRL",
        description="The control: the same data, steps and seed as the tuned model, without MatryoshkaLoss.",
        encoder="tuned-plain",
    ),
    ArmSpec("base-pca", "Base + PCA", "Base, rotated by a PCA fitted on the training text.", "minilm", "pca"),
    ArmSpec(
        name="corpus-pca",
        label="Base + PCA of this corpus",
        description="Base, rotated by a PCA fitted on the documents being searched.",
        encoder="minilm",
        transform="corpus-pca",
    ),
    ArmSpec(
        name="adapted",
        label="Base + fitted rotation",
        description="Base with a rotation learned from these documents, their titles and sentences; no training.",
        encoder="minilm",
        transform="adapted",
    ),
    ArmSpec(
        name="tuned-adapted",
        label="Tuned + fitted rotation",
        description="Both: the tuned model, rotated to fit these documents.",
        encoder="tuned",
        transform="adapted",
        trained_dims=TRAINED_DIMS,
    ),
    ArmSpec(
        name="base-random",
        label="Base, random numbers kept",
        description="Base with randomly chosen dimensions kept instead of the first ones.",
        encoder="minilm",
        transform="random",
    ),
)


def arm_named(name: str, arms: tuple[ArmSpec, ...] = ARMS) -> ArmSpec:
    """The arm of that name; raises `ModelError` naming those there are."""
    for arm in arms:
        if arm.name == name:
            return arm
    raise ModelError(f"There is no arm {name!r}: choose one of {', '.join(arm.name for arm in arms)}.")
