"""How often one caller may ask: a bucket of calls that fills again, for each address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from mrl_demo.core.errors import LabError

#: Addresses remembered; who was not heard of longest is forgotten, whose bucket would be full by then.
_MOST_ADDRESSES = 10_000


class CallerLimit:
    """At most `per_minute` calls a minute from one address, a third of them at once; safe to share between threads.

    >>> limit = CallerLimit(per_minute=3, clock=lambda: 0.0)
    >>> limit.take("here")
    >>> limit.take("here")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: More than 3 calls a minute from one address: please wait 20 s.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._most = max(1.0, per_minute / 3)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str) -> None:
        """Count one call; raises `LabError` with the time to wait if the bucket is empty."""
        now = self._clock()
        with self._lock:
            left, since = self._left.pop(address, (self._most, now))
            left = min(self._most, left + (now - since) * self._per_minute / 60)
            self._left[address] = (left - 1 if left >= 1 else left, now)
            while len(self._left) > _MOST_ADDRESSES:
                self._left.popitem(last=False)
        if left < 1:
            wait = (1 - left) * 60 / self._per_minute
            raise LabError(f"More than {self._per_minute} calls a minute from one address: please wait {wait:.0f} s.")
