"""What a person typed, made fit for an encoder: control characters out, length capped, and a note on what was done."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from mrl_demo.core.errors import LabError

EMPTY_HINT = "Type a question or a few words, or click one of the examples."


@dataclass(frozen=True)
class CleanQuery:
    """The text to encode and a line for the person, empty if nothing was changed."""

    text: str
    note: str = ""


def clean_query(raw: str, max_chars: int) -> CleanQuery:
    """Drop control characters, fold white space, cap the length; raises `LabError` if nothing is left."""
    kept = "".join(c if unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in str(raw or ""))
    text = " ".join(kept.split())
    if not text:
        raise LabError(EMPTY_HINT)
    if len(text) <= max_chars:
        return CleanQuery(text)
    note = (
        f"Your text has {len(text):,} characters and was cut to the first {max_chars:,}. Models read less still: those "
        "that ship stop after 256 tokens, about 200 words."
    )
    return CleanQuery(text[:max_chars].rstrip(), note)
