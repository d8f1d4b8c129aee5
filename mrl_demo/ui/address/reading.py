"""Reading the parameters of an address: what is possible is taken, what is not becomes a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mrl_demo.core.errors import LabError
from mrl_demo.ui.address.kinds import Kind


@dataclass(frozen=True)
class AddressReading:
    """Values by parameter, and a hint for each that could not be taken."""

    values: Mapping[str, Any] = field(default_factory=dict)
    hints: tuple[str, ...] = ()


def read_parameters(kinds: Mapping[str, Kind], texts: object) -> AddressReading:
    """Read what a browser sent; parameters that are not among `kinds`, or no text, are left out.

    >>> from mrl_demo.ui.address.kinds import WholeNumber
    >>> read_parameters({"dim": WholeNumber(1, 384)}, {"dim": "x"}).hints
    ("dim: 'x' is not a whole number from 1 to 384",)
    """
    values, hints = {}, []
    for name, kind in kinds.items():
        text = texts.get(name) if isinstance(texts, Mapping) else None
        if not isinstance(text, str):
            continue
        try:
            values[name] = kind.read(text)
        except LabError as error:
            hints.append(f"{name}: {error}")
    return AddressReading(values, tuple(hints))


def link_hint(hints: tuple[str, ...]) -> str:
    """One line for the visitor about all that a link asked for and did not get, "" if it got all."""
    return (
        f"This link asks for something that is not here, so that part was left as it was. {'; '.join(hints)}."
        if hints
        else ""
    )
