"""The doll's shapes: the page draws them as SVG, the share card with Pillow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

#: The box that all shapes live in: 100 wide, 140 high, the doll standing on y = 135.
BOX = (100, 140)
FOOT = (50, 135)
#: Heights and slider positions grow with the fourth root of the length: short prefixes, where most happens, get room.
EXPONENT = 0.25
SHELL = (
    "M50 4C31 4 22 19 24 36C25 45 28 50 22 60C13 74 8 90 10 106C12 125 25 135 50 135"
    "C75 135 88 125 90 106C92 90 87 74 78 60C72 50 75 45 76 36C78 19 69 4 50 4Z"
)
Points: TypeAlias = list[tuple[float, float]]
_TOKEN = re.compile(r"[A-Z]|-?\d*\.?\d+")
_STEPS = 16


@dataclass(frozen=True)
class Patch:
    """One coloured shape by the class that the style sheet colours it with: an SVG path, or an ellipse."""

    name: str
    path: str = ""
    ellipse: tuple[float, float, float, float] | None = None  # Centre, then radii.


#: From back to front. Paths use absolute M, L, C, Q and Z alone.
PATCHES = (
    Patch("robe", SHELL),
    Patch(
        "scarf",
        "M50 4C31 4 22 19 24 36C25 45 28 50 23 58.5Q50 74 77 58.5C72 50 75 45 76 36C78 19 69 4 50 4Z",
    ),
    Patch("face", ellipse=(50, 35, 17.5, 17.5)),
    Patch(
        "hair",
        "M32.5 35C32.5 25.33 40.33 17.5 50 17.5C59.67 17.5 67.5 25.33 67.5 35Q62 25 50 20Q38 25 32.5 35Z",
    ),
    Patch("cheek", ellipse=(40.5, 41, 3.4, 3.4)),
    Patch("cheek", ellipse=(59.5, 41, 3.4, 3.4)),
    Patch("eye", ellipse=(43.5, 35.5, 1.9, 1.9)),
    Patch("eye", ellipse=(56.5, 35.5, 1.9, 1.9)),
    Patch("mouth", "M46 44Q50 47.5 54 44"),
    Patch("knot", "M50 63L38 59.500L40.5 72ZM50 63L62 59.500L59.5 72Z"),
    Patch("apron", ellipse=(50, 98, 25, 27)),
    *(
        Patch("petal", ellipse=(x, y, 7.4, 7.4))
        for x, y in ((50, 84), (60.5, 91.5), (56.5, 104), (43.5, 104), (39.5, 91.5))
    ),
    Patch("heart", ellipse=(50, 95.5, 5.6, 5.6)),
    Patch(
        "leaf",
        "M49 108Q48 116 50 121Q52 116 51 108ZM50 119Q41 119 38 113Q47 111 50 119ZM50 119Q59 119 62 113Q53 111 50 119Z",
    ),
)


def doll_size(dim: int, full_dim: int) -> float:
    """Height of the painted doll as a share of the whole: 1 at full length."""
    return (min(max(dim, 1), full_dim) / full_dim) ** EXPONENT


def outline(path: str) -> list[Points]:
    """The subpaths of an SVG path as polygons, curves cut into straight pieces.

    >>> outline("M0 0L4 0L4 3Z")
    [[(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)]]
    """
    shapes: list[Points] = []
    for command, numbers in _commands(path):
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "M":
            shapes.append(points)
        elif command == "L":
            shapes[-1] += points
        else:
            shapes[-1] += _bezier([shapes[-1][-1], *points])
    return shapes


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    command, numbers = "", list[float]()
    for token in [*_TOKEN.findall(path), "Z"]:
        if token.isalpha():
            if numbers:
                yield command, numbers
            command, numbers = token, []
        else:
            numbers.append(float(token))


def _bezier(controls: Points) -> Points:
    """A curve of any degree by de Casteljau's construction, without its first point."""
    curve = []
    for step in range(1, _STEPS + 1):
        t, level = step / _STEPS, controls
        while len(level) > 1:
            level = [(a + (c - a) * t, b + (d - b) * t) for (a, b), (c, d) in pairwise(level)]
        curve.append(level[0])
    return curve
