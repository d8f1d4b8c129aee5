"""Groups of documents that a map can name: labels of their own, or clusters named by their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.types import Document, FloatMatrix, IntMatrix
from mrl_demo.corpora.labels.group_words import name_by_words

_MOST_GROUPS = 40
_MOST_CLUSTERS = 12
_FEWEST_A_CLUSTER = 25


@dataclass(frozen=True)
class Grouping:
    """Names, and for each document the place of its name: `(n,)` int64; `is_labelled` if the labels are its owner's."""

    names: tuple[str, ...]
    group_of: IntMatrix
    is_labelled: bool


def group_documents(documents: Sequence[Document], vectors: FloatMatrix, seed: int = 0) -> Grouping:
    """Group by domain or topic if there are 2 to 40 of them, else by clusters of the vectors, at most 12.

    Clusters are k-means of the `(n, d)` vectors, each named by three words that its texts have more than others do.
    """
    for field in ("domain", "topic"):
        labels = [str(getattr(document, field)) or "without a label" for document in documents]
        names = sorted(set(labels))
        if 2 <= len(names) <= _MOST_GROUPS:
            place = {name: i for i, name in enumerate(names)}
            return Grouping(tuple(names), np.array([place[label] for label in labels], dtype=np.int64), True)
    return _clusters(documents, vectors, seed)


def _clusters(documents: Sequence[Document], vectors: FloatMatrix, seed: int) -> Grouping:
    from sklearn.cluster import KMeans

    count = min(_MOST_CLUSTERS, len(documents) // _FEWEST_A_CLUSTER)
    if count < 2:
        return Grouping(("all documents",), np.zeros(len(documents), dtype=np.int64), False)
    group_of = KMeans(count, n_init=2, random_state=seed).fit_predict(vectors).astype(np.int64)
    return Grouping(name_by_words(documents, group_of, count), group_of, False)
