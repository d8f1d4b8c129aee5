"""The control for the vector length: slider, trained lengths, doll and the share in use."""

from __future__ import annotations

from collections.abc import Sequence

from mrl_demo.ui.components.doll import EXPONENT, doll, doll_size, slider_position


def dimension_markup(dim: int, full_dim: int, lengths: Sequence[int]) -> str:
    """The whole control as HTML; `ui/static/dimension.js` brings it to life and keeps it in step while dragging."""
    style = (
        f"--pos:{slider_position(dim, full_dim):.4f};--size:{doll_size(dim, full_dim):.4f};--share:{dim / full_dim:.4f}"
    )
    return (
        f'<div class="dim" data-full="{full_dim}" data-exponent="{EXPONENT}" style="{style}">'
        f'<div class="dim-doll">{doll(dim, full_dim, lengths)}</div>{_readout(dim, full_dim)}'
        f"{_slider(dim, full_dim, lengths)}</div>"
    )


def share_text(dim: int, full_dim: int) -> str:
    """The part of the vector in use, in percent with one digit where it is small."""
    percent = 100 * dim / full_dim
    return f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"


def _readout(dim: int, full_dim: int) -> str:
    return (
        '<div class="dim-read"><p class="dim-count">'
        f'<output class="dim-number" for="dim-range">{dim}</output> <span>of {full_dim} numbers</span></p>'
        '<div class="dim-strip" aria-hidden="true"><i></i></div>'
        f'<p class="dim-share"><span class="dim-percent">{share_text(dim, full_dim)}</span> of the vector</p></div>'
    )


def _slider(dim: int, full_dim: int, lengths: Sequence[int]) -> str:
    marks = sorted({*(length for length in lengths if length <= full_dim), full_dim})
    ticks = "".join(
        f'<button type="button" data-dim="{mark}" style="--at:{slider_position(mark, full_dim):.4f}"'
        f' aria-pressed="{str(mark == dim).lower()}" aria-label="{mark} numbers">{mark}</button>'
        for mark in marks
    )
    notches = "".join(f'<i style="--at:{slider_position(mark, full_dim):.4f}"></i>' for mark in marks)
    return (
        '<div class="dim-slide"><label class="dim-label" for="dim-range">Vector length</label>'
        '<div class="dim-track">'
        f'<input id="dim-range" type="range" min="1" max="{full_dim}" step="1" value="{dim}"'
        f' aria-valuetext="{dim} of {full_dim} numbers">'
        f'<div class="dim-rail" aria-hidden="true"><b></b>{notches}<span class="dim-thumb"></span></div></div>'
        f'<div class="dim-ticks" role="group" aria-label="Lengths the tuned model was trained at">{ticks}</div></div>'
    )
