"""PCA fitted on the training text: what a rotation buys without seeing the documents."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt import Rotation
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.types import Progress


@dataclass(frozen=True)
class TrainingPca:
    """A rotation that ships for the base model (`python -m training pca` fits it).

    >>> TrainingPca().fitted_on.value, TrainingPca().suffix  # It ships for one model: no other can take it.
    ('the training text', '')
    """

    name: str = "pca"
    suffix: str = ""
    suffix_label: str = ""
    fitted_on: FittedOn = FittedOn.TRAINING_TEXT

    def variants(self) -> tuple[TrainingPca, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:  # noqa: ARG002 - it ships
        """Nothing is kept: it ships."""
        return ""

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Rotation:  # noqa: ARG002
        """Read the shipped rotation; raises `ModelError` if it is missing, damaged or another model's."""
        name = f"{material.encoder.partition(':')[0]}-pca"
        dimension = material.documents.shape[1]
        return Rotation.load(material.shipped / f"{name}.safetensors", key=name, dimension=dimension)
