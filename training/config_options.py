"""The configuration on the command line: an option for every setting, and the configuration that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.columns import GUESSES, OPTIONAL, Columns
from training.config import TrainConfig, TrainSetting, load_config, rising_weights, train_settings
from training.errors import ConfigError
from training.naming import model_name
from training.presets import preset_config, shipped_presets

_GROUPS = {
    "": "model",
    "pairs": "data",
    "objective": "what is minimised",
    "adapter": "which weights learn",
    "schedule": "how long and how fast",
    "prompts": "prompts",
}
_BUILTIN, _OWN = "builtin", "own"
#: What the presets' rates, made for LoRA, are at most if all weights are trained and nobody names another.
_WHOLE_RATE = 1e-4


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add `--preset`, `--config`, an option for every setting of `TrainConfig`, and the names of the data's columns."""
    start = parser.add_argument_group("where the settings start from")
    start.add_argument(
        "--preset", help=f"one of {', '.join(shipped_presets())} (default: {_OWN} with --data, {_BUILTIN} without)"
    )
    start.add_argument("--config", type=Path, help="a saved training_config.json instead (default: the preset)")
    usual = preset_config(_BUILTIN).flat()
    groups = {name: parser.add_argument_group(title) for name, title in _GROUPS.items()}
    for setting in train_settings():
        _add_option(groups[setting.group], setting, usual[setting.name])
    columns = parser.add_argument_group("columns of your data")
    for role, names in GUESSES.items():
        says = f"the one that holds the {role}" + (", or none" if role in OPTIONAL else "")
        usually = f"default: the first there is of {', '.join(names[:3])}, ..."
        columns.add_argument(f"--{role}-column", metavar="NAME", default="", help=f"{says} ({usually})")


def _add_option(group: argparse._ArgumentGroup, setting: TrainSetting, usual: object) -> None:
    flag = f"--{setting.name.replace('_', '-')}"
    says = f"{setting.says} ({_BUILTIN}: {_shown(usual)})"
    if setting.kind is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=says)
    elif setting.is_list:  # Read by `config_from`, which can say what is wrong with it.
        group.add_argument(flag, metavar="N,N,...", help=says)
    else:
        group.add_argument(flag, metavar={str: "TEXT"}.get(setting.kind, "N"), type=setting.kind, help=says)


def _shown(value: object) -> str:
    """A setting's value as it is written on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text or "none"


def columns_from(options: argparse.Namespace) -> Columns:
    """The columns that the command line names."""
    return Columns(**{role: getattr(options, f"{role}_column") for role in GUESSES})


def config_from(options: argparse.Namespace) -> TrainConfig:
    """The preset or saved configuration with what the command line changes; raises `ConfigError`."""
    config = load_config(options.config) if options.config else preset_config(options.preset or _usual_preset(options))
    changes = {
        setting.name: _read(setting, value)
        for setting in train_settings()
        if (value := getattr(options, setting.name)) is not None
    }
    if changes.get("data") and not changes.get("name"):
        changes["name"] = model_name(changes["data"])
    if "dims" in changes and "weights" not in changes:
        changes["weights"] = _weights_of(config, changes["dims"])
    if "adapter_scale" in changes and "most_tax" not in changes:
        changes["most_tax"] = 0.0  # Whoever names the share does not want it chosen.
    if changes.get("lora_rank") == 0 and "learning_rate" not in changes:
        changes["learning_rate"] = min(config.schedule.learning_rate, _WHOLE_RATE)
    if changes.get("base", config.base) != config.base:  # What belongs to the preset's base, not to this one.
        changes = {"revision": "", "query_prompt": "", "document_prompt": ""} | changes
    return config.changed(**changes)


def _usual_preset(options: argparse.Namespace) -> str:
    """Settings that suit any data if some is named, and those of the shipped model otherwise."""
    return _OWN if options.data not in (None, _BUILTIN) else _BUILTIN


def _read(setting: TrainSetting, value: Any) -> Any:  # noqa: ANN401 - of the setting's type
    return _numbers(value, setting.item_kind, setting.name) if setting.is_list else value


def _weights_of(config: TrainConfig, dims: Sequence[int]) -> tuple[float, ...]:
    """The configuration's weights of those dims; all the same if it has none for one of them."""
    objective = config.objective
    if not objective.dims:
        return rising_weights(dims)
    known = dict(zip(objective.dims, objective.dim_weights, strict=True))
    return tuple(known[dim] for dim in dims) if objective.weights and set(dims) <= set(known) else ()


def _numbers(text: str, kind: type, name: str) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        example = "64,128,384" if kind is int else "2,1,1"
        raise ConfigError(f"{text!r} is no list of numbers: write it as in {example}.").about(name) from None
