"""What one visitor asks and sees."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.ui.shared.visit import Visit

#: Layers of the packaged model: where the layer slider ends, and what it means there is all of any model's.
ALL_LAYERS = 6


@dataclass(frozen=True)
class Question:
    """A query to a collection, answered by several arms side by side.

    `part` is a condition such as "topic=Bees" on the documents searched, "" for all.
    """

    query: str
    corpus: str
    arms: tuple[str, ...]
    part: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.query.strip()


@dataclass(frozen=True)
class Answered:
    """The last question that got an answer: moving the slider repeats it, whatever is half typed.

    `full_dim` is where the slider ends.
    """

    question: Question
    full_dim: int


@dataclass(frozen=True)
class Build:
    """What has to be made before a search can answer; `number` tells one request from the next."""

    corpus: str
    arms: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class CompareState:
    """All that the tab's controls hold, as the browser sends it; `answered` is None before anything was found.

    `wanted` is the last build that a search asked for, `visit` what the visitor has brought.
    """

    query: str | None
    corpus: str
    left: str
    right: str
    dim: object
    answered: Answered | None = None
    wanted: Build | None = None
    visit: Visit | None = None
    picture: str | None = None
    layers: int = ALL_LAYERS
    part: str | None = ""

    @property
    def arms(self) -> tuple[str, str]:
        """The arms that stand side by side, with the first layers of their models alone if the slider says so."""
        is_cut = isinstance(self.layers, int) and 1 <= self.layers < ALL_LAYERS
        kept = f"@{self.layers}" if is_cut else ""
        return f"{self.left}{kept}", f"{self.right}{kept}"

    @property
    def question(self) -> Question:
        """The question that the controls make."""
        return Question(self.query or "", self.corpus, self.arms, self.part or "")
