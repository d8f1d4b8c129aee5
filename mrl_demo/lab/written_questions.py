"""Questions that a language model writes for documents nobody has asked about yet: to be read before they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.spreadsheets import harmless_cell
from mrl_demo.core.types import Corpus, Document, Progress
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.corpora.questions.judged import GENERATED, question_rows
from mrl_demo.serving.endpoint import ServerError

#: How many are written unless another number is named: a few minutes of a small model.
USUAL_COUNT = 100
_MOST = 5_000
_LEAST_CHARS, _MOST_CHARS = 40, 4_000
_LONGEST_QUESTION = 300
_ASK = (
    "Write one question that a person who does not know the passage below might type into a search box, and that the"
    " passage answers. Use other words than the passage where you can. Reply with the question alone.\n\n{passage}"
)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_LABEL = re.compile(r"^(?:[-*\d.)\s]+|question\s*:)\s*", re.IGNORECASE)


class Writer(Protocol):
    """Anything that answers a message, as `serving.chat.ChatClient`; raises `ServerError` if it cannot."""

    def reply_to(self, message: str, seed: int = 0) -> str:
        """The answer to one message."""
        ...


@dataclass(frozen=True)
class WrittenQuestion:
    """A question and the id of the document that it was written for."""

    text: str
    document: str


@dataclass(frozen=True)
class WrittenQuestions:
    """What a model wrote; `unusable` answers were no question of their own, `stopped` says why it ended early.

    >>> WrittenQuestions((), "a-model", unusable=2).rows()
    []
    """

    questions: tuple[WrittenQuestion, ...]
    model: str
    unusable: int = 0
    stopped: str = ""

    def to_csv(self) -> str:
        """A table to read, correct and give back with `--questions`."""
        return question_rows((str(harmless_cell(text)), name, grade, style) for text, name, grade, style in self.rows())

    def rows(self) -> list[tuple[str, str, float, str]]:
        """Question, id of its document, grade and style."""
        style = f"{GENERATED} by {self.model}"
        return [(each.text, each.document, 1.0, style) for each in self.questions]

    def sentence(self) -> str:
        """How many there are, and how many answers were of no use."""
        lost = f"; {self.unusable:,} answers were no question of their own and are left out" if self.unusable else ""
        stopped = f". It stopped early: {self.stopped}" if self.stopped else "."
        return f"{len(self.questions):,} questions written by {self.model}{lost}{stopped}"


@dataclass
class _Kept:
    questions: list[WrittenQuestion] = field(default_factory=list)
    folded: set[str] = field(default_factory=set)
    unusable: int = 0

    def add(self, text: str, document: Document) -> None:
        """Keep a question, or count it as unusable if it is empty, a repetition or the document's title."""
        folded = text.casefold()
        if not text or folded in self.folded or folded == document.title.casefold():
            self.unusable += 1
            return
        self.folded.add(folded)
        self.questions.append(WrittenQuestion(text, document.id))


def write_questions(
    corpus: Corpus,
    writer: Writer,
    model: str,
    count: int = USUAL_COUNT,
    seed: int = 0,
    progress: Progress | None = None,
) -> WrittenQuestions:
    """One question for each of `count` documents drawn by `seed`; those of 40 characters and fewer are not drawn.

    If the writer fails after the first questions, these are kept and the reason is said. Raises `CorpusError` if no
    document is long enough, `LabError` for a count out of range, and `ServerError` if the first request fails.
    """
    if not 1 <= count <= _MOST:
        raise LabError(f"{count} questions are not written: ask for 1 to {_MOST:,}.")
    documents, kept, stopped = _drawn(corpus, count, seed), _Kept(), ""
    for number, document in enumerate(documents):
        if progress:
            progress(number / len(documents), f"Question {number + 1:,} of {len(documents):,}")
        try:
            reply = writer.reply_to(_ASK.format(passage=document.content[:_MOST_CHARS]), seed)
        except ServerError as error:
            if not kept.questions:
                raise
            stopped = str(error)
            break
        kept.add(question_in(reply), document)
    return WrittenQuestions(tuple(kept.questions), model, kept.unusable, stopped)


def question_in(reply: str) -> str:
    """The question in a model's reply, without thoughts, bullets and quotes; "" if there is none.

    >>> question_in('<think>hm</think>1. "Why do bees dance?"')
    'Why do bees dance?'
    """
    lines: Iterator[str] = (line.strip() for line in _THOUGHT.sub("", reply).splitlines())
    first = next((line for line in lines if line), "")
    text = _LABEL.sub("", first).strip(" \"'“”«»*")
    return text if _says_something(text.split(), text) else ""


def _says_something(words: Sequence[str], text: str) -> bool:
    return len(text) <= _LONGEST_QUESTION and (len(words) >= 2 or (not text.isascii() and len(text) >= 4))


def _drawn(corpus: Corpus, count: int, seed: int) -> list[Document]:
    order = [corpus.documents[int(row)] for row in canonical_order(corpus.documents)]
    long = [document for document in order if len(document.content) > _LEAST_CHARS]
    if not long:
        raise CorpusError(f"No document of {corpus.label} has more than {_LEAST_CHARS} characters to ask about.")
    return [long[int(i)] for i in np.random.default_rng(seed).permutation(len(long))[:count]]
