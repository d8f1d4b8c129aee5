"""The words around the tabs."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.ui.components.doll import doll
from mrl_demo.ui.components.glossary import term_tip
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.ids import Id

PAPER = "https://arxiv.org/abs/2205.13147"
PLAIN_WORDS = "https://huggingface.co/blog/matryoshka"


#: What it is about and what to do, in a line.
LEDE = html(
    "<p>Search compares lists of numbers. <b>Matryoshka training</b> puts the meaning into the first few."
    " <b>Drag the slider</b>: who still finds it?</p>"
)


def header() -> Markup:
    """Name of the page, what Matryoshka embeddings are in two sentences, and what to do."""
    return html(
        '<a class="skip" href="#{slider}">To the slider</a>'
        '<header class="page-head"><div class="page-mark" aria-hidden="true">{doll}</div>'
        "<h1>Matryoshka lab</h1>"
        "{lede}</header>",
        lede=LEDE,
        slider=Id.DIM_RANGE,
        doll=doll(384, 384, ()),
    )


def footer() -> Markup:
    """Where the method comes from, and what the figures are."""
    return html(
        '<footer class="page-foot"><p>Vectors are cut, then brought back to length 1, and searched exactly (no'
        " approximation) unless a line says that another engine answered. Times are of this server; sizes are float32,"
        " without an index. Method: "
        '<a href="{paper}" target="_blank" rel="noopener noreferrer">Matryoshka Representation Learning</a>, in plain'
        ' words <a href="{plain}" target="_blank" rel="noopener noreferrer">in this article</a>. README, documentation'
        " and licence come with the source.</p>{tip}</footer>",
        paper=PAPER,
        plain=PLAIN_WORDS,
        tip=term_tip(),
    )
