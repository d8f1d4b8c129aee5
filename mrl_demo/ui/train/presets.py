"""The presets of training as the page offers them; `training/presets.py` has the settings (a test compares them)."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.core.types import TRAINED_DIMS


@dataclass(frozen=True)
class PresetChoice:
    """A preset's name, its entry in the menu, the lengths it trains and what to know before it is started."""

    name: str
    label: str
    dims: tuple[int, ...] = TRAINED_DIMS
    note: str = ""

    @property
    def is_builtin(self) -> bool:
        """Whether base model and pairs are here already."""
        return not self.note


PRESET_CHOICES = (
    PresetChoice("builtin", "Matryoshka (builtin)"),
    PresetChoice("builtin-plain", "Control: the same without Matryoshka loss"),
    PresetChoice(
        name="msmarco",
        label="bge-base on MS MARCO (Hub)",
        dims=(64, 128, 256, 768),
        note="Downloads from the Hugging Face Hub: the base model BAAI/bge-base-en-v1.5 (some 440 MB) and up to 500,000"
        " rows of MS MARCO, all of them before the first step, or your own pairs instead. Made for a GPU: on a"
        " processor alone even 80 steps take hours and one pass days. Needs a network; “Check” says whether the Hub"
        " answers, but downloads for it.",
    ),
    PresetChoice(
        name="gooaq",
        label="MiniLM on GooAQ (Hub)",
        note="Downloads up to 200,000 questions and answers of GooAQ from the Hugging Face Hub before the first step;"
        " the base model is here already. On a processor alone 80 steps take an hour or more. Needs a network; “Check”"
        " says whether the Hub answers, but downloads for it.",
    ),
)

#: Lengths to choose from for a base model that a person names; training refuses those above the model's.
ANY_BASE_DIMS = (*TRAINED_DIMS, 512, 768, 1024)
BASE_NOTE = (
    "The model is downloaded from the Hugging Face Hub, safetensors only and without running code of its own, and"
    " trained instead of the preset’s, with the prompts that it names itself. Its full length is always trained;"
    " “Check” says which lengths are above it. A model larger than MiniLM takes several times as long a step."
)


def choice_named(name: str) -> PresetChoice:
    """The preset of that name, the first one for a name that the menu does not have."""
    return next((each for each in PRESET_CHOICES if each.name == name), PRESET_CHOICES[0])
