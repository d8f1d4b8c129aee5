from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mrl_demo.core.bounded import BoundedCache


def test_a_value_is_made_once_however_many_threads_want_it() -> None:
    cache, made, together = BoundedCache[int](4), [], threading.Barrier(8)

    def make() -> int:
        made.append(1)
        time.sleep(0.02)
        return len(made)

    def get() -> int:
        together.wait()
        return cache.get("key", make)

    with ThreadPoolExecutor(8) as pool:
        assert {future.result() for future in [pool.submit(get) for _ in range(8)]} == {1}


def test_making_one_value_does_not_hold_up_another() -> None:
    cache, other_is_there = BoundedCache[str](4), threading.Event()

    def slow() -> str:
        assert other_is_there.wait(5)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cache.get, "slow", slow)
        assert cache.get("quick", lambda: "quick") == "quick"
        other_is_there.set()
        assert waiting.result() == "slow"


def test_what_failed_is_tried_again() -> None:
    cache = BoundedCache[int](4)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: 1 // 0)
    assert cache.get("key", lambda: 2) == 2


def test_the_least_recently_used_value_makes_room() -> None:
    cache = BoundedCache[str](2)
    for key in ("old", "used", "old", "new"):
        cache.get(key, lambda key=key: key)
    assert cache.get("old", lambda: "made again") == "old"
    assert cache.get("used", lambda: "made again") == "made again"
