"""A bounded map that all threads share, and that makes each value once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """A least-recently-used map that makes each missing value once, however many threads want it.

    >>> cache = BoundedCache[str](limit=2)
    >>> [cache.get(word, word.upper) for word in ("a", "b", "c")]
    ['A', 'B', 'C']
    >>> cache.get("c", lambda: "made again"), cache.get("a", lambda: "made again")  # "a" made room for "c".
    ('C', 'made again')
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[object, Value] = OrderedDict()
        self._making: dict[object, threading.Lock] = {}
        self._lock = threading.Lock()

    def put(self, key: object, value: Value) -> None:
        """Keep a value, forgetting the least recently used one above the limit."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def discard(self, belongs: Callable[[object], bool]) -> None:
        """Forget every value whose key `belongs`."""
        with self._lock:
            for key in [key for key in self._values if belongs(key)]:
                del self._values[key]

    def values(self) -> list[Value]:
        """What is kept now, least recently used first."""
        with self._lock:
            return list(self._values.values())

    def __contains__(self, key: object) -> bool:
        """Whether a value is there now, without making it or counting as a use."""
        with self._lock:
            return key in self._values

    def peek(self, key: object) -> Value | None:
        """The value of `key` if it is kept; what is being made is not waited for."""
        with self._lock:
            return self._values.get(key)

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        """The value of `key`, made by `make` if it is missing; if `make` raises, so does this, and nothing is kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                with self._lock:
                    if key in self._values:
                        return self._values[key]
                value = make()
                self.put(key, value)
                return value
        finally:
            with self._lock:
                self._making.pop(key, None)
