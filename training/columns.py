"""Which columns of a person's data hold what: named, or guessed by the usual names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mrl_demo.corpora.reading import normal_name, shown_names
from training.errors import DataError

#: Usual names of what a row holds, the likeliest first; each may be numbered (positive_1, positive_2) or a plural.
GUESSES: dict[str, tuple[str, ...]] = {
    "query": (
        "query", "anchor", "question", "sentence1", "sentence_1", "text1", "text_1", "sentence_a", "title", "prompt",
        "input",
    ),
    "positive": (
        "positive", "pos", "answer", "positive_passage", "passage", "document", "sentence2", "sentence_2", "text2",
        "text_2", "sentence_b", "text", "response", "output",
    ),
    "negative": ("negative", "neg", "hard_negative", "negative_passage"),
    "score": ("score", "label", "similarity", "similarity_score", "relevance", "grade"),
    "topic": ("topic", "category", "theme", "label_path"),
    "domain": ("domain",),
}  # fmt: skip
#: Roles that a row of data need not have.
OPTIONAL = ("negative", "score", "topic", "domain")
#: Said instead of a column's name, if no column is to play the part.
NO_COLUMN = "none"
#: Roles of which a row may have several columns.
_SEVERAL = ("positive", "negative")


@dataclass(frozen=True)
class Columns:
    """Which column holds what; "" if it is to be guessed, "none" for an optional one that is not to be read.

    `topic` is a row's label, which may be a path such as Health/Heart, `domain` a coarser one beside it.
    """

    query: str = ""
    positive: str = ""
    negative: str = ""
    score: str = ""
    topic: str = ""
    domain: str = ""

    def is_wanted(self, column: str) -> bool:
        """Whether a column may hold any of it."""
        return any(self._rank(role, column) is not None for role in GUESSES)

    def resolved(self, present: Iterable[str], where: str) -> Mapping[str, tuple[str, ...]]:
        """The columns to read for each role, several for numbered ones, none for a role that no column plays.

        Raises `DataError` naming those there are if one is missing or cannot be guessed.
        """
        names = [str(name) for name in present]
        used = {role: self._chosen(role, names, where) for role in GUESSES}
        if set(used["query"]) & set(used["positive"]):
            raise DataError(f"{where}: query and positive are both {used['query'][0]!r}: name two different columns.")
        return used

    def _chosen(self, role: str, names: list[str], where: str) -> tuple[str, ...]:
        given: str = getattr(self, role)
        ranks = {name: rank for name in names if (rank := self._rank(role, name)) is not None}
        best = min(ranks.values(), default=None)
        chosen = tuple(name for name, rank in ranks.items() if rank == best)
        if chosen:
            return chosen if role in _SEVERAL else chosen[:1]
        if given and given != NO_COLUMN:
            message = f"{where} has no column {given!r} for the {role}: it has {shown_names(names)}."
            raise DataError(message).about(f"{role}_column")
        if role in OPTIONAL:
            return ()
        raise DataError(
            f"{where}: no column looks like the {role} among {shown_names(names)} (guessed are "
            f"{', '.join(GUESSES[role])}). Name it."
        ).about(f"{role}_column")

    def _rank(self, role: str, column: str) -> int | None:
        """How likely a column plays a role, 0 for the likeliest; None if it does not."""
        given, name = getattr(self, role), normal_name(column)
        if given:
            return 0 if name == normal_name(given) and given != NO_COLUMN else None
        if any(name in words for words in GUESSES.values()):
            return GUESSES[role].index(name) if name in GUESSES[role] else None
        base = re.sub(r"(_?\d+|s)$", "", name)
        return GUESSES[role].index(base) if role in _SEVERAL and base in GUESSES[role] else None
