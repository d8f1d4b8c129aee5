"""Text of users and documents made fit to be seen, and numbers made words."""

from __future__ import annotations

import re

#: Bidirectional controls can reorder the page around them, so they are named instead of obeyed.
_BIDI = {
    0x061C: "ALM",
    0x200E: "LRM",
    0x200F: "RLM",
    0x202A: "LRE",
    0x202B: "RLE",
    0x202C: "PDF",
    0x202D: "LRO",
    0x202E: "RLO",
    0x2066: "LRI",
    0x2067: "RLI",
    0x2068: "FSI",
    0x2069: "PDI",
}
_WHITESPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff" + "".join(map(chr, _BIDI)) + "]")


def visible(text: str) -> str:
    """Make control characters and direction overrides readable, line breaks spaces; the result is not HTML yet."""
    return _UNSAFE.sub(_named, _WHITESPACE.sub(" ", text))


def shorten(text: str, limit: int) -> str:
    """Cut at a word's end to at most `limit` characters, the last of them an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,;:.") + "…"


def milliseconds(value: float) -> str:
    """Two significant digits below 10 ms, whole numbers above."""
    if value >= 10:
        return f"{value:,.0f} ms"
    return f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def exact_time(seconds: float) -> str:
    """A time that was set: 90 -> '90 s', 600 -> '10 min'.

    >>> exact_time(7200), exact_time(0.5)
    ('120 min', '0.5 s')
    """
    return f"{seconds / 60:g} min" if seconds >= 120 else f"{seconds:g} s"


def about_time(seconds: float) -> str:
    """A time that is only roughly known: 130 -> 'about 2 min', 7 -> 'about 10 s'."""
    if seconds < 55:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    return f"about {max(1, round(seconds / 60))} min"


def _named(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in _BIDI:
        return f"⟨{_BIDI[code]}⟩"
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's control pictures: one visible sign for each.
    if code == 0x7F:
        return "\u2421"
    return f"⟨{code:02X}⟩" if code < 0xA0 else "\ufffd"
