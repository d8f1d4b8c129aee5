"""The protocol of a transform, what it may be fitted on, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from mrl_demo.core.types import Corpus, FloatMatrix, IntMatrix, Progress


class FittedOn(Enum):
    """The text that a transform needs to see first.

    >>> FittedOn.DOCUMENTS.is_corpus, FittedOn.TRAINING_TEXT.is_corpus
    (True, False)
    """

    NOTHING = "nothing"
    TRAINING_TEXT = "the training text"
    DOCUMENTS = "the documents being searched"
    DOCUMENTS_AND_STAND_INS = "the documents being searched and their titles and sentences"
    LABELS = "the documents being searched and their labels"
    JUDGED_QUESTIONS = "the documents being searched and the judged questions of their train split"

    @property
    def is_corpus(self) -> bool:
        """Whether every collection needs a fit of its own."""
        return self not in {FittedOn.NOTHING, FittedOn.TRAINING_TEXT}

    @property
    def takes_long(self) -> bool:
        """Whether a fit is worth a file: it takes more than a moment."""
        return self in {FittedOn.DOCUMENTS_AND_STAND_INS, FittedOn.JUDGED_QUESTIONS}


class VectorMap(Protocol):
    """A fitted transform: takes an encoder's vectors into the space that is cut."""

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """`(n, d)` float32 unit rows out of `(n, d)` unit rows of the encoder, for documents."""
        ...

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """The same for queries: most transforms take both sides alike."""
        ...


@dataclass(frozen=True)
class Identity:
    """The map that leaves vectors as they are.

    >>> import numpy as np
    >>> Identity().apply(np.ones((1, 2), np.float32)).tolist()
    [[1.0, 1.0]]
    """

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """The very same vectors."""
        return vectors

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """The very same vectors."""
        return vectors


@dataclass(frozen=True)
class TaughtQueries:
    """Judged questions that a fit may learn from.

    `queries` are `(m, d)` float32 unit rows, `pairs` `(p, 2)` rows of a question and of a document that answers it.
    """

    queries: FloatMatrix
    pairs: IntMatrix


@dataclass(frozen=True)
class FitMaterial:
    """All that a transform may be fitted on; nothing of it is computed before it is asked for.

    `documents` is `(n, d)` float32 as the encoder gives them, `stand_ins` encodes titles and sentences that stand in
    for queries, `judged` has the questions of the train split, `shipped` is the folder of rotations that came with the
    code.
    """

    corpus: Corpus
    encoder: str
    encoder_fingerprint: str
    trained_dims: tuple[int, ...]
    documents: FloatMatrix
    stand_ins: Callable[[Progress | None], FloatMatrix]
    judged: Callable[[], TaughtQueries]
    shipped: Path
    seed: int = 0


class Transform(Protocol):
    """What is done to vectors before the cut; a new one is a class like this and a row of the catalogue.

    `suffix` is what makes any model's arm of it ("adapted" in `NAME+adapted`), "" if that makes no sense, and
    `suffix_label` names it in menus.
    """

    @property
    def name(self) -> str:
        """Its own name, part of the keys of what is fitted."""
        ...

    @property
    def suffix(self) -> str:
        """What makes any model's arm of it, "" if that makes no sense."""
        ...

    @property
    def suffix_label(self) -> str:
        """What menus call an arm that was made by the suffix."""
        ...

    @property
    def fitted_on(self) -> FittedOn:
        """What it has to see before it can be applied."""
        ...

    def variants(self) -> Sequence[Transform]:
        """What is measured for it: itself, or one instance for every seed."""
        ...

    def key(self, material: FitMaterial) -> str:
        """Hex sha256 of all that the fitted map depends on; "" if fitting is too cheap to keep."""
        ...

    def fit(self, material: FitMaterial, progress: Progress | None = None) -> VectorMap:
        """The map for these documents; raises `LabError` kinds, and whatever `progress` raises."""
        ...


@runtime_checkable
class Choosy(Protocol):
    """A transform that cannot be fitted for every collection, and knows it before anything is encoded."""

    def refusal(self, corpus: Corpus) -> str:
        """Why not for this one, as the end of a sentence; "" if it can be."""
        ...
