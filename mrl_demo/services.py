"""The facade that the page, the command line and the scripts call: bounded shared caches, thread-safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.config import Settings
from mrl_demo.types import ArmSpec, Comparison, Corpus, Progress


@dataclass(frozen=True)
class Example:
    """A query to click and, in a few words, what it shows."""

    text: str
    shows: str


@dataclass(frozen=True)
class CorpusChoice:
    """An entry of the corpus menu; `ready` is False where choosing it starts a build that takes a while."""

    name: str
    label: str
    description: str
    ready: bool


class Lab:
    """Everything a front end needs; one instance a process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def arms(self) -> tuple[ArmSpec, ...]:
        """Arms that can be searched, in the order of the menus."""
        raise NotImplementedError

    def corpora(self) -> tuple[CorpusChoice, ...]:
        """Entries of the corpus menu."""
        raise NotImplementedError

    def corpus(self, name: str, progress: Progress | None = None) -> Corpus:
        """Load (or build) a corpus by name; raises `CorpusError` naming those there are."""
        raise NotImplementedError

    def examples(self, corpus: str) -> tuple[Example, ...]:
        """Example queries of a corpus, the first of them filled in at the start."""
        raise NotImplementedError

    def prepare(self, corpus: str, arms: Sequence[str], progress: Progress | None = None) -> None:
        """Make the vectors and the index of each arm ready, so that `compare` answers at once."""
        raise NotImplementedError

    def compare(self, query: str, *, corpus: str, arms: Sequence[str], dim: object, top_k: int | None = None) -> Comparison:
        """Search every arm at prefix `dim`; a query seen before is not encoded again."""
        raise NotImplementedError
