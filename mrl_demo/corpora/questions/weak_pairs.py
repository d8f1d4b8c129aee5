"""Pairs to train on out of a collection: questions with their answers, or what stands in for questions."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.spreadsheets import harmless_cell
from mrl_demo.core.types import Corpus
from mrl_demo.corpora.questions.stand_ins import with_stand_ins


@dataclass(frozen=True)
class TrainingPairs:
    """Questions and texts that answer them; `stand_ins` names what the questions are if nobody asked them, or "".

    >>> TrainingPairs((("how do bees talk", "They dance."),)).to_csv().splitlines()
    ['query,positive', 'how do bees talk,They dance.']
    """

    pairs: tuple[tuple[str, str], ...]
    stand_ins: str = ""

    def to_csv(self) -> str:
        """A table that training reads."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("query", "positive"))
        writer.writerows([harmless_cell(text) for text in pair] for pair in self.pairs)
        return file.getvalue()

    def sentence(self) -> str:
        """How many there are, and that they are weak if they are."""
        if not self.stand_ins:
            return f"{len(self.pairs):,} pairs of questions and their answers."
        return (
            f"{len(self.pairs):,} weak pairs: {self.stand_ins} stand in for questions that nobody asked, so a model "
            "learns to find texts by their own words."
        )


def training_pairs(corpus: Corpus) -> TrainingPairs:
    """Judged questions with each text that answers them; without any, titles and first sentences with the rest.

    Raises `CorpusError` if there is neither.
    """
    asked = with_stand_ins(corpus, most=len(corpus))
    texts = {document.id: document.content for document in asked.documents}
    pairs = tuple(
        (query.text, texts[name])
        for query in asked.queries
        for name, grade in asked.judgements.get(query.id, {}).items()
        if grade > 0 and name in texts
    )
    if not pairs:
        raise CorpusError(
            f"{corpus.label} makes no pairs: it has no questions with answers, and fewer than 20 documents with a "
            "title or several sentences. Add questions (--questions)."
        )
    return TrainingPairs(pairs, asked.stand_ins)
