"""Every line of SECURITY.md names a test that there is."""

from __future__ import annotations

import re

import pytest

from mrl_demo.core.config import CODE_ROOT

TEXT = (CODE_ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_test_that_a_threat_names_is_there(path: str, name: str) -> None:
    assert f"def {name}(" in (CODE_ROOT / path).read_text(encoding="utf-8")


def test_every_threat_and_every_fault_names_a_test() -> None:
    heads = ("| ---", "| threat", "| #")
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and not line.startswith(heads)]
    assert len(rows) > 40
    assert [row for row in rows if "`tests/" not in row] == []
