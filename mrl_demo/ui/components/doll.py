"""The matryoshka doll: one shell for every trained length, and a painted doll as big as the part in use."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.plots.doll import EXPONENT, PATCHES, SHELL, Patch, doll_size
from mrl_demo.ui.components.markup import html, join_html


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
            html('<path class="shell" d="{shape}" style="--size:{size:.4f}"/>', shape=SHELL, size=size)
            for size in _shell_sizes(full_dim, lengths)
        ),
        painted=join_html(map(_patch, PATCHES)),
    )


def _shell_sizes(full_dim: int, lengths: Sequence[int]) -> list[float]:
    """Heights of the outlines, the largest first."""
    shown = {*(length for length in lengths if length <= full_dim), full_dim}
    return [doll_size(length, full_dim) for length in sorted(shown, reverse=True)]


def _patch(patch: Patch) -> Markup:
    if patch.ellipse is None:
        return html('<path class="{name}" d="{path}"/>', name=patch.name, path=patch.path)
    x, y, rx, ry = patch.ellipse
    return html(
        '<ellipse class="{name}" cx="{x}" cy="{y}" rx="{rx}" ry="{ry}"/>', name=patch.name, x=x, y=y, rx=rx, ry=ry
    )
