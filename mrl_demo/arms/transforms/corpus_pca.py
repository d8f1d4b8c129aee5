"""PCA fitted on the documents being searched: a second, no training, no queries."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt import RECIPE_VERSION, Rotation, fit_pca
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import Progress


@dataclass(frozen=True)
class CorpusPca:
    """Rotate to the documents' principal axes, largest first.

    >>> CorpusPca().fitted_on.value, f"NAME+{CorpusPca().suffix}"
    ('the documents being searched', 'NAME+pca')
    """

    name: str = "corpus-pca"
    suffix: str = "pca"
    suffix_label: str = "PCA of this corpus"
    fitted_on: FittedOn = FittedOn.DOCUMENTS

    def variants(self) -> tuple[CorpusPca, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:
        """The documents' vectors and the recipe."""
        return sha256_text(self.name, str(RECIPE_VERSION), sha256_bytes(material.documents))

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Rotation:  # noqa: ARG002
        """The PCA; raises `AdaptError` if every vector is zero."""
        return fit_pca(material.documents)
