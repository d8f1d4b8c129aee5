"""What a person says about the columns of their documents, and the flags that say it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class ColumnChoice:
    """Columns of a file that hold a document's text, title, id and label; "" for each that is to be guessed.

    >>> ColumnChoice(text="Notes").chosen()
    {'text': 'Notes'}
    """

    text: str = ""
    title: str = ""
    id: str = ""
    label: str = ""

    def chosen(self) -> dict[str, str]:
        """The columns that are named, by role."""
        named = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {role: column for role, column in named.items() if column}


def add_column_options(parser: argparse.ArgumentParser) -> None:
    """Add `--text-column` and its kin; `column_choice` reads them."""
    for field in fields(ColumnChoice):
        says = f"column of your documents that holds the {field.name} (default: by its name)"
        parser.add_argument(f"--{field.name}-column", default="", metavar="NAME", help=says)


def column_choice(options: argparse.Namespace) -> ColumnChoice:
    """The columns named with the flags of `add_column_options`."""
    return ColumnChoice(**{field.name: getattr(options, f"{field.name}_column") for field in fields(ColumnChoice)})
