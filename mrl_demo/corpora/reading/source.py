"""From a file's bytes to its characters: gzip with a bound, byte order marks, encodings."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.tally import NoteKind, Tally

#: Text shrinks to a third or a tenth; what grows more than this many times, and past this size, is a gzip bomb.
MAX_RATIO = 200
MAX_SUSPECT_BYTES = 64 * 2**20
#: A line longer than this (characters) is no row of a table.
MAX_LINE = 64 * 2**20
_PIECE = 2**20
#: So much of a file tells its encoding to `charset_normalizer`.
_GUESS_BYTES = 2**16
_GZIP = b"\x1f\x8b"
#: UTF-32 before UTF-16, whose mark it starts with.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = {b"PK\x03\x04": "a zip file or an Excel sheet", b"%PDF": "a PDF", b"PAR1": "a Parquet file"}
_BAD_BYTES = NoteKind(
    "replaced-bytes", "byte sequence that is no text became U+FFFD", "byte sequences that are no text became U+FFFD"
)
_REPLACEMENT = "\ufffd"
#: Bytes that Windows-1252 gives no character.
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
_WORD = re.compile(r"[^\W\d_]+(?:[^\w\s][^\W\d_]+)*")
#: What Windows-1252 makes of letters of other code pages, amid a word (· ´ and soft hyphens are words' own).
_SYMBOL_IN_WORD = re.compile("(?<=[a-z])[\x80-\x9f¡-©«¬®-³µ¶¸¹»-¿ŸŽŠŒ](?=[a-z])")


@dataclass(frozen=True)
class _Encoding:
    name: str
    errors: str = "strict"


@contextmanager
def open_text(path: Path, tally: Tally, newline: str | None = "\n", encoding: str = "") -> Iterator[TextIO]:
    """Open a text file, gzip or not, in the encoding it is in; guesses and replaced bytes are counted in `tally`.

    A byte order mark tells the encoding, or else what `encoding` says, or else the bytes do.

    UTF-8, UTF-16 and UTF-32 are known by their marks or their bytes; UTF-8 with some broken bytes is read with U+FFFD
    in their place; other text is taken for Windows-1252, and refused if it does not look like it. Raises `CorpusError`
    for what cannot be read, a broken or bomb-like gzip file included, while it is read.
    """
    try:
        kind = _find_encoding(path, tally, encoding)
        with _open_binary(path) as binary:
            text = io.TextIOWrapper(binary, encoding=kind.name, errors=kind.errors, newline=newline)
            with text:
                yield text
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not whole {error.encoding} text ({error.reason}): save it as UTF-8.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path} cannot be read: {_reason(error)}.") from error


def bounded_lines(text: TextIO, path: Path) -> Iterator[str]:
    """Lines with their ends; raises `CorpusError` for one of more than 64 Mi characters."""
    number = 0
    while line := text.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise CorpusError(f"{path}, line {number:,}: longer than {MAX_LINE:,} characters, which is no row.")
        yield line


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__


@contextmanager
def _open_binary(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
        if not is_packed and path.suffix.lower() == ".gz" and path.stat().st_size:
            raise CorpusError(f"{path} cannot be read: it is called .gz but is no gzip file.")
        file.seek(0)
        if not is_packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            bounded = _Bounded(unpacked, path, max(MAX_SUSPECT_BYTES, MAX_RATIO * path.stat().st_size))
            yield cast(BinaryIO, io.BufferedReader(bounded, _PIECE))


class _Bounded(io.RawIOBase):
    """Passes bytes on up to a limit."""

    def __init__(self, source: gzip.GzipFile, path: Path, limit: int) -> None:
        self._source, self._path, self._limit, self._total = source, path, limit, 0

    def readable(self) -> bool:
        """Always, as `io.RawIOBase` wants it said."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read on; raises `CorpusError` beyond the limit."""
        count = self._source.readinto(buffer)
        self._total += count
        if self._total > self._limit:
            raise CorpusError(
                f"{self._path} unpacks to over {self._limit / 2**20:,.0f} MiB, {MAX_RATIO} times its size or more, as "
                "no text does: unpack it yourself if you trust it."
            )
        return count


def _find_encoding(path: Path, tally: Tally, given: str = "") -> _Encoding:
    with _open_binary(path) as binary:
        head = binary.read(_PIECE)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return _Encoding(name) if name != "utf-8-sig" else _survey(path, head, binary, tally, name)
        for magic, what in _NO_TEXT.items():
            if head.startswith(magic):
                raise CorpusError(f"{path} is {what}, not text: save it as CSV or JSONL.")
        if given:
            return _as_given(path, head, binary, tally, given)
        if b"\0" in head and (wide := _wide(head)):
            tally.say("guessed-encoding", f"{path.name} has no byte order mark: it is read as {wide.upper()}.")
            return _Encoding(wide)
        return _survey(path, head, binary, tally, "utf-8")


def _as_given(path: Path, head: bytes, rest: BinaryIO, tally: Tally, name: str) -> _Encoding:
    """The encoding that a person named; what does not decode in it is counted."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    bad = lines = first_line = 0
    piece = head
    while True:
        text = decoder.decode(piece, final=not piece)
        if (broken := text.count(_REPLACEMENT)) and not bad:
            first_line = lines + text[: text.index(_REPLACEMENT)].count("\n") + 1
        bad, lines = bad + broken, lines + text.count("\n")
        if not piece:
            break
        piece = rest.read(_PIECE)
    if bad:
        tally.add(_BAD_BYTES, path, first_line, bad)
    return _Encoding(name, "replace")


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: most characters have a zero byte on the same side."""
    zeros = [head[side::2].count(0) / max(1, len(head) // 2) for side in (0, 1)]
    if max(zeros) < 0.3 or min(zeros) > 0.05:
        return ""
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


def _survey(path: Path, head: bytes, rest: BinaryIO, tally: Tally, name: str) -> _Encoding:
    """Decode all as UTF-8 and count what does not decode, to see whether it is UTF-8 at all."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    bad = good = undefined = lines = first_line = 0
    sample, before, piece = b"", b"", head
    while True:
        text = decoder.decode(piece, final=not piece)
        joined = before + piece  # A U+FFFD that was in the file may lie over the border of two pieces.
        broken = text.count(_REPLACEMENT) - joined.count(_REPLACEMENT.encode())
        if broken > 0 and not bad:
            first_line, sample = lines + text[: text.index(_REPLACEMENT)].count("\n") + 1, joined
        bad += broken
        good += 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore")) - broken
        undefined += len(piece) - len(piece.translate(None, _UNDEFINED))
        lines += text.count("\n")
        if not piece:
            break
        before, piece = joined[-2:], rest.read(_PIECE)
    if bad and (good > bad or name == "utf-8-sig"):
        tally.add(_BAD_BYTES, path, first_line, bad)
    elif bad:
        return _western(path, sample, first_line, undefined, tally)
    return _Encoding(name, "replace")


def _western(path: Path, sample: bytes, first_line: int, undefined: int, tally: Tally) -> _Encoding:
    """Windows-1252, what the WHATWG takes for Latin-1 too, unless words look as no Western European word does."""
    text = sample.decode("cp1252", "replace")
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    strange = [word for word in words if _is_strange(word)]
    if len(strange) * 4 > len(words) or "\0" in text:
        raise CorpusError(
            f"{path}, line {first_line:,}: not UTF-8, and no Western European text either. Choose its "
            f"encoding (--encoding {_likely_encoding(sample)}, it seems), or save the file as UTF-8."
        )
    place = f"{path.name}, line {first_line:,}"
    tally.say("guessed-encoding", f"{path.name} is not UTF-8 ({place}): it is read as Windows-1252.", place, 1)
    if undefined:
        tally.add(_BAD_BYTES, path, first_line, undefined)
    return _Encoding("cp1252", "replace")


def _likely_encoding(sample: bytes) -> str:
    """The name of the encoding that `charset_normalizer` takes it for, CP1251 if none."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample[:_GUESS_BYTES]).best()
    return best.encoding.replace("_", "-").upper() if best else "CP1251"


def _is_strange(word: str) -> bool:
    foreign = sum(not letter.isascii() for letter in word)
    return (len(word) > 2 and foreign * 2 > len(word)) or _SYMBOL_IN_WORD.search(word) is not None
