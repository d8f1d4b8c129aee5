"""Ids as files spell them, made comparable."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mrl_demo.corpora.reading.rows import Cell, text_of

_BREAKS = re.compile(r"[\t\r\n\ufeff]+")


def clean_id(cell: Cell, place: str) -> str:
    """An id as one line of text without outer white space, "" for a blank one."""
    return _BREAKS.sub(" ", text_of(cell, place)).strip()


def plain_ids(ids: Iterable[str]) -> dict[str, str]:
    """The ids by `plain_id`, those alone that no other one is mistaken for."""
    plain: dict[str, str] = {}
    twice = set()
    for name in ids:
        if plain.setdefault(plain_id(name), name) != name:
            twice.add(plain_id(name))
    return {key: name for key, name in plain.items() if key not in twice}


def plain_id(name: str) -> str:
    """An id as spreadsheets leave it alone: `1.0` is `1`."""
    whole, dot, zeros = name.partition(".")
    return whole if dot and zeros and not zeros.strip("0") and whole.lstrip("-").isdigit() else name
