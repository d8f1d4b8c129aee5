"""Groups of documents that a map can name: labels of their own, or clusters named by their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.types import Document, FloatMatrix, IntMatrix

_MOST_GROUPS = 40
_MOST_CLUSTERS = 12
_FEWEST_A_CLUSTER = 25
_WORDS, _MOST_WORDS = 3, 20_000
_WORD = r"(?u)\b[^\W\d]{3,}\b"


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
    return Grouping(_names_by_words(documents, group_of, count), group_of, False)


def _names_by_words(documents: Sequence[Document], group_of: IntMatrix, count: int) -> tuple[str, ...]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [" ".join(document.content for document in own) for own in _members(documents, group_of, count)]
    vectoriser = TfidfVectorizer(stop_words="english", token_pattern=_WORD, max_features=_MOST_WORDS)
    try:
        weights = vectoriser.fit_transform(texts)
    except ValueError:  # No word anywhere, as in a language without spaces.
        return tuple(f"group {group + 1}" for group in range(count))
    words = vectoriser.get_feature_names_out()
    names: list[str] = []
    for group in range(count):
        row = weights[[group]].toarray()[0]
        name = ", ".join(words[i] for i in np.argsort(-row, kind="stable")[:_WORDS] if row[i] > 0)
        names.append(name if name and name not in names else f"{name or 'group'} {group + 1}")
    return tuple(names)


def _members(documents: Sequence[Document], group_of: IntMatrix, count: int) -> list[list[Document]]:
    members: list[list[Document]] = [[] for _ in range(count)]
    for document, group in zip(documents, group_of.tolist(), strict=True):
        members[group].append(document)
    return members
