"""What the map is asked to show, and what it shows, free of Gradio."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MapRequest:
    """A collection, one method or two, and a question whose ten results are joined."""

    corpus: str
    arms: tuple[str, ...]
    query: str


@dataclass(frozen=True)
class MapState:
    """What Compare's controls hold, as the browser sends it, and what is drawn (None before the first map)."""

    query: str | None
    corpus: str
    left: str
    right: str
    drawn: MapRequest | None = None

    @property
    def wanted(self) -> MapRequest:
        """The map of what Compare compares.

        >>> MapState("bees", "builtin", "base", "base").wanted.arms
        ('base',)
        """
        return MapRequest(self.corpus, tuple(dict.fromkeys((self.left, self.right))), (self.query or "").strip())
