"""What one visitor gave and chose on the tab of their own documents, free of Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.corpora.options import ColumnChoice
from mrl_demo.corpora.passages import PassageChoice
from mrl_demo.corpora.reading import TextFormat

#: The entry of a column's menu that leaves the choice to the reader.
GUESSED = ""


@dataclass(frozen=True)
class OwnDocuments:
    """A visitor's collection: its secret name, what they call it, how much of it there is, and what they uploaded."""

    name: str
    label: str
    n_documents: int
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataState:
    """All that the tab's controls hold, as the browser sends it."""

    files: Sequence[str] | None
    text: str | None
    hub: str | None
    text_column: str | None
    title_column: str | None
    id_column: str | None
    label_column: str | None
    encoding: str | None
    delimiter: str | None
    words: float | None
    overlap: float | None
    is_paragraphs: bool | None
    own: OwnDocuments | None

    @property
    def columns(self) -> ColumnChoice:
        """The columns, passages and format chosen; raises `LabError` kinds for lengths that cannot be."""
        passages = PassageChoice(_whole(self.words), _whole(self.overlap), bool(self.is_paragraphs))
        return ColumnChoice(
            text=self.text_column or GUESSED,
            title=self.title_column or GUESSED,
            id=self.id_column or GUESSED,
            label=self.label_column or GUESSED,
            passages=passages,
            format=TextFormat(self.encoding or GUESSED, self.delimiter or GUESSED),
        )


def _whole(value: float | None) -> int:
    if value is None:
        return 0
    if not isinstance(value, int | float) or value != int(value):
        raise LabError(f"{value} is no number of words: write a whole number.")
    return int(value)
