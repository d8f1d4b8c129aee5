"""Vectors as pictures: bar codes, a dot product filling up, histograms; inline SVG with a text alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from mrl_demo.core.types import FloatMatrix
from mrl_demo.ui.components.markup import html, join_html

_HEIGHT = 46


def bar_code(vector: FloatMatrix, label: str, kept: int | None = None) -> Markup:
    """Every number of a `(d,)` vector as a bar, up for above 0; those past `kept` are faint."""
    values = np.asarray(vector, dtype=np.float64)
    scale = _HEIGHT / 2 / max(float(np.abs(values).max()), 1e-9)
    kept = len(values) if kept is None else kept
    bars = (
        html(
            '<rect x="{x}" y="{y:.1f}" width=".8" height="{height:.1f}" class="{kind}"/>',
            x=place,
            y=_HEIGHT / 2 - max(value, 0) * scale,
            height=max(abs(value) * scale, 0.4),
            kind=("plus" if value >= 0 else "minus") + ("" if place < kept else " gone"),
        )
        for place, value in enumerate(values.tolist())
    )
    return html(
        '<svg class="bar-code" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
        ' aria-label="{label}">{bars}</svg>',
        width=len(values),
        height=_HEIGHT,
        label=label,
        bars=join_html(bars),
    )


def filling(sums: FloatMatrix, counted: int) -> Markup:
    """A dot product `(d,)` as it grows from number to number, with a mark where counting stands."""
    values = np.asarray(sums, dtype=np.float64)
    low, high = min(0.0, float(values.min())), max(float(values.max()), 0.05)
    width, height = len(values), 110

    def y(value: float) -> float:
        """The height at which a value is drawn."""
        return height - (value - low) / (high - low) * height

    points = join_html((f"{x},{y(value):.1f}" for x, value in enumerate(values.tolist(), 1)), " ")
    done = join_html((f"{x},{y(value):.1f}" for x, value in enumerate(values[:counted].tolist(), 1)), " ")
    return html(
        '<svg class="filling" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
        ' aria-label="After {counted} of {total} numbers the sum is {sum:.3f}; after all of them {last:.3f}">'
        '<line x1="0" x2="{width}" y1="{zero:.1f}" y2="{zero:.1f}" class="zero"/>'
        '<polyline points="{points}" class="ahead"/><polyline points="{done}" class="done"/>'
        '<line x1="{counted}" x2="{counted}" y1="0" y2="{height}" class="mark"/></svg>',
        width=width,
        height=height,
        counted=counted,
        total=width,
        sum=float(values[counted - 1]),
        last=float(values[-1]),
        zero=y(0.0),
        points=points,
        done=done,
    )


def share_bars(rows: Sequence[tuple[str, float, str]], caption: str) -> Markup:
    """Labelled bars of shares from 0 to 1: `(label, share, colour)`."""
    lines = (
        html(
            '<li><span class="share-label">{label}</span><span class="share-bar"><i style="--share:{share:.4f};'
            '--colour:{colour}"></i></span><b>{share:.0%}</b></li>',
            label=label,
            share=share,
            colour=colour,
        )
        for label, share, colour in rows
    )
    return html('<ul class="share-bars" aria-label="{caption}">{lines}</ul>', caption=caption, lines=join_html(lines))


def guess_histogram(counts: Mapping[int, int], choices: Sequence[int], truth: int | None) -> Markup:
    """How often every length was guessed; the truth is marked in words too."""
    most = max([*counts.values(), 1])
    lines = (
        html(
            '<li class="{kind}"><span class="share-label">{length}{mark}</span><span class="share-bar">'
            '<i style="--share:{share:.4f}"></i></span><b>{count}</b></li>',
            kind="truth" if length == truth else "",
            length=length,
            mark=" (the answer)" if length == truth else "",
            share=counts.get(length, 0) / most,
            count=counts.get(length, 0),
        )
        for length in choices
    )
    total = sum(counts.values())
    return html(
        '<p class="lead">{total} {word} so far.</p><ul class="share-bars" aria-label="Guesses of the class">{lines}'
        "</ul>",
        total=total,
        word="guess" if total == 1 else "guesses",
        lines=join_html(lines),
    )
