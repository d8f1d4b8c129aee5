"""Numbers as people say them, for page and terminal alike."""

from __future__ import annotations

from collections.abc import Iterable

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def human_bytes(n_bytes: int) -> str:
    """Three significant digits in decimal units.

    >>> human_bytes(256_000_000)
    '256 MB'
    """
    value, unit = float(n_bytes), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if value >= 99.95 or unit == 0 else 1
    return f"{value:.{digits}f}".removesuffix(".0") + f" {_UNITS[unit]}"


def ordinal(rank: int) -> str:
    """A place in a ranking.

    >>> [ordinal(rank) for rank in (1, 2, 3, 11, 51, 1_022)]
    ['1st', '2nd', '3rd', '11th', '51st', '1,022nd']
    """
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def join_words(words: Iterable[str]) -> str:
    """Words as a list in a sentence; those that are there already are not said again.

    >>> join_words(["154 GB", "154 GB"]), join_words(["a", "b", "c"])
    ('154 GB', 'a, b and c')
    """
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} and {last}" if first else last
