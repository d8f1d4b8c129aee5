from __future__ import annotations

from dev.kill_rounds import run_rounds


def test_what_kill_9_leaves_in_a_cache_that_two_processes_share_is_neither_wrong_nor_stale() -> None:
    assert run_rounds(2, seed=3) == []
