"""The arms of one process: those that ship and one for every model trained or added here."""

from __future__ import annotations

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.catalogue import shipped_arms
from mrl_demo.core.errors import ModelError
from mrl_demo.models.registry import EncoderRegistry

#: The arm of the packaged base model.
BASE_ARM = shipped_arms()[0].name


class ArmMenu:
    """Makes arms of a registry's encoders.

    >>> from mrl_demo.core.config import Settings
    >>> [arm.name for arm in ArmMenu(EncoderRegistry(Settings())).arms()][:2]
    ['base', 'tuned']
    """

    def __init__(self, encoders: EncoderRegistry) -> None:
        self.encoders = encoders

    def arms(self) -> tuple[Arm, ...]:
        """Arms that can be searched: the catalogue's whose encoder is there, then one for every other model here."""
        available = self.encoders.available()
        standard = tuple(arm for arm in shipped_arms() if arm.encoder in available)
        own = sorted(available - {arm.encoder for arm in shipped_arms()})
        return standard + tuple(self._own_arm(name) for name in own)

    def contenders(self) -> tuple[Arm, ...]:
        """Arms that can be evaluated: `arms`, and those of the catalogue that have no vectors."""
        return (*self.arms(), *(arm for arm in shipped_arms() if not arm.has_vectors))

    def add_model(self, given: str) -> str:
        """Make an arm of a model's name, of a folder, or of `OWNER/NAME[@REVISION]` on the Hub; its name.

        Raises `ModelError` if it is none of these or cannot be loaded.
        """
        return self.encoders.add_model(given, taken={arm.name for arm in shipped_arms()})

    def base_of(self, name: str) -> str:
        """The arm that a model trained here started from, made one if it is none yet; "base" if it is not here.

        Loads a base from the Hub's cache or its folder.
        """
        base = self.encoders.trained_from(name)
        if not base:
            return BASE_ARM
        try:
            return self.add_model(base)
        except ModelError:
            return BASE_ARM

    def _own_arm(self, name: str) -> Arm:
        origin = self.encoders.describe(name)
        return Arm(name, name, origin, name, trained_dims=self.encoders.trained_dims(name))
