"""Long work on a thread of its own, with its progress to poll and a way to stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from mrl_demo.core.errors import Cancelled, LabError
from mrl_demo.core.types import Progress
from mrl_demo.ui.shared.guard import guarded

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.2
STOPPING = "Stopping after the step under way."
STOPPED = "Stopped. What was shown before is still here."


class Job(Generic[_Result]):
    """Runs `work(progress)` once; after it ended `result` is what it returned, or `problem` says why there is none."""

    def __init__(self, work: Callable[[Progress], _Result]) -> None:
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.share, self.line = 0.0, "Starting"
        self.result: _Result | None = None
        self.problem = ""
        self.was_stopped = False

    def follow(self) -> Iterator[tuple[float, str]]:
        """Start, then give share and line whenever they changed until the work ends; leaving early stops it."""
        self._thread.start()
        said: tuple[float, str] | None = None
        try:
            while self._thread.is_alive():
                if (now := (self.share, self.line)) != said:
                    said = now
                    yield now
                self._thread.join(_POLL_SECONDS)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask the work to end at its next step; does nothing where it has ended.

        Who follows the job reads so in its line: an answer of its own to the click could overtake the last word.
        """
        self._stop.set()
        self.line = STOPPING

    def _run(self) -> None:
        self.result = guarded(lambda: self._work(self._progress), self._fail)

    def _fail(self, error: LabError) -> None:
        self.was_stopped = isinstance(error, Cancelled)
        self.problem = STOPPED if self.was_stopped else str(error)

    def _progress(self, share: float, line: str) -> None:
        if self._stop.is_set():
            raise Cancelled("stopped by the visitor")
        self.share, self.line = min(1.0, max(0.0, share)), line


class Jobs:
    """The running job of each visitor and kind, so that another event can stop it."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], Job] = {}
        self._lock = threading.Lock()

    def follow(self, owner: tuple[str, str], job: Job[_Result]) -> Iterator[tuple[float, str]]:
        """`job.follow` while it can be stopped by its owner; a job of the same owner that still runs is stopped."""
        with self._lock:
            before = self._running.pop(owner, None)
            self._running[owner] = job
        if before:
            before.stop()
        try:
            yield from job.follow()
        finally:
            with self._lock:
                if self._running.get(owner) is job:
                    del self._running[owner]

    def stop(self, owner: tuple[str, str]) -> bool:
        """Stop the owner's job; False where none runs."""
        with self._lock:
            job = self._running.get(owner)
        if job:
            job.stop()
        return job is not None
