"""What the person who waits sees: a bar with loss and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from mrl_demo.jobs.events import BaseQuality, Event, LineWriter, Message, ShareMeasured, ValidationDone

_LINE_EVERY_S = 10.0
_MESSAGE_EVERY_S = 1.0
_BAR = 24


@dataclass
class Report:
    """Prints progress; `messages` gets it too, as `jobs.events.Message` lines for the page that started the run.

    >>> Report().say("20 pairs to train on.")
    20 pairs to train on.
    """

    quiet: bool = False
    messages: Path | None = None
    _last: float = 0.0
    _told: float = 0.0

    def say(self, text: str) -> None:
        """One line."""
        self._tell(Message("note", text))
        if not self.quiet:
            print(text, flush=True)

    def progress(self, share: float, text: str) -> None:
        """The share done in 0..1 and what is being done."""
        now = time.monotonic()
        if share >= 1 or now - self._told >= _MESSAGE_EVERY_S:
            self._told = now
            self._tell(Message("progress", text, share=share))
        self._show(share, text)

    def event(self, event: Event) -> None:
        """One optimiser step, or one validation."""
        if isinstance(event, BaseQuality | ShareMeasured):
            return
        if isinstance(event, ValidationDone):
            reached = f"validation nDCG@10 {fmean(event.ndcg.values()):.4f}"
        else:
            reached = f"loss {event.loss:.4f}"
        words = f"step {event.step}/{event.of}, {reached}, {_clock(event.seconds_left)} left"
        self._show(event.step / max(event.of, 1), words, always=isinstance(event, ValidationDone))

    def _show(self, share: float, text: str, always: bool = False) -> None:
        now = time.monotonic()
        if self.quiet or (
            not always and share < 1 and now - self._last < (0.2 if sys.stdout.isatty() else _LINE_EVERY_S)
        ):
            return
        self._last = now
        filled = round(_BAR * min(share, 1))
        line = f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:4.0%} {text}"
        if sys.stdout.isatty():
            print(f"\r\x1b[K{line}", end="\n" if share >= 1 or always else "", flush=True)
        else:
            print(line, flush=True)

    def _tell(self, message: Message) -> None:
        if self.messages is not None:
            LineWriter(self.messages).message(message)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    return f"{minutes}:{rest:02d}"
