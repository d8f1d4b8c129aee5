"""`mrl embed --shards` and `mrl evaluate --shards` on a person's own file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrl_demo import cli


def test_a_collection_of_ones_own_goes_into_shards_and_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["title,text", *(f"Recipe {i},Bake loaf number {i} for {i + 20} minutes with salt." for i in range(30))]
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    cache, shards = ["--cache-dir", str(tmp_path / "cache")], str(tmp_path / "shards")
    embed = ["embed", "--corpus", str(tmp_path / "mine.csv"), "--arms", "base", *cache]
    assert cli.main([*embed, "--shards", shards]) == 0
    assert "30 vectors of 384 numbers are whole" in capsys.readouterr().out
    measured = ["evaluate", "--shards", shards, "--dims", "64", "--precisions", "float32,binary+rescore", *cache]
    assert cli.main([*measured, "--grow", "10", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["stand_ins"] == "titles" and [point["n"] for point in told["growth"]] == [10, 30]
    assert {row["precision"] for row in told["rows"]} == {"float32", "binary+rescore"}
    assert cli.main([*measured, "--by", "language"]) == 2
    assert "--by cannot go with --shards" in capsys.readouterr().err
    assert cli.main([*embed, "--dtype", "float32"]) == 2
    assert "are for --shards" in capsys.readouterr().err
