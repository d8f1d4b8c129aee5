"""The rotation of the tuned model alone: what is left of it if no weight of the encoder is trained."""

from __future__ import annotations

from dataclasses import dataclass

from safetensors import SafetensorError
from safetensors.numpy import load_file

from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.core.vectors import normalise
from mrl_demo.models.run_folder import ROTATION_FILE

_TUNED = "adapters/tuned"


@dataclass(frozen=True)
class LearntAxes:
    """Turns vectors by a near-orthogonal `matrix` `(d, d)` float32 and makes them unit rows again.

    >>> import numpy as np
    >>> LearntAxes(np.array([[0, 2], [2, 0]], np.float32)).apply(np.array([[0.6, 0.8]], np.float32)).round(1).tolist()
    [[0.8..., 0.6...]]
    """

    matrix: FloatMatrix

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """`(n, d)` float32 unit rows."""
        return normalise(vectors @ self.matrix)

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """The same for queries."""
        return self.apply(vectors)


@dataclass(frozen=True)
class TunedRotation:
    """The axes that the shipped adapter `tuned` stands in, over the base model: the control of its training.

    >>> TunedRotation().fitted_on.value, TunedRotation().suffix  # Learnt with one model: no other can take it.
    ('the training text', '')
    """

    name: str = "tuned-rotation"
    suffix: str = ""
    suffix_label: str = ""
    fitted_on: FittedOn = FittedOn.TRAINING_TEXT

    def variants(self) -> tuple[TunedRotation, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:  # noqa: ARG002 - it ships
        """Nothing is kept: it ships."""
        return ""

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> LearntAxes:  # noqa: ARG002
        """Read the adapter's rotation; raises `ModelError` if it is missing, damaged or of another length."""
        path = material.shipped.parent / _TUNED / ROTATION_FILE
        dimension = material.documents.shape[1]
        try:
            matrix = load_file(path)["matrix"]
        except (SafetensorError, OSError, KeyError) as error:
            raise ModelError(f"{path} is no readable rotation ({error}): take it from the repository again.") from error
        if matrix.shape != (dimension, dimension):
            raise ModelError(f"{path} turns vectors of {matrix.shape[0]} numbers, not {dimension}: it is base's alone.")
        return LearntAxes(matrix.astype("float32"))
