"""Titles and sentences of documents: queries that nobody had to write, for the start and the distillation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.types import Document

_MOST = 20_000
_FEWEST_WORDS = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclass(frozen=True)
class Parts:
    """`texts`, and for each the place of its document in the sequence they were taken from."""

    texts: tuple[str, ...]
    wholes: tuple[int, ...]


def parts_of(documents: Sequence[Document], seed: int) -> Parts:
    """Titles and sentences of at least three words, at most 20,000 of them (chosen by `seed`), in document order.

    A sentence that is all of its document's text is no part of it and left out, and so is a text of two documents.
    """
    found = [(part, place) for place, document in enumerate(documents) for part in _parts(document)]
    owners: dict[str, set[int]] = {}
    for part, place in found:
        owners.setdefault(part, set()).add(place)
    found = [(part, place) for part, place in dict.fromkeys(found) if len(owners[part]) == 1]
    chosen = sorted(np.random.default_rng(seed).permutation(len(found))[:_MOST].tolist())
    return Parts(tuple(found[i][0] for i in chosen), tuple(found[i][1] for i in chosen))


def _parts(document: Document) -> list[str]:
    sentences = _SENTENCE_END.split(document.text.strip())
    whole = [] if len(sentences) == 1 else sentences
    title = [document.title] if document.title and document.text else []
    return [part for part in (*title, *whole) if len(part.split()) >= _FEWEST_WORDS]
