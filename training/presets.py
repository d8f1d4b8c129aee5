"""The configurations that come with the project, by name: `assets/presets/NAME.json`, which the page reads too."""

from __future__ import annotations

from functools import cache

from mrl_demo.core.config import find_assets
from mrl_demo.jobs.presets import Preset, read_presets
from training.config import TrainConfig
from training.errors import ConfigError


@cache
def shipped_presets() -> dict[str, Preset]:
    """Presets in the order of the page's menu."""
    return {preset.name: preset for preset in read_presets(find_assets())}


def preset_config(name: str) -> TrainConfig:
    """The configuration of the preset of that name; raises `ConfigError` naming those there are."""
    preset = shipped_presets().get(name)
    if preset is None:
        known = ", ".join(shipped_presets())
        raise ConfigError(f"There is no preset {name!r}: choose one of {known}.").about("preset")
    return TrainConfig.from_dict(preset.config, f"the preset {name}")
