from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest

from mrl_demo.core.config import find_assets
from training.cli import _parser, config_from, main
from training.config import TrainConfig, load_config, train_settings
from training.errors import ConfigError
from training.presets import preset_config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dims": (64, 32)}, r"dims is \(64, 32\).*rising order, as in \(32, 64\)"),
        ({"dims": (32, 32)}, r"dims is \(32, 32\).*without repeats"),
        ({"dims": (0, 8)}, "whole numbers from 1"),
        ({"dims": (True, 8)}, "whole numbers from 1"),
        ({"dims": (8, 16), "weights": (1.0,)}, r"as many as dims \(2\), not 1"),
        ({"dims": (8, 16), "weights": (0.0, 0.0)}, "not all 0"),
        ({"dims": (8, 16), "weights": (1.0, -1.0)}, "0 or more"),
        ({"loss": "triplet"}, "'triplet'.*mnrl"),
        ({"loss": "none", "distillation": False}, "distillation is off"),
        ({"negatives": "all"}, "'all'"),
        ({"batch_size": 1}, "2 or more"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"learning_rate": 5.0}, "at most 0.1"),
        ({"adapter_scale": 1.5}, "from 0 to 1"),
        ({"most_tax": 0.01}, "given, to choose"),
        ({"broad": "mine"}, "own, others"),
        ({"steps": -1}, "steps is -1"),
        ({"name": "a/b"}, "without slashes"),
    ],
)
def test_what_cannot_be_trained_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainConfig("x").changed(**changes)


def test_a_dim_above_the_models_is_named() -> None:
    with pytest.raises(ConfigError, match=r"dims \[512\] are above the model's 384"):
        TrainConfig("x").changed(dims=(64, 512)).objective.up_to(384)


def test_the_full_length_is_added() -> None:
    objective = TrainConfig("x").changed(dims=(8, 64), weights=(1.0, 2.0)).objective.up_to(384)
    assert objective.dims == (8, 64, 384)
    assert objective.weights == (1.0, 2.0, 2.0)
    assert objective.up_to(384) == objective


def test_json_round_trip(tmp_path: Path) -> None:
    config = preset_config("msmarco").changed(weights=(1.0, 1.0, 2.0, 3.0))
    path = tmp_path / "c.json"
    path.write_text(config.to_json(), encoding="utf-8")
    assert load_config(path) == config


def test_unknown_fields_and_broken_json_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"name": "x", "epocks": 3}', encoding="utf-8")
    with pytest.raises(ConfigError, match="epocks"):
        load_config(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="not JSON"):
        load_config(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "absent.json")


def test_the_fingerprint_follows_every_field() -> None:
    config = TrainConfig("x")
    others = [
        config.changed(seed=1),
        config.changed(dims=(8, 384)),
        config.changed(weights=(1.0,) * 7),
        preset_config("builtin"),
    ]
    assert len({each.fingerprint for each in (config, *others)}) == 5


def test_the_control_differs_in_the_prefixes_alone() -> None:
    tuned, plain = preset_config("builtin"), preset_config("builtin-plain")
    assert plain.changed(name=tuned.name, weights=tuned.objective.weights, matryoshka=True, rotation=True) == tuned
    assert not plain.objective.matryoshka and not plain.adapter.rotation


def test_the_command_line_changes_a_preset() -> None:
    options = _parser().parse_args(
        [
            "train",
            "--preset",
            "msmarco",
            "--dims",
            "64,128",
            "--weights",
            "2,1",
            "--steps",
            "3",
            "--out",
            "x",
            "--base",
            "tiny",
        ]
    )
    config = config_from(options)
    assert (config.objective.dims, config.objective.weights) == ((64, 128), (2.0, 1.0))
    assert (config.schedule.steps, config.base) == (3, "tiny")
    assert config.objective.loss == "cached-mnrl"
    assert (config.revision, config.prompts.query_prompt) == ("", "")  # Those of the preset's base fit no other model.
    kept = config_from(_parser().parse_args(["train", "--preset", "msmarco", "--out", "x"]))
    assert kept.revision and kept.prompts.query_prompt


def test_the_shipped_adapter_starts_again_from_its_own_settings_and_a_folder_of_pairs() -> None:
    saved = find_assets() / "adapters" / "tuned" / "training_config.json"
    config = config_from(_parser().parse_args(["train", "--config", str(saved), "--pairs", "mine", "--out", "x"]))
    assert (config.pairs.pairs, config.pairs.data, config.base) == ("mine", "builtin", "minilm")
    assert config.changed(pairs=load_config(saved).pairs.pairs) == load_config(saved)


def test_the_small_lesson_needs_nothing_beyond_the_repository() -> None:
    small, whole = preset_config("builtin-small"), preset_config("builtin")
    assert (small.pairs.data, small.pairs.pairs, small.base) == ("builtin", "", "minilm")
    assert 0 < small.pairs.sample <= 2_000
    assert 0 < small.schedule.steps <= whole.schedule.steps / 3


@pytest.mark.parametrize(
    ("dims", "weights"),
    [
        ("8,64,384", (0.5, 2, 0.5)),
        ("8,16,32,64,128,256,384", preset_config("builtin").objective.weights),
        ("8,100", ()),
    ],
)
def test_a_preset_keeps_the_weights_of_the_lengths_it_keeps(dims: str, weights: tuple[float, ...]) -> None:
    """The Train tab sends the lengths that are ticked and no weights."""
    config = config_from(_parser().parse_args(["train", "--dims", dims, "--out", "x"]))
    assert config.objective.weights == weights
    assert config.objective.up_to(384).dims[-1] == 384


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "nope"], "no preset 'nope': choose one of builtin"),
        (["--dims", "64,x"], "--dims: '64,x' is no list"),
        (["--dims", "64,32"], "rising order"),
        (["--base", "no/such-folder", "--data", "nowhere.jsonl"], "no/such-folder"),
    ],
)
def test_bad_commands_say_what_is_wrong(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", _no_hub)
    assert main(["train", "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_value_of_another_type_is_named(tmp_path: Path) -> None:
    wrong = {"steps": "3", "matryoshka": 1, "dims": 64, "weights": ["a"], "base": None, "seed": True, "warmup": [0.1]}
    for name, value in wrong.items():
        with pytest.raises(ConfigError, match=f"{name} is .*must be") as caught:
            TrainConfig.from_dict({"name": "x", name: value})
        assert caught.value.field == name
    assert (
        TrainConfig.from_dict({"name": "x", "learning_rate": 1e-3, "weights": [1] * 7}).schedule.learning_rate == 1e-3
    )


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("tuned", "a2bbcd"),
        ("tuned-plain", "17afa5"),
    ],
)
def test_shipped_configurations_are_read_and_keep_their_fingerprints(name: str, fingerprint: str) -> None:
    """The keys of finished runs hang on them: groups of settings make no difference."""
    config = load_config(find_assets() / "adapters" / name / "training_config.json")
    assert config.fingerprint[:6] == fingerprint
    assert TrainConfig.from_json(config.to_json()) == config


def test_every_setting_is_an_option_and_every_option_says_what_it_is_by_default() -> None:
    parser = next(
        action.choices["train"] for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    assert {setting.name for setting in train_settings()} <= {action.dest for action in parser._actions}
    for action in parser._actions:
        says = parser._get_formatter()._expand_help(action) if action.help else ""
        takes_nothing = action.nargs == 0 and not isinstance(action, argparse.BooleanOptionalAction)
        if action.help != argparse.SUPPRESS:
            assert len(says.split()) >= 3, action.option_strings
            assert takes_nothing or action.required or re.search(r"default: |builtin: ", says), action.option_strings


def test_all_weights_learn_at_a_lower_rate_unless_one_is_named() -> None:
    whole = ["train", "--preset", "own", "--out", "x", "--lora-rank", "0"]
    assert config_from(_parser().parse_args(whole)).schedule.learning_rate == 1e-4
    assert config_from(_parser().parse_args([*whole, "--learning-rate", "1e-3"])).schedule.learning_rate == 1e-3


@pytest.mark.parametrize(("name", "preset"), [("tuned", "broad"), ("tuned-plain", "broad-plain")])
def test_a_preset_makes_what_ships_but_for_where_its_pairs_lie(name: str, preset: str) -> None:
    shipped = load_config(find_assets() / "adapters" / name / "training_config.json")
    assert preset_config(preset).changed(pairs=shipped.pairs.pairs) == shipped


def test_the_controls_differ_from_the_shipped_recipe_in_one_thing_each() -> None:
    """Without MatryoshkaLoss lengths have no weights, and a rotation would have nothing to do."""
    tuned, plain, mrl_only = map(preset_config, ("broad", "broad-plain", "broad-mrl-only"))
    assert plain == tuned.changed(name=plain.name, matryoshka=False, rotation=False, weights=(), axes="")
    assert mrl_only == tuned.changed(name=mrl_only.name, rotation=False, axes="")


def test_switches_of_the_recipe_are_options_too() -> None:
    options = _parser().parse_args(["train", "--out", "x", "--no-rotation", "--no-distillation", "--warmup", "0.2"])
    config = config_from(options)
    assert (config.adapter.rotation, config.objective.distillation, config.schedule.warmup) == (False, False, 0.2)
    assert config.objective.matryoshka


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("builtin.csv", "builtin-pairs"),
        ("some/tuned.jsonl", "tuned-pairs"),
        ("BASE.CSV.gz", "base-pairs"),
        ("My pairs+more.tsv", "my-pairs-more"),
        ("hub:someone/faq:pair:train", "faq"),
        ("\u00e4.csv", "own"),
    ],
)
def test_a_model_is_named_after_its_data_and_never_as_the_house_names_its_own(data: str, name: str) -> None:
    assert config_from(_parser().parse_args(["train", "--out", "x", "--data", data])).name == name


def _no_hub(*_: object, **__: object) -> str:
    raise OSError("no network in tests")
