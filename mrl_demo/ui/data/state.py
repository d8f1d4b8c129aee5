"""What one visitor gave and chose on the tab of their own documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mrl_demo.core.errors import LabError
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.own.passages import PassageChoice
from mrl_demo.corpora.reading import TextFormat
from mrl_demo.ui.shared.visit import Visit

#: The entry of a column's menu that leaves the choice to the reader.
GUESSED = ""


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
    question_column: str | None
    domain_column: str | None
    encoding: str | None
    delimiter: str | None
    words: float | None
    overlap: float | None
    is_paragraphs: bool | None
    visit: Visit
    menus: Mapping[str, object]

    @property
    def columns(self) -> ColumnChoice:
        """The columns, passages and format chosen; raises `LabError` kinds for lengths that cannot be."""
        passages = PassageChoice(_whole(self.words), _whole(self.overlap), bool(self.is_paragraphs))
        return ColumnChoice(
            text=self.text_column or GUESSED,
            title=self.title_column or GUESSED,
            id=self.id_column or GUESSED,
            label=self.label_column or GUESSED,
            question=self.question_column or GUESSED,
            domain=self.domain_column or GUESSED,
            passages=passages,
            format=TextFormat(self.encoding or GUESSED, self.delimiter or GUESSED),
        )


def data_state(**values: Any) -> DataState:  # noqa: ANN401
    """The state behind the values that the components send; what is no field of it are menus of collections."""
    own = {field.name for field in fields(DataState)}
    menus = {name: value for name, value in values.items() if name not in own}
    return DataState(**{name: value for name, value in values.items() if name in own}, menus=menus)


def _whole(value: float | None) -> int:
    if value is None:
        return 0
    if not isinstance(value, int | float) or value != int(value):
        raise LabError(f"{value} is no number of words: write a whole number.")
    return int(value)
