"""The picture that stands for a link: 1200 x 630, drawn with Pillow from values alone."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.plots.doll import BOX, FOOT, PATCHES, SHELL, doll_size, outline

WIDTH, HEIGHT = 1_200, 630
LONGEST_QUERY = 160
_SCALE = 2  # The doll is drawn larger and shrunk: Pillow's shapes have hard edges.
_PAPER, _INK, _SOFT, _LINE = "#faf8f5", "#211d1a", "#655d55", "#d5cdc2"
_LACQUER = "#a8321f"
#: As `ui/static/style.css` colours them (a test compares).
DOLL_COLOURS = {
    "robe": "#b8372a",
    "scarf": "#d9a441",
    "face": "#fbe3cb",
    "hair": "#4a2b1b",
    "cheek": "#ee9a86",
    "eye": "#2b1c14",
    "mouth": "#9c2b22",
    "knot": "#b8372a",
    "apron": "#fbf1dc",
    "petal": "#d9534a",
    "heart": "#f0bf4e",
    "leaf": "#4d8a5c",
}
#: Open Font License; Latin, Greek and Cyrillic letters.
_FONTS = "templates/frontend/static/fonts/SourceSansPro/SourceSansPro-{weight}.woff2"
_LEFT = 430
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class CardSide:
    """One arm's line: its colour (`#rrggbb`), and where the document that counts stands now and with all numbers.

    `rank` and `full_rank` count from 1; None if it is not among the results looked at.
    """

    label: str
    colour: str
    rank: int | None
    full_rank: int | None


@dataclass(frozen=True)
class ShareCard:
    """What a card says. `tracked` names the document whose ranks the sides tell; `looked_at` results were searched.

    Without `sides` it says that nothing seems to answer the query. `average` is a sentence on all queries, if there is
    one.

    >>> side = CardSide("Base, cut", "#c8601a", rank=51, full_rank=1)
    >>> card = ShareCard("how do bees talk", 64, 384, (side,), "the known answer", 10, "Built-in, 2,400 documents")
    >>> card.headline
    '64 of 384 numbers: 6 times smaller'
    >>> card.rank_now(side), card.rank_before(side)
    ('rank 51', '1 with all 384')
    """

    query: str
    dim: int
    full_dim: int
    sides: Sequence[CardSide]
    tracked: str
    looked_at: int
    collection: str
    address: str = ""
    average: str = ""

    @property
    def headline(self) -> str:
        """How short the vectors are, and what that saves."""
        numbers = f"{self.dim} of {self.full_dim} numbers"
        if self.dim >= self.full_dim:
            return f"all {self.full_dim} numbers: nothing cut"
        return f"{numbers}: {_times(self.full_dim / self.dim)} times smaller"

    def rank_now(self, side: CardSide) -> str:
        """Where the document that counts stands at this length."""
        return f"rank {side.rank:,}" if side.rank else f"below {self.looked_at}"

    def rank_before(self, side: CardSide) -> str:
        """Where it stands with all numbers; "" if none was cut."""
        if self.dim >= self.full_dim:
            return ""
        before = f"{side.full_rank:,}" if side.full_rank else f"below {self.looked_at}"
        return f"{before} with all {self.full_dim}"


def draw_card(card: ShareCard) -> bytes:
    """The card as a PNG of 1200 x 630 pixels; text is cut to what fits, letters that the font lacks are left out."""
    image, pen = _sheet()
    image.paste(*_doll(card.dim, card.full_dim))
    text, unknown = _drawable(card.query)
    words = f"“{_shorten(text, LONGEST_QUERY)}”" if text else f"(a question of {unknown} letters this font lacks)"
    top = _paragraph(pen, words, (_LEFT, 62), size=46, lines=3, colour=_INK, weight="Bold")
    top = _paragraph(pen, card.headline, (_LEFT, top + 22), size=34, lines=1, colour=_LACQUER, weight="Bold")
    top = _paragraph(pen, _where(card), (_LEFT, top + 14), size=25, lines=1, colour=_SOFT)
    for side in card.sides[:2]:
        top = _side(pen, card, side, top + 12)
    _paragraph(pen, card.average, (_LEFT, top + 10), size=23, lines=2, colour=_SOFT)
    _foot(pen, f"Matryoshka lab · {card.collection}", card.address)
    return _png(image)


def draw_front(title: str, description: str) -> bytes:
    """The card of the page itself: the doll, its name and what it is for, as a PNG of the same size."""
    image, pen = _sheet()
    image.paste(*_doll(64, TRAINED_DIMS[-1]))
    top = _paragraph(pen, title, (_LEFT, 170), size=76, lines=1, colour=_INK, weight="Bold")
    _paragraph(pen, description, (_LEFT, top + 30), size=36, lines=4, colour=_SOFT)
    return _png(image)


def _where(card: ShareCard) -> str:
    return f"Where {card.tracked} stands:" if card.sides else "Nothing here seems to answer this: no verdict."


def _times(ratio: float) -> str:
    return f"{ratio:.1f}".removesuffix(".0") if ratio < 10 else f"{ratio:.0f}"


def _sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 14, HEIGHT), fill=_LACQUER)
    return image, pen


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _side(pen: ImageDraw.ImageDraw, card: ShareCard, side: CardSide, top: float) -> float:
    pen.ellipse((_LEFT, top + 10, _LEFT + 22, top + 32), fill=side.colour)
    label = _fit(_drawable(side.label)[0], _font(29, "Bold"), 325)
    pen.text((_LEFT + 38, top), label, fill=_INK, font=_font(29, "Bold"))
    pen.text((_LEFT + 380, top), card.rank_now(side), fill=_INK, font=_font(29, "Bold"))
    pen.text((_LEFT + 540, top + 4), card.rank_before(side), fill=_SOFT, font=_font(25))
    return top + 42


def _foot(pen: ImageDraw.ImageDraw, *rows: str) -> None:
    pen.line((_LEFT, 530, WIDTH - 48, 530), fill=_LINE, width=2)
    for row, words in enumerate(rows):
        fitting = _fit(_drawable(words)[0], _font(23), WIDTH - 48 - _LEFT)
        pen.text((_LEFT, 541 + 31 * row), fitting, fill=_SOFT, font=_font(23))


def _paragraph(
    pen: ImageDraw.ImageDraw,
    words: str,
    at: tuple[float, float],
    *,
    size: int,
    lines: int,
    colour: str,
    weight: str = "Regular",
) -> float:
    """Write words into at most so many lines from `at`; where the next may begin."""
    font, (left, top) = _font(size, weight), at
    for row in _wrap(words, font, WIDTH - 48 - left, lines):
        pen.text((left, top), row, fill=colour, font=font)
        top += size * 1.18
    return top


def _wrap(words: str, font: Font, width: float, lines: int) -> list[str]:
    rows: list[str] = []
    rest = words.split(" ")
    while rest and len(rows) < lines:
        taken = len(rest) if len(rows) == lines - 1 else 1
        while taken < len(rest) and font.getlength(" ".join(rest[: taken + 1])) <= width:
            taken += 1
        rows.append(_fit(" ".join(rest[:taken]), font, width))
        rest = rest[taken:]
    return rows


def _fit(words: str, font: Font, width: float) -> str:
    """The words, cut with an ellipsis if they are wider."""
    if font.getlength(words) <= width:
        return words
    while words and font.getlength(words + "…") > width:
        words = words[:-1]
    return words.rstrip() + "…"


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _drawable(text: str) -> tuple[str, int]:
    """The text without what the font has no letter for or what steers direction, and how many characters went."""
    font = _font(40)
    missing = bytes(font.getmask("\ufffe"))
    composed = unicodedata.normalize("NFC", text[: 4 * LONGEST_QUERY])
    kept = [
        c for c in composed if c == " " or (unicodedata.category(c)[0] != "C" and bytes(font.getmask(c)) != missing)
    ]
    return re.sub(r"\s+", " ", "".join(kept)).strip(), len(composed) - len(kept)


@lru_cache(maxsize=32)
def _font(size: int, weight: str = "Regular") -> Font:
    """Source Sans, which Gradio ships; Pillow's own if it does not any more."""
    spec = find_spec("gradio")
    path = Path(spec.origin).parent / _FONTS.format(weight=weight) if spec and spec.origin else None
    try:
        return ImageFont.truetype(str(path), size)
    except OSError:
        return ImageFont.load_default(size)


def _doll(dim: int, full_dim: int) -> tuple[Image.Image, tuple[int, int]]:
    """The painted doll inside its shells, and where it stands on the card."""
    height = 500
    unit = height / BOX[1] * _SCALE
    image = Image.new("RGB", (round(BOX[0] * unit), round(BOX[1] * unit)), _PAPER)
    pen = ImageDraw.Draw(image)
    for length in sorted({*(each for each in TRAINED_DIMS if each < full_dim), full_dim}, reverse=True):
        for shape in outline(SHELL):
            pen.line(_placed(shape, doll_size(length, full_dim), unit), fill=_LINE, width=2 * _SCALE)
    for patch in PATCHES:
        size = doll_size(dim, full_dim)
        if patch.ellipse:
            x, y, rx, ry = patch.ellipse
            corners = _placed([(x - rx, y - ry), (x + rx, y + ry)], size, unit)
            pen.ellipse(corners, fill=DOLL_COLOURS[patch.name])
            continue
        for shape in outline(patch.path):
            points = _placed(shape, size, unit)
            if patch.name == "mouth":
                pen.line(points, fill=DOLL_COLOURS["mouth"], width=max(1, round(1.8 * size * unit)))
            else:
                pen.polygon(points, fill=DOLL_COLOURS[patch.name])
    return image.resize((image.width // _SCALE, image.height // _SCALE), Image.Resampling.LANCZOS), (44, 58)


def _placed(points: list[tuple[float, float]], size: float, unit: float) -> list[tuple[float, float]]:
    """Points of the doll's box, shrunk towards its foot, in pixels."""
    return [((FOOT[0] + (x - FOOT[0]) * size) * unit, (FOOT[1] + (y - FOOT[1]) * size) * unit) for x, y in points]
