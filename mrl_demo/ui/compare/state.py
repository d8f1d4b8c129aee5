"""What one visitor is looking at, free of Gradio."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewState:
    """The last search that answered: moving the slider repeats it at another length, whatever is half typed.

    `full_dim` is where the slider ends; 0 before anything was found.
    """

    query: str
    corpus: str
    arms: tuple[str, ...]
    full_dim: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.query.strip()
