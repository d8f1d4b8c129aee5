"""What the page shows before any script has run: its name, the slider and the places of the results.

Its few rules are in `static/skeleton.css`, since the style sheet comes with the scripts. It has no ids, and its cards
no class of the page's, so that neither script nor test takes it for the page; it is hidden as soon as the page is
there, or after 30 s in any case.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.core.types import DEFAULT_DIM, TRAINED_DIMS
from mrl_demo.plots.doll import doll_size
from mrl_demo.ui.components.doll import doll, slider_position
from mrl_demo.ui.components.markup import html, join_html

_FULL = TRAINED_DIMS[-1]
_CARDS = 3


def skeleton(words: Markup) -> Markup:
    """The static page; `words` is the sentence of the header."""
    return html(
        '<div class="skeleton" aria-hidden="true"><div><header><h1>Matryoshka lab</h1>{words}</header>'
        '<i class="tools"></i><i class="menus"></i>{slider}<div class="sides"><i class="wide"></i>{cards}</div>'
        "</div></div>",
        words=words,
        slider=_slider(TRAINED_DIMS),
        cards=html('<i class="head"></i>') * 2 + html('<i class="slot"></i>') * 2 * _CARDS,
    )


def _slider(lengths: Sequence[int]) -> Markup:
    return html(
        '<div class="slide" style="--size:{size:.4f}">{doll}<p><strong>{dim}</strong> of {full} numbers</p>'
        '<div class="rail"><i></i><i class="used" style="width:{share:.2%}"></i>{marks}</div></div>',
        size=doll_size(DEFAULT_DIM, _FULL),
        doll=doll(DEFAULT_DIM, _FULL, lengths),
        dim=DEFAULT_DIM,
        full=_FULL,
        share=slider_position(DEFAULT_DIM, _FULL),
        marks=join_html(
            html('<span style="left:{at:.2%}">{length}</span>', at=slider_position(length, _FULL), length=length)
            for length in lengths
        ),
    )
