"""The control for the vector length: slider, trained lengths, doll and the share in use."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.plots.doll import EXPONENT, doll_size
from mrl_demo.ui.components.doll import doll, slider_position
from mrl_demo.ui.components.markup import html, join_html
from mrl_demo.ui.ids import Id


def dimension_markup(dim: int, full_dim: int, lengths: Sequence[int]) -> Markup:
    """The whole control as HTML; `ui/static/dimension.js` brings it to life and keeps it in step while dragging."""
    return html(
        '<div class="dim" data-full="{full_dim}" data-exponent="{exponent}"'
        ' style="--pos:{position:.4f};--size:{size:.4f};--share:{share:.4f}">'
        '<div class="dim-doll">{doll}</div>{readout}{slider}</div>',
        full_dim=full_dim,
        exponent=EXPONENT,
        position=slider_position(dim, full_dim),
        size=doll_size(dim, full_dim),
        share=dim / full_dim,
        doll=doll(dim, full_dim, lengths),
        readout=_readout(dim, full_dim),
        slider=_slider(dim, full_dim, lengths),
    )


def share_text(dim: int, full_dim: int) -> str:
    """The part of the vector in use, in percent with one digit if it is small."""
    percent = 100 * dim / full_dim
    return f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"


def _readout(dim: int, full_dim: int) -> Markup:
    return html(
        '<div class="dim-read"><p class="dim-count">'
        '<output class="dim-number" for="{slider}">{dim}</output> <span>of {full_dim} numbers</span></p>'
        '<div class="dim-strip" aria-hidden="true"><i></i></div>'
        '<p class="dim-share"><span class="dim-percent">{share}</span> of the vector</p></div>',
        slider=Id.DIM_RANGE,
        dim=dim,
        full_dim=full_dim,
        share=share_text(dim, full_dim),
    )


def _slider(dim: int, full_dim: int, lengths: Sequence[int]) -> Markup:
    marks = sorted({*(length for length in lengths if length <= full_dim), full_dim})
    return html(
        '<div class="dim-slide"><label class="dim-label" for="{slider}">Vector length</label>'
        '<div class="dim-track">'
        '<input id="{slider}" type="range" min="1" max="{full_dim}" step="1" value="{dim}"'
        ' aria-valuetext="{dim} of {full_dim} numbers">'
        '<div class="dim-rail" aria-hidden="true"><b></b>{notches}<span class="dim-thumb"></span></div></div>'
        '<div class="dim-ticks" role="group" aria-label="Lengths the tuned model was trained at">{ticks}</div></div>',
        slider=Id.DIM_RANGE,
        dim=dim,
        full_dim=full_dim,
        notches=join_html(html('<i style="--at:{at:.4f}"></i>', at=slider_position(mark, full_dim)) for mark in marks),
        ticks=join_html(_tick(mark, dim, full_dim) for mark in marks),
    )


def _tick(mark: int, dim: int, full_dim: int) -> Markup:
    return html(
        '<button type="button" data-dim="{mark}" style="--at:{at:.4f}" aria-pressed="{pressed}"'
        ' aria-label="{mark} numbers">{mark}</button>',
        mark=mark,
        at=slider_position(mark, full_dim),
        pressed="true" if mark == dim else "false",
    )
