"""What the person who waits sees: a bar with loss and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from mrl_demo.jobs.events import Event, LineWriter, Message, StepDone, ValidationDone
from training.wait import Stage, Wait, spoken_time

_LINE_EVERY_S = 10.0
_MESSAGE_EVERY_S = 1.0
_BAR = 24


@dataclass
class Report:
    """Prints progress; `messages` gets it too, as `jobs.events.Message` lines for the page that started the run.

    Once `expect` has told the stages of a run, every line of progress says which one it is and how long all will take.

    >>> Report().say("20 pairs to train on.")
    20 pairs to train on.
    """

    quiet: bool = False
    messages: Path | None = None
    _last: float = 0.0
    _told: float = 0.0
    _wait: Wait | None = None

    def expect(self, stages: Sequence[Stage]) -> None:
        """Say how long the stages of a run will take, all in all, and reckon by them from here on."""
        self._wait = Wait(stages)
        parts = "; ".join(f"{stage.name} {spoken_time(stage.seconds)}" for stage in stages)
        self.say(f"About {spoken_time(sum(stage.seconds for stage in stages))} in all: {parts}.")

    def begin(self, stage: str) -> None:
        """The stage of that name begins."""
        if self._wait:
            self._wait.begin(stage)
            self.progress(0.0, "begins")

    def say(self, text: str) -> None:
        """One line."""
        self._tell(Message("note", text))
        if not self.quiet:
            print(text, flush=True)

    def progress(self, share: float, text: str) -> None:
        """The share done in 0..1 of the present stage, and what is being done."""
        self._reckon(share, text)
        left = f", {spoken_time(self._wait.left(share))} left in all" if self._wait else ""
        self._show(share, f"{text}{left}")

    def _reckon(self, share: float, text: str) -> None:
        """Write a message of progress, not more often than a reader can take."""
        now = time.monotonic()
        if share < 1 and now - self._told < _MESSAGE_EVERY_S:
            return
        self._told = now
        place, left = (f"{self._wait.place}. ", round(self._wait.left(share), 1)) if self._wait else ("", None)
        self._tell(Message("progress", f"{place}{text}", share=share, seconds_left=left))

    def event(self, event: Event) -> None:
        """One optimiser step, or one validation."""
        if not isinstance(event, StepDone | ValidationDone):
            return
        if isinstance(event, ValidationDone):
            reached = f"validation nDCG@10 {fmean(event.ndcg.values()):.4f}"
        else:
            reached = f"loss {event.loss:.4f}"
        self._reckon(event.step / max(event.of, 1), f"Step {event.step:,} of {event.of:,}")
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
