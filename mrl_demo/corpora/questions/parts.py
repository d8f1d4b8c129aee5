"""Titles and sentences of documents: queries that nobody had to write, for rotations, starts and distillation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.types import Document

_MOST = 20_000
_MOST_ASKED = 8_000
_LONGEST = 300
_FEWEST_WORDS, _FEWEST_CHARACTERS = 3, 8
#: After a full stop, question or exclamation mark and white space, after their Chinese kin, and at the end of a line.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class Parts:
    """`texts`, and for each the place of its document in the sequence they were taken from."""

    texts: tuple[str, ...]
    wholes: tuple[int, ...]


def parts_of(documents: Sequence[Document], seed: int, most: int = _MOST) -> Parts:
    """Titles and sentences of at least three words, at most `most` of them (chosen by `seed`), in document order.

    A sentence that is all of its document's text is no part of it and left out, and so is a text of two documents.
    """
    placed = [(part, place) for place, document in enumerate(documents) for part in _parts(document)]
    owners: dict[str, set[int]] = {}
    for part, place in placed:
        owners.setdefault(part, set()).add(place)
    placed = [(part, place) for part, place in dict.fromkeys(placed) if len(owners[part]) == 1]
    chosen = sorted(np.random.default_rng(seed).permutation(len(placed))[:most].tolist())
    return Parts(tuple(placed[i][0] for i in chosen), tuple(placed[i][1] for i in chosen))


def stand_in_queries(documents: Sequence[Document], seed: int = 0) -> tuple[str, ...]:
    """Texts of the documents that can stand in for what will be asked: at most 8,000, each once, in document order.

    Of each document its title, or else its first sentence, and one of its other sentences, cut at 300 characters; of a
    document of one sentence and no title nothing. Choosing is by `seed`.
    """
    random = np.random.default_rng(seed)
    distinct: dict[str, None] = {}
    for document in documents:
        first, *others = _parts(document) or [""]
        chosen = [first, others[int(random.integers(len(others)))]] if others else [first]
        distinct.update(dict.fromkeys(part[:_LONGEST] for part in chosen if part))
    texts = tuple(distinct)
    return tuple(texts[i] for i in sorted(random.permutation(len(texts))[:_MOST_ASKED].tolist()))


def sentences_of(text: str) -> list[str]:
    """Sentences and lines of a text, in order, without outer white space.

    >>> sentences_of("They dance. Why?")
    ['They dance.', 'Why?']
    """
    return [sentence.strip() for sentence in _SENTENCE_END.split(text.strip())]


def _parts(document: Document) -> list[str]:
    sentences = sentences_of(document.text)
    whole = [] if len(sentences) == 1 else sentences
    title = [document.title] if document.title and document.text else []
    return [part for part in (*title, *whole) if _says_something(part)]


def _says_something(part: str) -> bool:
    """Three words, or in a script without spaces eight characters."""
    return len(part.split()) >= _FEWEST_WORDS or (not part.isascii() and len(part) >= _FEWEST_CHARACTERS)
