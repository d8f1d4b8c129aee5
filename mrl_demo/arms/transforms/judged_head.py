"""A head learnt from judged questions of the collection's train split, kept only if questions not seen gain surely."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.adapt.judged import JudgedPairs
from mrl_demo.adapt.supervised import FEWEST_JUDGED, SUPERVISED_RECIPE, SupervisedMap, fit_supervised
from mrl_demo.arms.transforms.base import FitMaterial, FittedOn
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import Corpus, Progress


@dataclass(frozen=True)
class JudgedHead:
    """Fit a residual head to judged pairs over the documents' principal axes; refused unless it surely helps.

    >>> JudgedHead().fitted_on.value, f"NAME+{JudgedHead().suffix}"
    ('the documents being searched and the judged questions of their train split', 'NAME+supervised')
    """

    name: str = "supervised"
    suffix: str = "supervised"
    suffix_label: str = "head from judged questions"
    fitted_on: FittedOn = FittedOn.JUDGED_QUESTIONS

    def variants(self) -> tuple[JudgedHead, ...]:
        """Itself."""
        return (self,)

    def key(self, material: FitMaterial) -> str:
        """Recipe, encoder, the documents' vectors and the judged pairs."""
        taught = material.judged()
        parts = [self.name, str(SUPERVISED_RECIPE), sha256_bytes(material.documents), material.encoder_fingerprint]
        return sha256_text(*parts, sha256_bytes(taught.queries), str(taught.pairs.tolist()))

    def refusal(self, corpus: Corpus) -> str:
        """Too few judged questions in a train split."""
        train = [query.id for query in corpus.queries if query.split == "train"]
        judged = sum(any(grade > 0 for grade in corpus.judgements.get(name, {}).values()) for name in train)
        if judged >= FEWEST_JUDGED:
            return ""
        return f"it learns from {FEWEST_JUDGED} judged questions or more of a train split, and there are {judged}"

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> SupervisedMap:
        """The head; raises `CorpusError` for a collection without a train split, `AdaptError` for too few questions."""
        taught = material.judged()
        return fit_supervised(JudgedPairs(taught.queries, material.documents, taught.pairs), material.seed, progress)
