"""Texts that a collection should have no answer to: nonsense, small talk, errands, other languages, private matters."""

from __future__ import annotations

import json
from pathlib import Path

from mrl_demo.core.errors import CorpusError


def load_off_topic(assets_dir: Path) -> tuple[str, ...]:
    """All texts of `assets/off_topic.json`; raises `CorpusError` if it is missing or malformed."""
    path = assets_dir / "off_topic.json"
    try:
        kinds = json.loads(path.read_text(encoding="utf-8"))
        return tuple(str(text) for texts in kinds.values() for text in texts)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CorpusError(f"{path} is missing or malformed ({error}): restore it from the repository.") from error
