"""Files that are zip archives inside: how much they may unpack to, and a safe way to unpack them."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.parser_errors import parsing
from mrl_demo.corpora.reading.tally import NoteKind, Tally

#: A collection of documents of 100,000 files or half a gigabyte is no upload any more.
MOST_ENTRIES = 10_000
MOST_UNPACKED = 512 * 2**20
_PIECE = 2**20
#: What systems and editors leave in archives beside a person's files.
_SYSTEM_FILES = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
_NESTED = NoteKind(
    "nested-archive", "archive within the archive is left out", "archives within the archive are left out"
)


def check_package(path: Path, what: str) -> None:
    """Raise `CorpusError` for a file that is no zip inside, or that says it unpacks to more than 512 MiB."""
    with _opened(path, what):
        pass


@contextmanager
def unpacked(path: Path, tally: Tally) -> Iterator[Path]:
    """A temporary folder with the files of a zip archive, gone afterwards.

    Raises `CorpusError` naming the entry for one that is encrypted, a link, or leads out of the folder, and for an
    archive of over 10,000 files or 512 MiB. Archives within it are counted and left out.
    """
    folder = Path(tempfile.mkdtemp(prefix="matryoshka-zip-"))
    try:
        with _opened(path, "a zip archive") as archive:
            left = MOST_UNPACKED
            for entry in archive.infolist():
                if not entry.is_dir() and not _SYSTEM_FILES & set(PurePosixPath(entry.filename).parts):
                    left = _unpack(archive, entry, folder, path, left, tally)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(path: Path, what: str) -> Iterator[zipfile.ZipFile]:
    with parsing(path, what, "save or pack it anew"), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise CorpusError(f"{path} has {len(entries):,} files, and {MOST_ENTRIES:,} are the limit: join some.")
        size = sum(entry.file_size for entry in entries)
        if size > MOST_UNPACKED:
            raise _too_large(path, size)
        yield archive


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, path: Path, left: int, tally: Tally) -> int:
    """Write one entry; how many bytes may still follow. What an entry says of its size is not believed."""
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0] or "\0" in entry.filename:
        raise CorpusError(f"{path}: the entry {entry.filename!r} leads out of the archive: it is not unpacked.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise CorpusError(f"{path}: the entry {entry.filename!r} is a link: put the file itself into the archive.")
    if entry.flag_bits & 1:
        raise CorpusError(f"{path}: the entry {entry.filename!r} is encrypted: pack it without a password.")
    if name.suffix.lower() == ".zip":
        tally.add(_NESTED, path, 1)
        return left
    target = folder.joinpath(*name.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as copy:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise _too_large(path, MOST_UNPACKED)
            copy.write(piece)
    return left


def _too_large(path: Path, size: int) -> CorpusError:
    limit = f"{MOST_UNPACKED // 2**20} MiB are the limit"
    return CorpusError(f"{path} unpacks to {size / 2**20:,.0f} MiB or more, and {limit}.")
