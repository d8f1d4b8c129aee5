"""What a visitor may bring here: said before the upload, and kept to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import Progress
from mrl_demo.ui.components.text import about_time


def limits_sentence(settings: Settings) -> str:
    """All limits of own documents in a sentence."""
    return (
        f"At most {settings.upload_documents:,} documents, {settings.upload_mb:,} MB, {settings.upload_chars:,} "
        f"characters a document (longer ones are cut, and counted), and {about_time(settings.embed_seconds)} of "
        "embedding at a time."
    )


def check_upload_size(files: Sequence[str], settings: Settings) -> None:
    """Refuse files that are too much together; raises `CorpusError`. Missing ones are left to their reader."""
    size = sum(path.stat().st_size for path in map(Path, files) if path.is_file())
    if size > settings.upload_mb * 1_000_000:
        raise CorpusError(
            f"Your files have {size / 1e6:,.1f} MB, {settings.upload_mb:,} MB are the limit here: give fewer, or run "
            "the lab on your own machine."
        )


def within_seconds(progress: Progress, seconds: int, now: Callable[[], float] = time.monotonic) -> Progress:
    """Progress that raises `LabError` once the work has taken longer; what it made by then is kept by who makes it."""
    end = now() + seconds

    def tell(share: float, line: str) -> None:
        """Report progress; raises `LabError` once the time is over."""
        if now() > end:
            raise LabError(
                f"Stopped after {about_time(seconds)}, the limit for one go here, at {share:.0%}. What is embedded is "
                "kept: press “Embed and use it” again to go on, or bring fewer documents."
            )
        progress(share, line)

    return tell
