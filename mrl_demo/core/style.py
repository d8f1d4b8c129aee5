"""How a thing is drawn: a value that the catalogue of arms gives and every figure takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How one arm or precision is drawn everywhere; marker and dash tell them apart if colours do not.

    `colour` is `#rrggbb`, `symbol` and `dash` are plotly's names.
    """

    colour: str
    symbol: str
    dash: str = "solid"
