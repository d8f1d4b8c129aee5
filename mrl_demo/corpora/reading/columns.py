"""Which column plays which part, by its name or because a person said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from mrl_demo.core.errors import CorpusError

_Value = TypeVar("_Value")
_NAMES_SHOWN = 20


def normal_name(name: str) -> str:
    """A column's name without case, byte order mark and outer spaces, `-` and spaces as `_`.

    >>> normal_name(" Corpus-ID")
    'corpus_id'
    """
    return name.replace("\ufeff", "").strip().lower().replace("-", "_").replace(" ", "_")


class Vocabulary:
    """Names under which each role is looked for, the likeliest first, and the columns that a person chose.

    >>> words = Vocabulary({"id": ("_id", "id"), "text": ("text", "body")}, {"text": "Notes"})
    >>> words.pick({"ID": "7", "text": "not this", "Notes": "but this"})
    {'id': '7', 'text': 'but this'}
    """

    def __init__(self, names: Mapping[str, Sequence[str]], chosen: Mapping[str, str] | None = None) -> None:
        self.names = names
        self.chosen = {role: name for role, name in (chosen or {}).items() if name}
        self._ranks: dict[str, tuple[str, int]] = {}
        for role, words in names.items():
            if role not in self.chosen:
                self._ranks |= {word: (role, rank) for rank, word in enumerate(words) if word not in self._ranks}
        self._chosen_roles = {normal_name(name): role for role, name in self.chosen.items()}

    def role_of(self, column: str) -> str | None:
        """The role that a column may play, None for a column of no interest."""
        return self._place(column)[0]

    def knows(self, column: str) -> bool:
        """Whether a column may play a role."""
        return self.role_of(column) is not None

    def pick(self, cells: Mapping[str, _Value]) -> dict[str, _Value]:
        """The cell of each role that a row has; of several columns for one role the likeliest."""
        best: dict[str, tuple[int, _Value]] = {}
        for column, cell in cells.items():
            role, rank = self._place(column)
            if role is not None and (role not in best or rank < best[role][0]):
                best[role] = rank, cell
        return {role: cell for role, (_, cell) in best.items()}

    def check_chosen(self, columns: Iterable[str], path: Path) -> None:
        """Raise `CorpusError`, naming the columns there are, if a chosen one is not among them."""
        present = list(columns)
        normal = {normal_name(name) for name in present}
        for role, name in self.chosen.items():
            if normal_name(name) not in normal:
                raise CorpusError(f"{path} has no column {name!r} for the {role}: it has {shown_names(present)}.")

    def _place(self, column: str) -> tuple[str | None, int]:
        normal = normal_name(column)
        role = self._chosen_roles.get(normal)
        return (role, -1) if role is not None else self._ranks.get(normal, (None, 0))


def shown_names(names: Iterable[str]) -> str:
    """Columns for a message: the first 20 by name, each cut at 60 characters, "none" if there are none."""
    listed = [name if len(name) <= 60 else f"{name[:60]}..." for name in names]
    rest = f" and {len(listed) - _NAMES_SHOWN:,} more" if len(listed) > _NAMES_SHOWN else ""
    return ", ".join(repr(name) if name != name.strip() or not name else name for name in listed[:_NAMES_SHOWN]) + (
        rest if listed else "none"
    )
