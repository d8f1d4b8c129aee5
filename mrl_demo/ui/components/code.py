"""The drawer with the code that makes what is on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from mrl_demo.api.snippets import CodeSnippet
from mrl_demo.ui.components.markup import html, join_html


def code_drawer(snippets: Sequence[CodeSnippet]) -> Markup:
    """A fold with one block for each way to make the call; `static/code.js` puts the page's own address in."""
    blocks = (
        html(
            '<h3>{label}</h3><pre tabindex="0"><code>{text}</code></pre>',
            label=snippet.label,
            text=_lines(snippet.text),
        )
        for snippet in snippets
    )
    return html(
        '<details class="fold use-in-code"><summary>Use in code</summary>{blocks}</details>', blocks=join_html(blocks)
    )


def _lines(text: str) -> Markup:
    """Code with its line breaks, which escaping would take for odd characters."""
    return join_html(text.strip("\n").split("\n"), between="\n")
