from __future__ import annotations

import pytest

from dev.kill_rounds import run_rounds
from mrl_demo.adapt import AdaptSettings


def test_what_kill_9_leaves_in_a_cache_that_two_processes_share_is_neither_wrong_nor_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AdaptSettings, "for_model", AdaptSettings.for_model)  # Put back what the rounds set.
    assert run_rounds(2, seed=3) == []
