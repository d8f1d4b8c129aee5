"""Entries of the menus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CorpusChoice:
    """An entry of the corpus menu; `ready` is False if choosing it starts a build that takes a while."""

    name: str
    label: str
    description: str
    ready: bool
