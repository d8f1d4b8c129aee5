"""Different maps for queries and documents, from the documents being searched: LeanVec with sphering, closed form."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt.query_aware import STRENGTH, QueryAwareMap, fit_query_aware
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import Progress
from mrl_demo.corpora.questions.parts import stand_in_queries

#: Part of the key: goes up when the recipe's result changes.
_RECIPE = "1"


@dataclass(frozen=True)
class QueryAware:
    """Fit two maps, so that short prefixes hold what queries look at; titles and sentences stand in for queries.

    >>> QueryAware().fitted_on.value, f"NAME+{QueryAware().suffix}"
    ('the documents being searched and their titles and sentences', 'NAME+leanvec')
    """

    name: str = "leanvec"
    suffix: str = "leanvec"
    suffix_label: str = "maps for queries and documents"
    fitted_on: FittedOn = FittedOn.DOCUMENTS_AND_STAND_INS

    def variants(self) -> tuple[QueryAware, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:
        """Recipe, encoder, the documents' vectors and the texts that stand in for queries."""
        parts = [self.name, _RECIPE, str(STRENGTH), sha256_bytes(material.documents), material.encoder_fingerprint]
        return sha256_text(*parts, *stand_in_queries(material.corpus.documents))

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> QueryAwareMap:
        """The two maps: a second once the titles and sentences are encoded."""
        return fit_query_aware(material.documents, material.stand_ins(progress))
