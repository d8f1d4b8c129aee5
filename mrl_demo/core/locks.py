"""Locks by key, and locks between processes: work on one thing at a time, without waiting for work on another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrl_demo.core.storage import unwritable
from mrl_demo.core.types import Progress

try:
    import fcntl
except ImportError:  # Windows: one process at a time is assumed there.
    fcntl = None  # type: ignore[assignment]

_POLL_SECONDS = 0.25


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Hold a lock file against all other processes and threads; raises `CacheError` if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise unwritable(path.parent, error) from error
    with handle:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class KeyedLocks:
    """One lock a key, made when it is first held and forgotten when nobody holds or awaits it.

    >>> locks = KeyedLocks()
    >>> with locks.hold("a"), locks.hold("b"):
    ...     sorted(locks.held())
    ['a', 'b']
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._holders: dict[str, int] = {}

    def held(self) -> set[str]:
        """Keys that somebody holds or waits for."""
        with self._guard:
            return set(self._locks)

    @contextmanager
    def hold(self, key: str, progress: Progress | None = None) -> Iterator[None]:
        """Hold the lock of `key`; other keys are not affected. What `progress` raises meanwhile ends the wait."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
            self._holders[key] = self._holders.get(key, 0) + 1
        try:
            while not lock.acquire(timeout=_POLL_SECONDS):
                if progress:
                    progress(0.0, "Waiting for the same work, which is under way")
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                self._holders[key] -= 1
                if not self._holders[key]:
                    del self._locks[key], self._holders[key]
