"""Presets of training as data: what the menu says of each, and the settings that training reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import ModelError


@dataclass(frozen=True)
class Preset:
    """One file of `assets/presets`: its entry in the menu, what to know before it is started, and its settings.

    `config` has the fields of training's `TrainConfig` that differ from its defaults.
    """

    name: str
    label: str
    note: str
    config: Mapping[str, Any]

    @property
    def is_builtin(self) -> bool:
        """Whether base model and pairs are here already."""
        return not self.note

    @property
    def needs_broad_pairs(self) -> bool:
        """Whether it learns from a folder of broad pairs, of which it leaves some out."""
        return bool(self.config.get("leave_out"))

    @property
    def dims(self) -> tuple[int, ...]:
        """The lengths it trains."""
        return tuple(int(dim) for dim in self.config["dims"])


def read_presets(assets_dir: Path) -> tuple[Preset, ...]:
    """The presets that ship, in the order of the menu; raises `ModelError` naming a file that is none."""
    presets: list[tuple[int, Preset]] = []
    for path in (assets_dir / "presets").glob("*.json"):
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            presets.append((int(raw["order"]), Preset(path.stem, raw["label"], raw["note"], raw["config"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is no preset ({error!r}): take it from the repository again.") from error
    return tuple(preset for _, preset in sorted(presets, key=lambda pair: pair[0]))
