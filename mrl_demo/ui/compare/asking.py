"""One question to the lab, with every failure turned into a line for the visitor."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Comparison
from mrl_demo.corpora.labels.filters import parse_where
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare.state import Question
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.shared.guard import guarded

EMPTY_BOX_HINT = "Type a question, or click one of the examples: the results below are still those of the last one."


@dataclass(frozen=True)
class Answer:
    """What the lab said: a comparison, or None with a message that says why there is none."""

    comparison: Comparison | None
    message: str = ""
    kind: str = "info"

    @property
    def notice_html(self) -> Markup:
        """The message as a line above the results, shortened and escaped."""
        return notice(shorten(self.message, 600), self.kind)


def ask(lab: LabProtocol, question: Question, dim: object) -> Answer:
    """Compare the arms of a question at prefix `dim`; never raises."""
    if question.is_empty:
        return Answer(None, EMPTY_BOX_HINT, "hint")

    def compare() -> Answer:
        """Search both methods."""
        comparison = lab.compare(
            question.query, corpus=question.corpus, arms=question.arms, dim=dim, where=where_of(question)
        )
        return Answer(comparison, comparison.note)

    return guarded(compare, _refusal)


def where_of(question: Question) -> dict[str, str]:
    """The labels of the documents that a question is limited to, none for all; raises `CorpusError`."""
    return parse_where([question.part]) if question.part else {}


def first_answer(lab: LabProtocol, question: Question, dim: int) -> Answer:
    """The answer that the page is built with: no model is loaded for an example that ships; never raises."""
    if question.is_empty:
        return Answer(None, EMPTY_BOX_HINT, "hint")

    def look() -> Answer:
        """The answer that the page opens with."""
        comparison = lab.first_look(question.query, corpus=question.corpus, arms=question.arms, dim=dim)
        return Answer(comparison, comparison.note)

    return guarded(look, _refusal)


def needs_build(lab: LabProtocol, question: Question) -> bool:
    """Whether a search would have to encode first; False if it fails, which the search itself says best."""
    return guarded(lambda: not lab.is_ready(question.corpus, question.arms), lambda _: False)


def _refusal(error: LabError) -> Answer:
    return Answer(None, str(error), "error")
