"""What the person who waits sees: a bar with loss and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.jobs.events import LineWriter, Message

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

    def step(self, step: int, steps: int, loss: float | None, seconds_left: float, validation: float | None) -> None:
        """One optimiser step, or one validation."""
        parts = [f"step {step}/{steps}"]
        parts += [f"loss {float(loss):.4f}"] if loss is not None else []
        parts += [f"validation nDCG@10 {float(validation):.4f}"] if validation is not None else []
        self._show(
            step / max(steps, 1), ", ".join([*parts, f"{_clock(seconds_left)} left"]), always=validation is not None
        )

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
