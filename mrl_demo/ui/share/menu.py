"""The menu that gives links away, what an embedded page shows instead, and the presenter's line of keys."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.ui.components.markup import html

_KEYS = html(
    '<p class="present-keys"><kbd>←</kbd> <kbd>→</kbd> length or screen &nbsp; <kbd>N</kbd> <kbd>P</kbd> examples'
    " &nbsp; <kbd>F</kbd> full screen &nbsp; <kbd>Esc</kbd> leave"
    '<button type="button" data-share="leave">Leave</button></p>'
)


def share_menu() -> Markup:
    """Copy the link, save the picture, embed, present; `ui/static/share.js` fills in the link to the view in front."""
    return html(
        '<details class="share"><summary>Share</summary><div class="share-box">'
        '<label>Link to this view <input type="text" class="share-link" readonly></label>'
        '<button type="button" data-share="link">Copy link</button>'
        '<button type="button" data-share="card">Save picture (PNG)</button>'
        '<button type="button" data-share="embed">Copy code to embed</button>'
        '<button type="button" data-share="present">Present (large type)</button>'
        '<p class="share-said" role="status"></p></div></details>'
        '<p class="link-out"><a href="./" target="_blank" rel="noopener">Open in the Matryoshka lab ↗</a></p>{keys}',
        keys=_KEYS,
    )
