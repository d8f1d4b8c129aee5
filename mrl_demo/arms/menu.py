"""The arms of one process: those that ship, one for every model trained or added here, and those its owner asks for."""

from __future__ import annotations

from mrl_demo.arms.arm import Arm, at_depth
from mrl_demo.arms.catalogue import shipped_arms
from mrl_demo.core.errors import ModelError
from mrl_demo.core.secret_names import shown_name
from mrl_demo.models.depth import split_depth
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.models.specs import AS_IT_SAYS, ModelOptions

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
        self._kept: dict[str, Arm] = {}
        self._private: dict[str, Arm] = {}

    def arms(self) -> tuple[Arm, ...]:
        """Arms that the Compare menu has, in its order."""
        return tuple(arm for arm in self._available() if arm.in_compare and arm.has_vectors)

    def contenders(self) -> tuple[Arm, ...]:
        """Arms that can be evaluated: `arms`, then those that only evaluation has."""
        shown = self.arms()
        return (*shown, *(arm for arm in self._available() if arm not in shown))

    def find(self, name: str) -> Arm:
        """The arm of that name on the menu, or `NAME@LAYERS` of one; raises `ModelError` naming those there are.

        It loads no model that is not here: what a visitor names is looked up like this. Arms of single visitors are
        found by their secret names, and named to nobody.
        """
        return self.private(name) or self.find_public(name)

    def find_public(self, name: str) -> Arm:
        """As `find`, among those that everybody has."""
        arms = self.contenders()
        for arm in arms:
            if arm.name == name:
                return arm
        stem, layers = split_depth(name)
        for arm in arms if layers else ():
            if arm.name == stem and arm.has_vectors:
                return at_depth(arm, self._within(arm, layers))
        raise ModelError(f"There is no arm {name!r}: choose one of {', '.join(arm.name for arm in arms)}.")

    def _within(self, arm: Arm, layers: int) -> int:
        most = self.encoders.layers(arm.encoder)
        if not most:
            raise ModelError(
                f"{shown_name(arm.name)} has no layers that can be left out: choose all of them, or another method."
            )
        if layers > most:
            raise ModelError(f"{shown_name(arm.name)} has {most} layers, not {layers}: choose from 1 to {most}.")
        return layers

    def add(self, arm: Arm) -> None:
        """Put one more arm on the menu."""
        self._kept[arm.name] = arm

    def add_private(self, arm: Arm) -> None:
        """Keep an arm under its secret name: `find` knows it, no menu shows it."""
        self._private[arm.name] = arm

    def private(self, name: str) -> Arm | None:
        """The arm of that secret name, or `NAME@LAYERS` of one; None if there is none."""
        stem, layers = split_depth(name)
        if name in self._private or not layers or stem not in self._private:
            return self._private.get(name)
        return at_depth(self._private[stem], self._within(self._private[stem], layers))

    def forget(self, name: str) -> Arm | None:
        """Forget a private arm and give it back, None if it was not there; its encoder goes with its last arm."""
        arm = self._private.pop(name, None)
        if arm is not None and all(each.encoder != arm.encoder for each in list(self._private.values())):
            self.encoders.forget(arm.encoder)
        return arm

    def add_model(self, given: str, options: ModelOptions = AS_IT_SAYS) -> str:
        """Make an arm of a model's name, of a folder, or of `OWNER/NAME[@REVISION]` on the Hub; its name.

        Raises `ModelError` if it is none of these or cannot be loaded.
        """
        return _own_name(self.encoders.add_model(given, {arm.name for arm in shipped_arms()}, options))

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

    def _available(self) -> tuple[Arm, ...]:
        """The catalogue's arms whose encoder is here, one for every other model here, and those that were added."""
        shipped, encoders = shipped_arms(), self.encoders.available()
        standard = (arm for arm in shipped if not arm.has_vectors or arm.encoder in encoders)
        own = (self._own_arm(name) for name in sorted(encoders - {arm.encoder for arm in shipped}))
        arms = {arm.name: arm for arm in (*standard, *own)}
        return tuple((arms | self._kept).values())

    def _own_arm(self, encoder: str) -> Arm:
        origin, dims = self.encoders.describe(encoder), self.encoders.trained_dims(encoder)
        name = _own_name(encoder)
        return Arm(name, name, origin, encoder, trained_dims=dims)


def _own_name(encoder: str) -> str:
    """The arm's name for a model of that name; a trained model that is called like a shipped arm gets another."""
    taken = {arm.name for arm in shipped_arms()} - {arm.encoder for arm in shipped_arms()}
    return f"{encoder}-model" if encoder in taken else encoder
