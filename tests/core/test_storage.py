"""Folders are whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import atomic_folder, replace_folder


def make(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "file").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_takes_the_place_of_another_and_nothing_else_stays(tmp_path: Path) -> None:
    target = make(tmp_path / "target", "old")
    replace_folder(target, make(tmp_path / "made", "new"))
    assert (target / "file").read_text(encoding="utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_the_old_folder_stays_if_the_new_one_cannot_be_put_there(tmp_path: Path) -> None:
    target = make(tmp_path / "target", "old")
    with pytest.raises(CacheError, match="Cannot write"):
        replace_folder(target, tmp_path / "absent")
    assert (target / "file").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_folder_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "target") as folder:
        make(folder / "half", "half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
