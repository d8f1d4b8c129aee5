from __future__ import annotations

from typing import Any

import pytest

from mrl_demo.core.errors import LabError
from mrl_demo.ui.funnel.state import FunnelSeen, FunnelState

ODD: tuple[Any, ...] = (None, "", "many", "nan", float("inf"), -1, 2.5, [3])


@pytest.mark.parametrize("memory", ODD)
def test_an_odd_memory_is_named(memory: Any) -> None:
    with pytest.raises(LabError, match=r"memory is .*: write"):
        _ = FunnelState(FunnelSeen(), "builtin", "base", bytes_a_vector=memory).question


@pytest.mark.parametrize("target", [odd for odd in ODD if odd != "nan"])
def test_an_odd_target_is_named(target: Any) -> None:
    with pytest.raises(LabError, match="target is"):
        _ = FunnelState(FunnelSeen(), "builtin", "base", target=target).question


def test_numbers_written_as_words_count() -> None:
    question = FunnelState(FunnelSeen(), "builtin", "base", target="0.9", bytes_a_vector="64", load=".5").question  # type: ignore[arg-type]
    assert (question.target, question.bytes_a_vector, question.load) == (0.9, 64, 0.5)
