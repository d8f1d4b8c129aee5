"""Sparse codes instead of short prefixes: few units among many, learnt from the documents being searched (CSR)."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt.sparse import FEWEST_ROWS, SPARSE_RECIPE, SparseCoder, SparseSettings, fit_sparse
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.corpora.questions.parts import stand_in_queries


@dataclass(frozen=True)
class SparseCodes:
    """Fit a k-sparse autoencoder; titles and sentences stand in for queries, and k is chosen when searching.

    >>> SparseCodes().fitted_on.value, f"NAME+{SparseCodes().suffix}"
    ('the documents being searched and their titles and sentences', 'NAME+csr')
    """

    name: str = "csr"
    suffix: str = "csr"
    suffix_label: str = "sparse codes"
    fitted_on: FittedOn = FittedOn.DOCUMENTS_AND_STAND_INS
    settings: SparseSettings = SparseSettings()  # noqa: RUF009 - frozen

    def variants(self) -> tuple[SparseCodes, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:
        """Recipe, settings, encoder, the documents' vectors and the texts that stand in for queries."""
        parts = [self.name, str(SPARSE_RECIPE), repr(self.settings), sha256_bytes(material.documents)]
        return sha256_text(*parts, material.encoder_fingerprint, *stand_in_queries(material.corpus.documents))

    def refusal(self, corpus: Corpus) -> str:
        """Too few documents."""
        if len(corpus) >= FEWEST_ROWS:
            return ""
        return f"it learns from {FEWEST_ROWS} documents or more, and there are {len(corpus)}"

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> SparseCoder:
        """The encoder, in about a minute; cut short by its time limit on a slow machine, which it says."""
        return fit_sparse(material.documents, material.stand_ins(progress), self.settings, progress)
