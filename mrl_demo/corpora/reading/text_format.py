"""What a person says of their text files, in place of what the reader would find out."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.core.errors import CorpusError

#: Encodings that files from elsewhere often have, by the name that a menu shows.
COMMON_ENCODINGS = {
    "UTF-8": "utf-8",
    "Western European (Windows-1252)": "cp1252",
    "Central European (Windows-1250)": "cp1250",
    "Cyrillic (Windows-1251)": "cp1251",
    "Cyrillic (KOI8-R)": "koi8-r",
    "Greek (Windows-1253)": "cp1253",
    "Turkish (Windows-1254)": "cp1254",
    "Japanese (Shift-JIS)": "cp932",
    "Chinese (GB 18030)": "gb18030",
    "Chinese (Big5)": "big5",
    "Korean (CP949)": "cp949",
    "Mac Roman": "mac-roman",
}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
#: Python counts them among encodings of texts, but no file is in one.
_NO_FILE = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}


@dataclass(frozen=True)
class TextFormat:
    r"""The encoding of text files, and what stands between fields of tables; "" for each that is to be found out.

    A file with a byte order mark is read as that says. `delimiter` is a name of `DELIMITERS` or one character. Raises
    `CorpusError` for an encoding that Python does not know, or a delimiter that cannot be one.

    >>> TextFormat("CP1251", "tab").character
    '\t'
    >>> TextFormat("klingon")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.CorpusError: 'klingon' is no encoding that is known: give one such as utf-8, cp1251 or gb18030.
    """

    encoding: str = ""
    delimiter: str = ""

    def __post_init__(self) -> None:
        if self.encoding and not _is_known(self.encoding):
            raise CorpusError(
                f"{self.encoding!r} is no encoding that is known: give one such as utf-8, cp1251 or gb18030."
            )
        sign = self.character
        if self.delimiter and (len(sign) != 1 or sign.isalnum() or sign in '"\r\n\ufeff'):
            names = ", ".join(DELIMITERS)
            raise CorpusError(f"{self.delimiter!r} cannot stand between fields: give {names}, or one sign such as ~.")

    @property
    def character(self) -> str:
        """What stands between fields, "" if that is to be found out."""
        spelled = {**DELIMITERS, "\\t": "\t"}
        return spelled.get(self.delimiter.lower(), self.delimiter)


#: Nothing said.
AS_FOUND = TextFormat()


def _is_known(encoding: str) -> bool:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        return False
    return encoding.lower().replace("-", "_") not in _NO_FILE
