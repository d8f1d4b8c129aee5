"""A builder of spaces without models or network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.models.registry import EncoderRegistry
from tests.evaluation.word_world import WordEncoder


@pytest.fixture
def make_builder(tmp_path: Path) -> Callable[..., SpaceBuilder]:
    def make(**encoders: object) -> SpaceBuilder:
        settings = replace(Settings(), cache_dir=tmp_path / "cache", assets_dir=tmp_path / "assets")
        registry = EncoderRegistry(settings)
        for name, encoder in (encoders or {"minilm": WordEncoder()}).items():
            registry.add(name, encoder)  # type: ignore[arg-type]
        return SpaceBuilder(registry, settings.cache_dir, settings.assets_dir)

    return make
