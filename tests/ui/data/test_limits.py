"""Limits of what a visitor brings: said, kept to, and told in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.ui.data.limits import check_upload_size, within_seconds
from mrl_demo.ui.data.view import own_data_intro
from mrl_demo.ui.serve import main


def test_every_limit_is_said_before_the_upload() -> None:
    settings = replace(
        Settings(), upload_documents=7_001, upload_mb=13, upload_chars=4_321, embed_seconds=660, upload_minutes=77
    )
    words = own_data_intro(settings)
    assert all(part in words for part in ("7,001 documents", "13 MB", "4,321 characters", "about 11 min", "77 minutes"))


def test_files_over_the_limit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * 900_000)
    check_upload_size([str(tmp_path / "a.csv"), str(tmp_path / "gone")], replace(Settings(), upload_mb=1))
    with pytest.raises(LabError, match=r"1\.8 MB, 1 MB are the limit"):
        check_upload_size([str(tmp_path / "a.csv")] * 2, replace(Settings(), upload_mb=1))


def test_an_embedding_that_takes_too_long_is_stopped_with_a_word_on_how_to_go_on() -> None:
    clock: list[float] = [0.0]
    told: list[str] = []
    progress = within_seconds(lambda _, line: told.append(line), 60, now=lambda: clock[0])
    progress(0.1, "first")
    clock[0] = 61
    with pytest.raises(LabError, match=r"limit for one go here, at 40%.*again to go on"):
        progress(0.4, "second")
    assert told == ["first"]


def test_a_space_has_smaller_limits_which_its_owner_may_set() -> None:
    space = Settings.from_environment({"SPACE_ID": "me/lab"})
    assert (space.upload_documents, space.embed_seconds, space.allows_own_model()) == (5_000, 900, False)
    own = Settings.from_environment({"SPACE_ID": "me/lab", "MRL_UPLOAD_DOCUMENTS": "50", "MRL_OWN_MODELS": "a/b, c/d"})
    assert own.upload_documents == 50 and own.allows_own_model("c/d@main") and not own.allows_own_model("e/f")


def test_a_flag_for_a_limit_takes_no_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--upload-documents", "0"]) == 2
    assert "--upload-documents 0 is not possible" in capsys.readouterr().err
