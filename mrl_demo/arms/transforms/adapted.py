"""A rotation learned from the documents being searched: the unsupervised Matryoshka adaptor (arXiv 2407.20243)."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt import RECIPE_VERSION, AdaptSettings, Rotation, fit_adapted
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import Progress
from mrl_demo.corpora.questions.parts import stand_in_queries


@dataclass(frozen=True)
class Adapted:
    """Fit a near-orthogonal rotation whose prefixes keep each document's neighbours.

    >>> Adapted().fitted_on.value, f"NAME+{Adapted().suffix}"
    ('the documents being searched and their titles and sentences', 'NAME+adapted')
    """

    name: str = "adapted"
    suffix: str = "adapted"
    suffix_label: str = "fitted rotation"
    fitted_on: FittedOn = FittedOn.DOCUMENTS_AND_STAND_INS

    def variants(self) -> tuple[Adapted, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:
        """Recipe, settings, encoder, the documents' vectors and the texts that stand in for queries."""
        parts = [self.name, str(RECIPE_VERSION), sha256_bytes(material.documents), repr(self._settings(material))]
        return sha256_text(*parts, material.encoder_fingerprint, *stand_in_queries(material.corpus.documents))

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Rotation:
        """The rotation, in under a minute; cut short by its time limit on a slow machine, which it says."""
        return fit_adapted(material.documents, self._settings(material), progress, material.stand_ins(progress))

    def _settings(self, material: FitMaterial) -> AdaptSettings:
        return AdaptSettings.for_model(material.trained_dims)
