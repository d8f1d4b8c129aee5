"""Example queries of the menu's corpora, from `assets/examples.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.errors import CorpusError


@dataclass(frozen=True)
class Example:
    """A query to click and, in a few words, what it shows."""

    text: str
    shows: str


def load_examples(assets_dir: Path, corpus: str) -> tuple[Example, ...]:
    """The examples of a corpus, empty if it has none; raises `CorpusError` naming a malformed file."""
    path = assets_dir / "examples.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8")).get(corpus, [])
        return tuple(Example(row["text"], row["shows"]) for row in rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path} is missing or malformed ({error}): restore it from the repository.") from error
