"""Kinds of values in an address: each reads the text that somebody else wrote there, and writes its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mrl_demo.core.errors import LabError

#: As long as a question may be; with `%F0%9F%98%80` for one character the whole still fits a server's request line.
LONGEST_TEXT = 2_000
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class Kind(Protocol):
    """A kind of value; `read` raises `LabError` with what is possible for a text that is none."""

    def read(self, text: str) -> Any:  # noqa: ANN401 - the value of a component
        """The value that the text of an address stands for."""
        ...

    def write(self, value: Any) -> str:  # noqa: ANN401
        """The text that stands for a value in an address."""
        ...


@dataclass(frozen=True)
class OneOf:
    """One of the names that a menu has at this moment; a name is compared and never loaded.

    >>> OneOf(lambda: ["bytes", "latency"]).read("bits")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: 'bits' is not among bytes, latency
    """

    names: Callable[[], Sequence[str]]
    may_be_none: bool = False

    def read(self, text: str) -> str | None:
        """The name itself, None for no text if there may be none."""
        if self.may_be_none and not text:
            return None
        names = self.names()
        if text not in names:
            raise LabError(f"{_quote(text)} is not among {', '.join(names) or 'the choices: there is none yet'}")
        return text

    def write(self, value: object) -> str:
        """The name, "" for none."""
        return "" if value is None else str(value)


@dataclass(frozen=True)
class Several:
    """Some of a menu's names, commas between them; raises for the first that is none.

    >>> Several(lambda: ["base", "tuned"]).read("tuned,base")
    ['tuned', 'base']
    """

    names: Callable[[], Sequence[str]]

    def read(self, text: str) -> list[str]:
        """The names in the order given, each once."""
        words = [word for word in dict.fromkeys(text.split(",")) if word]
        for word in words:
            OneOf(self.names).read(word)
        return words

    def write(self, value: Sequence[str] | None) -> str:
        """The names with commas between them."""
        return ",".join(value or ())


@dataclass(frozen=True)
class WholeNumber:
    """A whole number from `least` to `most`.

    >>> WholeNumber(1, 384).read("6.5")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: '6.5' is not a whole number from 1 to 384
    """

    least: int
    most: int

    def read(self, text: str) -> int:
        """The number."""
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(self.most))
        if not is_number or not self.least <= int(text) <= self.most:
            raise LabError(f"{_quote(text)} is not a whole number from {self.least} to {self.most:,}")
        return int(text)

    def write(self, value: object) -> str:
        """Its digits."""
        return str(value)


@dataclass(frozen=True)
class DecimalNumber:
    """A number from `least` to `most`, written with a point if it is not whole.

    >>> DecimalNumber(0, 1_000).read("7.45"), DecimalNumber(0, 1_000).write(136.0)
    (7.45, '136')
    """

    least: float
    most: float

    def read(self, text: str) -> float:
        """The number."""
        if not _DECIMAL.fullmatch(text) or not self.least <= float(text) <= self.most:
            raise LabError(f"{_quote(text)} is not a number from {self.least:,} to {self.most:,}")
        return float(text)

    def write(self, value: float | None) -> str:
        """As a browser writes it, "" for none."""
        if value is None:
            return ""
        return str(int(value)) if value == int(value) else str(value)


@dataclass(frozen=True)
class OneNumber:
    """One of a few numbers.

    >>> OneNumber((1_000, 10_000)).read("1000")
    1000
    """

    numbers: Sequence[int]

    def read(self, text: str) -> int:
        """The number."""
        return int(OneOf(lambda: [str(number) for number in self.numbers]).read(text) or 0)

    def write(self, value: object) -> str:
        """Its digits."""
        return str(value)


@dataclass(frozen=True)
class FreeText:
    """Whatever a person may type, up to `limit` characters."""

    limit: int = LONGEST_TEXT

    def read(self, text: str) -> str:
        """The text, cut at the limit."""
        return text[: self.limit]

    def write(self, value: object) -> str:
        """The text itself."""
        return str(value or "")[: self.limit]


@dataclass(frozen=True)
class Switch:
    """On or off, written 1 or 0."""

    def read(self, text: str) -> bool:
        """Whether it is on."""
        if text not in {"0", "1"}:
            raise LabError(f"{_quote(text)} is neither 1 (on) nor 0 (off)")
        return text == "1"

    def write(self, value: object) -> str:
        """1 or 0."""
        return "1" if value else "0"


def _quote(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
