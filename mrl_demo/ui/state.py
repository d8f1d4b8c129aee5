"""What one visitor is looking at, free of Gradio."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewState:
    """The last search that answered: moving the slider repeats it at another length, whatever is half typed."""

    query: str
    corpus: str
    arms: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.query.strip()
