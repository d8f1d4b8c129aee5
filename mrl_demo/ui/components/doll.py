"""The matryoshka doll: one shell for every trained length, and a painted doll as big as the part in use."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.ui.components.markup import html, join_html

#: Heights and slider positions grow with the fourth root of the length: short prefixes, where most happens, get room.
EXPONENT = 0.25
_SHELL = (
    "M50 4C31 4 22 19 24 36C25 45 28 50 22 60C13 74 8 90 10 106C12 125 25 135 50 135"
    "C75 135 88 125 90 106C92 90 87 74 78 60C72 50 75 45 76 36C78 19 69 4 50 4Z"
)
_PETALS = ((50, 84), (60.5, 91.5), (56.5, 104), (43.5, 104), (39.5, 91.5))


def doll_size(dim: int, full_dim: int) -> float:
    """Height of the painted doll as a share of the whole: 1 at full length."""
    return (min(max(dim, 1), full_dim) / full_dim) ** EXPONENT


def slider_position(dim: int, full_dim: int) -> float:
    """Where a length stands on the slider, 0 at one number and 1 at the full vector."""
    if full_dim <= 1:
        return 1.0
    return (min(max(dim, 1), full_dim) ** EXPONENT - 1) / (full_dim**EXPONENT - 1)


def doll(dim: int, full_dim: int, lengths: Sequence[int]) -> Markup:
    """Draw the doll at `dim` of `full_dim` numbers as SVG, with an outline for each of `lengths`."""
    return html(
        '<svg class="doll" viewBox="0 0 100 140" role="img" focusable="false"'
        ' aria-label="A doll inside larger ones: {dim} of {full_dim} numbers in use" style="--size:{size:.4f}">'
        '{shells}<g class="painted">{painted}</g></svg>',
        dim=dim,
        full_dim=full_dim,
        size=doll_size(dim, full_dim),
        shells=join_html(
            html('<path class="shell" d="{shape}" style="--size:{size:.4f}"/>', shape=_SHELL, size=size)
            for size in _shell_sizes(full_dim, lengths)
        ),
        painted=_painted(),
    )


def _shell_sizes(full_dim: int, lengths: Sequence[int]) -> list[float]:
    """Heights of the outlines, the largest first."""
    shown = {*(length for length in lengths if length <= full_dim), full_dim}
    return [doll_size(length, full_dim) for length in sorted(shown, reverse=True)]


def _painted() -> Markup:
    petals = join_html(html('<circle class="petal" cx="{x}" cy="{y}" r="7.4"/>', x=x, y=y) for x, y in _PETALS)
    return html(
        '<path class="robe" d="{shell}"/>'
        '<path class="scarf" d="M50 4C31 4 22 19 24 36C25 45 28 50 23 58.5Q50 74 77 58.5C72 50 75 45 76 36'
        'C78 19 69 4 50 4Z"/>'
        '<circle class="face" cx="50" cy="35" r="17.5"/>'
        '<path class="hair" d="M32.5 35A17.5 17.5 0 0 1 67.5 35Q62 25 50 20Q38 25 32.5 35Z"/>'
        '<circle class="cheek" cx="40.5" cy="41" r="3.4"/><circle class="cheek" cx="59.5" cy="41" r="3.4"/>'
        '<circle class="eye" cx="43.5" cy="35.5" r="1.9"/><circle class="eye" cx="56.5" cy="35.5" r="1.9"/>'
        '<path class="mouth" d="M46 44Q50 47.5 54 44"/>'
        '<path class="knot" d="M50 63L38 59.500L40.5 72ZM50 63L62 59.500L59.5 72Z"/>'
        '<ellipse class="apron" cx="50" cy="98" rx="25" ry="27"/>'
        '{petals}<circle class="heart" cx="50" cy="95.5" r="5.6"/>'
        '<path class="leaf" d="M49 108Q48 116 50 121Q52 116 51 108ZM50 119Q41 119 38 113Q47 111 50 119ZM50 119'
        'Q59 119 62 113Q53 111 50 119Z"/>',
        shell=_SHELL,
        petals=petals,
    )
