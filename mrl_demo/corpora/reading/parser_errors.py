"""One line of words for whatever a library raises over a file that is broken or hostile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrl_demo.core.errors import CorpusError

_REASON_CHARS = 160


@contextmanager
def parsing(path: Path, what: str, fix: str) -> Iterator[None]:
    """Turn any error of the libraries within into a `CorpusError` that names the file, why, and what to do.

    Parsers of Excel, Word, PDF, HTML and Parquet raise nearly anything over broken bytes (`TypeError`, `zlib.error`,
    `struct.error`, ...); a list of what they raised so far would miss the next one.

    >>> with parsing(Path("a.pdf"), "a PDF", "print it to a new one"):
    ...     raise KeyError("/Root")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.CorpusError: a.pdf cannot be read as a PDF (KeyError: '/Root'): print it to a new one.
    """
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:
        raise CorpusError(f"{path} cannot be read as {what} ({_reason(error)}): {fix}.") from error


def _reason(error: Exception) -> str:
    """The error in one short line; its class too if it says nothing by itself."""
    words = " ".join(str(error).split()).rstrip(".:")
    if len(words) > _REASON_CHARS:
        words = f"{words[:_REASON_CHARS]}..."
    is_bare = not words or isinstance(error, KeyError | TypeError | AttributeError | IndexError)
    return f"{type(error).__name__}: {words}".rstrip(": ") if is_bare else words
