"""Coarse before fine: the labels of the documents being searched say what the first numbers tell apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mrl_demo.adapt import Rotation
from mrl_demo.adapt.hierarchical import HIERARCHICAL_RECIPE, fit_hierarchical
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.corpora.labels.split import label_fields, taught_levels


@dataclass(frozen=True)
class LabelOrder:
    """Rotate so that 8 numbers tell domains apart, 32 topics, and the rest passages.

    Documents that a classification asks about teach nothing.

    >>> LabelOrder().fitted_on.value, f"NAME+{LabelOrder().suffix}"
    ('the documents being searched and their labels', 'NAME+hierarchical')
    """

    name: str = "hierarchical"
    suffix: str = "hierarchical"
    suffix_label: str = "labels, coarse to fine"
    fitted_on: FittedOn = FittedOn.LABELS

    def variants(self) -> tuple[LabelOrder, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:
        """Recipe, the documents' vectors and what may be learnt of their labels."""
        taught = taught_levels(material.corpus)
        parts = [self.name, str(HIERARCHICAL_RECIPE), sha256_bytes(material.documents)]
        return sha256_text(*parts, *taught.fields, str(taught.classes.tolist()))

    def refusal(self, corpus: Corpus) -> str:
        """No labels that several documents share."""
        for name in label_fields(corpus):
            sizes = Counter(getattr(document, name) for document in corpus.documents)
            if sum(size > 1 for label, size in sizes.items() if label) > 1:
                return ""
        return "it learns from labels that several documents share, and there are none"

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> Rotation:  # noqa: ARG002 - a moment
        """The rotation; raises `CorpusError` for a collection without labels."""
        return fit_hierarchical(material.documents, list(taught_levels(material.corpus).classes))
