"""Which column of a person's data holds what: named, or guessed by the usual names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training.errors import DataError

#: Usual names of what a row holds, the likeliest first.
GUESSES: dict[str, tuple[str, ...]] = {
    "query": ("query", "anchor", "question", "sentence1", "title", "prompt", "input"),
    "positive": (
        "positive",
        "pos",
        "answer",
        "passage",
        "document",
        "sentence2",
        "text",
        "response",
        "positive_passage",
    ),
    "negative": ("negative", "neg", "hard_negative", "negative_1", "negative_passage"),
}


@dataclass(frozen=True)
class Columns:
    """Which column holds what; "" where it is to be guessed (or, for `negative`, where there may be none)."""

    query: str = ""
    positive: str = ""
    negative: str = ""

    def resolved(self, present: Iterable[str], where: str) -> Columns:
        """The columns to read; raises `DataError` naming those there are where one is missing or cannot be guessed."""
        names = [str(name) for name in present]
        found = {role: _resolve(role, getattr(self, role), names, where) for role in GUESSES}
        if found["query"] == found["positive"]:
            raise DataError(f"{where}: query and positive are both {found['query']!r}: name two different columns.")
        return Columns(**found)


def _resolve(role: str, given: str, names: list[str], where: str) -> str:
    if given:
        if given in names:
            return given
        message = f"{where} has no column {given!r} for the {role}: it has {', '.join(names)}."
        raise DataError(message).about(f"{role}_column")
    by_lower = {name.strip().lower(): name for name in names}
    guess = next((by_lower[name] for name in GUESSES[role] if name in by_lower), "")
    if not guess and role != "negative":
        raise DataError(
            f"{where}: no column looks like the {role} among {', '.join(names) or 'none'} (guessed are "
            f"{', '.join(GUESSES[role])}). Name it."
        ).about(f"{role}_column")
    return guess
