"""One question to the lab, with every failure turned into a line for the visitor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Comparison, Progress
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare.state import ViewState
from mrl_demo.ui.components.examples import notice
from mrl_demo.ui.components.text import shorten

logger = logging.getLogger(__name__)

EMPTY_BOX_HINT = "Type a question, or click one of the examples: the results below are still those of the last one."
_UNEXPECTED = (
    "That did not work, and it is our mistake. The details are in the server's log; please try something else."
)


@dataclass(frozen=True)
class Answer:
    """What the lab said: a comparison, or None with a message that says why there is none."""

    comparison: Comparison | None
    message: str = ""
    kind: str = "info"

    @property
    def notice_html(self) -> str:
        """The message as a line above the results, shortened and escaped."""
        return notice(shorten(self.message, 600), self.kind)


def ask(lab: LabProtocol, view: ViewState, dim: object) -> Answer:
    """Compare the arms of `view` at prefix `dim`; never raises."""
    if view.is_empty:
        return Answer(None, EMPTY_BOX_HINT, "hint")

    def compare() -> Answer:
        comparison = lab.compare(view.query, corpus=view.corpus, arms=view.arms, dim=dim)
        return Answer(comparison, comparison.note)

    return _guarded(compare)


def prepare_view(lab: LabProtocol, view: ViewState, progress: Progress) -> Answer:
    """Make vectors and indexes ready; an empty message where all went well; never raises."""

    def work() -> Answer:
        lab.prepare(view.corpus, view.arms, progress)
        return Answer(None)

    return _guarded(work)


def _guarded(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except LabError as error:
        return Answer(None, str(error), "error")
    except Exception:
        logger.exception("An unexpected error reached the page.")
        return Answer(None, _UNEXPECTED, "error")
