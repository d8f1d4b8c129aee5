"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless_cell(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets the quote that keeps it text; numbers stay numbers.

    >>> harmless_cell("=HYPERLINK(1)"), harmless_cell(-1.5), harmless_cell("-1.5")
    ("'=HYPERLINK(1)", -1.5, '-1.5')
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
