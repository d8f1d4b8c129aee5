"""Names for groups of documents without labels: the words that their texts have more than others do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrl_demo.core.types import Document, IntMatrix

_WORDS, _MOST_WORDS = 3, 20_000
_WORD = r"(?u)\b[^\W\d]{3,}\b"


def name_by_words(documents: Sequence[Document], group_of: IntMatrix, count: int) -> tuple[str, ...]:
    """A name of three words for each of `count` groups, all different; `group_of` `(n,)` has each document's group."""
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
