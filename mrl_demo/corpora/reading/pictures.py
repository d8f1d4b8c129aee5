"""Pictures reduced to what models and cards need: a small JPEG each."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Picture
from mrl_demo.corpora.reading.rows import Row, Table

PICTURE_TYPES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
#: The longer side of a picture that is kept: what CLIP and SigLIP read is 224 to 384 pixels wide.
PICTURE_SIDE = 384
#: A picture that says it has more pixels is not unpacked.
MOST_PIXELS = 64_000_000
_QUALITY = 90
#: The column in which a reduced picture leaves the process that reads it.
PICTURE_COLUMN = "picture"


def picture_rows(table: Table) -> Iterator[Row]:
    """One row with the reduced picture in base64; raises `CorpusError` for what is no picture or too large."""
    table.see(PICTURE_COLUMN, always=True)
    yield Row(1, {PICTURE_COLUMN: base64.b64encode(_reduced(table.path)).decode("ascii")})


def picture_of(cell: object) -> Picture:
    """The picture in a cell of `picture_rows`."""
    return Picture(base64.b64decode(str(cell)))


def _reduced(path: Path) -> bytes:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large ones; the limit here is lower.
            with Image.open(path) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    size = f"{width:,} x {height:,} pixels"
                    raise CorpusError(f"{path} has {size}, over {MOST_PIXELS // 10**6} million: save it smaller.")
                image.draft("RGB", (2 * PICTURE_SIDE, 2 * PICTURE_SIDE))
                upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
        kept = io.BytesIO()
        upright.save(kept, "JPEG", quality=_QUALITY)
    except CorpusError:
        raise
    except Exception as error:  # Pillow raises whatever a broken file makes of its decoders.
        raise CorpusError(f"{path} cannot be read as a picture ({type(error).__name__}): save it anew.") from error
    return kept.getvalue()
