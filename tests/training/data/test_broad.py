from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mrl_demo.core.config import Settings
from mrl_demo.models import run_folder
from tests.training.tiny import rows, write_jsonl
from training.cli import main
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.data.broad import source_name
from training.data.sources import load_data
from training.errors import ConfigError, DataError
from training.report import Report
from training.run import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sources, one of them compressed, and a README beside them."""
    out = tmp_path_factory.mktemp("pairs")
    made = [{"query": f"what is {row['query']}", "positive": f"{row['positive']} and the bank"} for row in rows()]
    write_jsonl(out / "pairs-wikipedia.jsonl", made[:30])
    write_jsonl(out / "pairs-held.jsonl", [row | {"positive": f"{row['positive']} and rain"} for row in made[30:55]])
    packed = "".join(json.dumps(row) + "\n" for row in made[55:80])
    (out / "pairs-mine.jsonl.gz").write_bytes(gzip.compress(packed.encode()))
    (out / "README.md").write_text("Pairs of mine.", encoding="utf-8")
    return out


def test_broad_pairs_stand_beside_the_data_without_the_sources_left_out(
    folder: Path, tiny_config: TrainConfig, settings: Settings
) -> None:
    alone = load_data(tiny_config, settings)
    wanted = tiny_config.changed(pairs=str(folder), leave_out="held", broad_texts=7)
    data = load_data(wanted, settings)
    assert data.sources == (("mine", 25), ("wikipedia", 30))
    assert len(data.pairs) == len(alone.pairs) + 55
    assert data.judge == alone.judge
    assert not any(text.endswith("and rain") for text in data.pairs.positives)
    assert len(data.broad) == len(load_data(tiny_config.changed(broad_texts=7), settings).broad) + 7
    assert "55 broad pairs beside" in str(data.notes[-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pairs": "nowhere"}, "nowhere is no folder of pairs"),
        ({"leave_out": "held, debian"}, "has no source debian: there are held, mine, wikipedia"),
        ({"leave_out": "held,mine,wikipedia"}, "has no source to learn from"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_option_that_mends_it(
    folder: Path, tiny_config: TrainConfig, settings: Settings, change: dict[str, str], words: str
) -> None:
    with pytest.raises(DataError, match=words) as problem:
        load_data(tiny_config.changed(**{"pairs": str(folder)} | change), settings)
    assert problem.value.field in {"pairs", "leave_out"}


def test_sources_left_out_of_no_folder_are_an_error_in_one_line(
    data_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["--leave-out=usgov", f"--data={data_file}"], ["--preset=broad"]):
        assert main(["train", *arguments, f"--out={tmp_path / 'out'}"]) == 2
        assert "--leave-out: sources (" in (said := capsys.readouterr().err) and "add --pairs DIR." in said


def test_axes_that_are_not_there_or_of_another_length_are_named(
    tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    for axes, words in (("nowhere", "one of tuned, tuned-2d"), ("tuned", "384 numbers, and the base model has 32")):
        with pytest.raises(ConfigError, match=words):
            train(tiny_config.changed(axes=axes), RunOptions(tmp_path / "x"), RunContext(settings, Report(quiet=True)))


def test_the_source_of_a_file() -> None:
    assert [source_name(Path(name)) for name in ("pairs-a.jsonl.gz", "b.csv")] == ["a", "b"]


def test_a_guided_run_on_broad_pairs_names_its_sources_on_the_card(
    folder: Path, tiny_config: TrainConfig, settings: Settings, finished: Path, tmp_path: Path
) -> None:
    config = tiny_config.changed(
        pairs=str(folder), leave_out="held", guided=True, negatives="none", anchor_weight=1.0, steps=4, evaluations=0,
        averaged=0.5, axes=str(finished),
    )  # fmt: skip
    assert train(config, RunOptions(tmp_path / "run"), RunContext(settings, Report(quiet=True)))
    card = (tmp_path / "run" / run_folder.CARD).read_text(encoding="utf-8")
    assert "- and on 30 pairs of wikipedia: CC BY-SA" in card
    assert "- and on 25 pairs of mine: see its source for the licence" in card
    assert "best step" not in card
    assert "averaged over the last 50%" in card and f"rotation of {finished.name} in the place" in card
    given, kept = (load_file(run / run_folder.ROTATION_FILE)["matrix"] for run in (finished, tmp_path / "run"))
    assert np.array_equal(given, kept)
    assert "held" not in json.loads((tmp_path / "run" / run_folder.METRICS_FILE).read_text(encoding="utf-8"))["sources"]


def test_the_sources_of_drawn_pairs_are_counted(folder: Path, tiny_config: TrainConfig, settings: Settings) -> None:
    read = load_data(tiny_config.changed(pairs=str(folder)), settings)
    own = len(read.pairs) - sum(count for _, count in read.sources)
    names = np.array(["own"] * own + [name for name, count in read.sources for _ in range(count)])
    for seed in range(20):
        draw = np.random.default_rng(seed)
        rows = np.sort(draw.permutation(len(names))[: draw.integers(len(names) + 1)])
        expected = tuple((name, int(np.sum(names[rows] == name))) for name, _ in read.sources)
        assert read.sources_among(rows) == expected


@pytest.mark.parametrize("most", [10, 60, 100, 200])
def test_a_draw_has_the_datas_own_pairs_up_to_a_half_and_never_too_few(
    folder: Path, tiny_config: TrainConfig, settings: Settings, most: int
) -> None:
    data = load_data(tiny_config.changed(pairs=str(folder)), settings)
    own, broad = data.own_pairs, len(data.pairs) - data.own_pairs
    rows = data.draw(min(most, len(data.pairs)), seed=3)
    assert len({*rows.tolist()}) == len(rows) == min(most, len(data.pairs))
    assert np.array_equal(rows, np.sort(rows))
    assert int(np.sum(rows < own)) == min(own, max(most // 2, most - broad))


def test_the_card_counts_the_pairs_that_were_drawn_of_a_source(
    folder: Path, tiny_config: TrainConfig, settings: Settings, tmp_path: Path
) -> None:
    config = tiny_config.changed(pairs=str(folder), sample=40, negatives="none", guided=True, steps=2, evaluations=0)
    assert train(config, RunOptions(tmp_path / "run"), RunContext(settings, Report(quiet=True)))
    metrics = json.loads((tmp_path / "run" / run_folder.METRICS_FILE).read_text(encoding="utf-8"))
    assert metrics["pairs"] == 40
    assert 0 < sum(metrics["sources"].values()) <= 40
    assert list(metrics["sources"]) == ["held", "mine", "wikipedia"]
