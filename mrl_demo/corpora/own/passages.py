"""Long documents split into passages of so many words, each overlapping the one before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Document

_WORD = re.compile(r"\S+")
#: Half a page: shorter passages say nothing, longer ones no model reads whole.
LEAST_WORDS, MOST_WORDS = 20, 2_000


@dataclass(frozen=True)
class PassageChoice:
    """How texts become documents: `words` a passage (0: a document stays whole), `overlap` words of it twice.

    With `is_paragraphs` an empty line parts the documents of a text file, else every line is one. Raises `CorpusError`
    for lengths that cannot be.

    >>> PassageChoice(words=100, overlap=100)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.CorpusError: 100 of 100 words overlap: give 0 to 50, half of a passage.
    """

    words: int = 0
    overlap: int = 0
    is_paragraphs: bool = False

    def __post_init__(self) -> None:
        if self.words and not LEAST_WORDS <= self.words <= MOST_WORDS:
            says = f"A passage of {self.words} words is not made: give {LEAST_WORDS} to {MOST_WORDS:,}, or 0 for none."
            raise CorpusError(says)
        if not 0 <= self.overlap <= self.words // 2:
            says = f"{self.overlap} of {self.words} words overlap: give 0 to {self.words // 2}, half of a passage."
            raise CorpusError(says)


def split_documents(
    documents: Sequence[Document], choice: PassageChoice
) -> tuple[list[Document], dict[str, list[str]]]:
    """Passages in the order of their documents, and the ids of those of each document that was split.

    A passage keeps its document's title and labels; its id is the document's with `#1`, `#2`, ... behind it.
    """
    passages: list[Document] = []
    parts: dict[str, list[str]] = {}
    for document in documents:
        texts = list(cut_text(document.text, choice))
        if len(texts) < 2:
            passages.append(document)
            continue
        names = [f"{document.id}#{number}" for number in range(1, len(texts) + 1)]
        parts[document.id] = names
        passages.extend(replace(document, id=name, text=text) for name, text in zip(names, texts, strict=True))
    return passages, parts


def cut_text(text: str, choice: PassageChoice) -> Iterator[str]:
    """Stretches of at most `choice.words` words, as they stand in the text, all about equally long.

    >>> list(cut_text("one two  three four five", PassageChoice()))
    ['one two  three four five']
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    if not choice.words or len(spans) <= choice.words:
        yield text
        return
    count = -(-(len(spans) - choice.overlap) // (choice.words - choice.overlap))
    size = -(-(len(spans) + (count - 1) * choice.overlap) // count)
    for start in range(0, len(spans) - choice.overlap, size - choice.overlap):
        last = spans[min(start + size, len(spans)) - 1]
        yield text[spans[start][0] : last[1]]


def split_judgements(
    judgements: Mapping[str, Mapping[str, float]], parts: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Judgements with every passage of a judged document in its place."""
    return {
        query: {passage: grade for document, grade in graded.items() for passage in parts.get(document, (document,))}
        for query, graded in judgements.items()
    }
