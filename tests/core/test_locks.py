"""Who builds one thing keeps out those who want the same, and nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mrl_demo.core.locks import KeyedLocks


class _TiredError(Exception):
    pass


def _tire(_share: float, _line: str) -> None:
    raise _TiredError


def test_who_builds_one_thing_holds_up_nobody_who_wants_another() -> None:
    locks = KeyedLocks()

    def hold(key: str) -> str:
        with locks.hold(key, _tire):
            return key

    with locks.hold("slow"), ThreadPoolExecutor(1) as other:
        assert other.submit(hold, "quick").result(10) == "quick"
        with pytest.raises(_TiredError):
            other.submit(hold, "slow").result(10)
