"""Broad pairs beside a run's own data: a folder with one file a source, some of which may be held out."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from mrl_demo.core.types import Note
from mrl_demo.corpora.reading import TABLE_TYPES, file_stem, file_type
from training.columns import Columns
from training.config import PairsConfig
from training.data.files import load_pairs
from training.data.pairs import Pairs, TrainingData
from training.errors import DataError

_PREFIX = "pairs-"


def with_broad_pairs(data: TrainingData, wanted: PairsConfig) -> TrainingData:
    """`data` with the pairs of the folder `wanted.pairs` after its own, and some of their texts as broad text.

    Every source is read by its own file's columns; those of `wanted.leave_out` are not read at all, so that they can
    be measured as text never seen. At most `wanted.broad_texts` of the answers join the broad text, chosen by hash.
    Raises `DataError` if there is no such folder, nothing is left, or a source to leave out is not there.
    """
    read = read_sources(Path(wanted.pairs), wanted.leave_out)
    queries = (query for pairs in read.values() for query in pairs.queries)
    answers = [answer for pairs in read.values() for answer in pairs.positives]
    labels = (*data.pairs.labels, *("" for _ in answers)) if data.pairs.labels else ()
    pairs = Pairs((*data.pairs.queries, *queries), (*data.pairs.positives, *answers), labels=labels)
    counts = ", ".join(f"{name} {len(part):,}" for name, part in read.items())
    words = f"{len(answers):,} broad pairs beside {len(data.pairs):,} of the data: {counts}."
    notes = (*data.notes, Note("broad-pairs", words))
    broad = (*data.broad, *_some(answers, wanted.broad_texts))
    counted = tuple((name, len(part)) for name, part in read.items())
    return replace(data, pairs=pairs, broad=broad, notes=notes, sources=counted)


def read_sources(folder: Path, leave_out: str = "") -> dict[str, Pairs]:
    """Pairs of every source of a folder by its name, but of those named in `leave_out`; raises `DataError`."""
    return {name: load_pairs(path, Columns())[0] for name, path in _sources(folder, _names(leave_out)).items()}


def source_name(path: Path) -> str:
    """The source that a file of pairs holds: its name without a leading "pairs-" and its endings.

    >>> source_name(Path("pairs/pairs-wikipedia.jsonl.gz"))
    'wikipedia'
    """
    return file_stem(path).removeprefix(_PREFIX)


def _sources(folder: Path, left_out: set[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder of pairs: name one with a JSONL file a source.").about("pairs")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and file_type(path) in TABLE_TYPES)
    sources = {source_name(path): path for path in paths}
    if missing := sorted(left_out - set(sources)):
        known = ", ".join(sources) or "none"
        raise DataError(f"{folder} has no source {', '.join(missing)}: there are {known}.").about("leave_out")
    kept = {name: path for name, path in sources.items() if name not in left_out}
    if not kept:
        raise DataError(f"{folder} has no source to learn from once --leave-out is taken off.").about("pairs")
    return kept


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}


def _some(texts: list[str], count: int) -> list[str]:
    return sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())[:count]
