"""From uploads and pasted text to one path that the reader takes, in a folder of its own that goes afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Progress
from mrl_demo.corpora.own.hub import HUB_FOLDER, HubDataSet, HubRows, read_hub_rows
from mrl_demo.corpora.reading import FILE_TYPES
from mrl_demo.ui.data.state import DataState

#: What the page takes: Parquet and packed tables may hold a hundred times what their size says.
UPLOAD_TYPES = (*(kind for kind in FILE_TYPES if kind != ".parquet"), ".zip")
MOST_FILES = 100
MOST_PASTED = 2_000_000
PASTED = "pasted text"


@contextmanager
def gathered(files: Sequence[str], text: str) -> Iterator[Path]:
    """The path to read: the one file, or a folder with all of them and the pasted text.

    Raises `CorpusError` if there is nothing, too much, or a file of a type that is not taken.
    """
    if not files and not text.strip():
        raise CorpusError("There is nothing to read yet: choose files or paste some text.")
    if len(files) > MOST_FILES:
        raise CorpusError(
            f"{len(files)} files are too many, {MOST_FILES} are the limit: put them into one zip archive."
        )
    if len(text) > MOST_PASTED:
        raise CorpusError(f"{len(text):,} characters are too many to paste: save them as a .txt file.")
    folder = Path(tempfile.mkdtemp(prefix="matryoshka-own-"))
    try:
        for path in map(Path, files):
            _take(path, folder)
        if text.strip():
            (folder / f"{PASTED}.txt").write_text(text, encoding="utf-8-sig", errors="replace")
        inside = sorted(folder.iterdir())
        with files_named_alone(folder):
            yield inside[0] if len(inside) == 1 else folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take(path: Path, folder: Path) -> None:
    if path.suffix.lower() not in UPLOAD_TYPES:
        kinds = ", ".join(UPLOAD_TYPES)
        raise CorpusError(f"{path.name}: files of type {path.suffix or 'none'} are not taken here. Use {kinds}.")
    target, number = folder / path.name, 2
    while target.exists():
        target, number = folder / f"{path.stem}-{number}{path.suffix}", number + 1
    try:
        shutil.copyfile(path, target)
    except OSError as error:
        raise CorpusError(f"{path.name} cannot be read ({error.strerror}): upload it again.") from error


def hub_rows(state: DataState, settings: Settings, progress: Progress | None = None) -> HubRows:
    """Rows of the Hub's data set that a visitor named; raises `CorpusError` if it may not be read here, or cannot."""
    if state.files or (state.text or "").strip():
        raise CorpusError("Files or text and a data set of the Hub are one too many: empty one of the fields.")
    data_set = HubDataSet.parse(state.hub or "")
    if not settings.allows_hub_data(data_set.repository):
        raise CorpusError(
            f"The data set {data_set.repository} is not read on this public page: its owner lists those that are in "
            f"MRL_HUB_DATA ({settings.hub_data or 'none now'}). Run the lab on your own machine, or upload files."
        )
    return read_hub_rows(data_set, settings.cache_dir / HUB_FOLDER, settings.upload_documents, progress)


@contextmanager
def files_named_alone(folder: Path) -> Iterator[None]:
    """Let errors of the block name files without the folder: where they lie here is nobody's business."""
    try:
        yield
    except CorpusError as error:
        raise CorpusError(str(error).replace(f"{folder}/", "").replace(str(folder), "your files")) from error
