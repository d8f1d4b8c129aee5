"""Counts of what was done to a person's data while it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mrl_demo.core.types import Note


@dataclass(frozen=True)
class NoteKind:
    """A thing that can happen to a row: its name, and what is said of one and of many.

    >>> NoteKind("empty-document", "document has no text", "documents have no text").said(2)
    '2 documents have no text'
    """

    name: str
    one: str
    many: str

    def said(self, count: int) -> str:
        """The count and the words that go with it."""
        return f"{count:,} {self.one if count == 1 else self.many}"


class Tally:
    """How often each kind of thing happened, and where first; `notes` says it.

    >>> tally = Tally()
    >>> kind = NoteKind("empty-document", "document has no text", "documents have no text")
    >>> tally.add(kind, Path("a.csv"), 3)
    >>> tally.add(kind, Path("a.csv"), 9)
    >>> [str(note) for note in tally.notes()]
    ['2 documents have no text (first: a.csv, line 3).']
    """

    def __init__(self) -> None:
        self._counts: dict[NoteKind, int] = {}
        self._places: dict[NoteKind, str] = {}
        self._sayings: list[Note] = []

    def add(self, kind: NoteKind, path: Path, line: int, count: int = 1) -> None:
        """Count a thing that happened in a line (1 is the first) of a file."""
        if kind not in self._counts:
            self._places[kind] = f"{path.name}, line {line:,}"
        self._counts[kind] = self._counts.get(kind, 0) + count

    def say(self, kind: str, text: str, place: str = "", count: int = 0) -> None:
        """Add a note in words of its own, such as a guess that was made."""
        note = Note(kind, text, count, place)
        if note not in self._sayings:
            self._sayings.append(note)

    def count(self, kind: NoteKind) -> int:
        """How often a kind of thing happened so far."""
        return self._counts.get(kind, 0)

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain JSON types, for `add_dict` of another."""
        counts = [{"kind": asdict(kind), "n": n, "place": self._places[kind]} for kind, n in self._counts.items()]
        return {"counts": counts, "sayings": [asdict(note) for note in self._sayings]}

    def add_dict(self, told: Mapping[str, Any]) -> None:
        """Add what another tally counted and said."""
        for count in told["counts"]:
            kind = NoteKind(**count["kind"])
            self._places.setdefault(kind, count["place"])
            self._counts[kind] = self._counts.get(kind, 0) + count["n"]
        for note in told["sayings"]:
            self.say(**note)

    def notes(self) -> tuple[Note, ...]:
        """One note for each thing said, then for each kind of thing counted, in the order of the first of each."""
        counted = tuple(
            Note(kind.name, f"{kind.said(count)} ({_first(count)}{self._places[kind]}).", count, self._places[kind])
            for kind, count in self._counts.items()
        )
        return (*self._sayings, *counted)


def _first(count: int) -> str:
    return "first: " if count > 1 else ""
