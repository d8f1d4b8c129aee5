"""What the page says of bases that a person names, and the preset behind a menu entry."""

from __future__ import annotations

from functools import cache

from mrl_demo.core.config import find_assets
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.jobs.presets import Preset, read_presets

#: Lengths to choose from for a base model that a person names; training refuses those above the model's.
ANY_BASE_DIMS = (*TRAINED_DIMS, 512, 768, 1024)
OWN_PAIRS = "own"
BASE_NOTE = (
    "The model is downloaded from the Hugging Face Hub, safetensors only and without running code of its own, and"
    " trained instead of the preset’s, with the prompts that it names itself. Its full length is always trained;"
    " “Check” says which lengths are above it. A model larger than MiniLM takes several times as long a step."
)


@cache
def preset_choices(is_own: bool = False, has_broad_pairs: bool = False) -> tuple[Preset, ...]:
    """Entries of the menu: for a person's own pairs the settings that fit them first, else all that bring their own.

    Those that learn from a folder of broad pairs are offered only if the owner has one.
    """
    presets = [preset for preset in read_presets(find_assets()) if has_broad_pairs or not preset.needs_broad_pairs]
    fitting = [preset for preset in presets if preset.name == OWN_PAIRS]
    others = [preset for preset in presets if preset.name != OWN_PAIRS]
    return (*fitting, *(preset for preset in others if preset.is_builtin)) if is_own else tuple(others)


def choice_named(name: str) -> Preset:
    """The preset of that name, the first one for a name that the menu does not have."""
    menus = (preset_choices(is_own, has_broad_pairs=True) for is_own in (False, True))
    known = {preset.name: preset for presets in menus for preset in presets}
    return known.get(name, preset_choices()[0])
