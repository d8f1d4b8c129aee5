"""Pictures of a collection, small enough to stand in a card."""

from __future__ import annotations

import base64
import io
from functools import lru_cache

from markupsafe import Markup

from mrl_demo.core.types import Document, Picture
from mrl_demo.ui.components.markup import NOTHING, html

#: Pixels of the longer side, twice what a card shows: some 4 kB each.
_SIDE = 160
_KEPT = 2_048


def thumbnail(document: Document) -> Markup:
    """The document's picture as an image that needs no address of its own; nothing for a text."""
    if document.picture is None:
        return NOTHING
    return html(
        '<img class="card-picture" src="data:image/jpeg;base64,{data}" alt="The picture {title}">',
        data=_small(document.picture),
        title=document.title or document.id,
    )


@lru_cache(maxsize=_KEPT)
def _small(picture: Picture) -> str:
    from PIL import Image

    image = Image.open(io.BytesIO(picture.jpeg)).convert("RGB")
    image.thumbnail((_SIDE, _SIDE))
    made = io.BytesIO()
    image.save(made, "JPEG", quality=75)
    return base64.b64encode(made.getvalue()).decode("ascii")
