"""Data sets of the Hugging Face Hub as collections: rows streamed to files once, capped, at a pinned revision.

Library: `datasets`, which runs no code of a data set. HF_ENDPOINT and HF_TOKEN are respected.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo.core.errors import Cancelled, CorpusError
from mrl_demo.core.storage import atomic_folder, sha256_text
from mrl_demo.core.types import Corpus, Note, Progress
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.own.preview import FilePreview, preview_path
from mrl_demo.corpora.reading import cell_of

if TYPE_CHECKING:
    from datasets import IterableDataset

#: Begins what names a data set where a file could stand.
HUB_PREFIX = "hub:"
#: Where rows are kept, in the cache folder.
HUB_FOLDER = "hub-data"
#: Rows are read up to so many bytes of JSON, as an archive is unpacked.
MOST_BYTES = 512 * 2**20
_SHAPE = "hub:OWNER/NAME, hub:OWNER/NAME:CONFIG or hub:OWNER/NAME:CONFIG:SPLIT, each also with @REVISION"
_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_PART = re.compile(r"[\w.-]*")
_REVISION = re.compile(r"\w[\w./-]*")
_SPLITS = ("train", "corpus", "test", "validation", "dev")
_TIMEOUT_SECONDS = 10.0
_TOLD_EVERY = 500
_ABOUT = "about.json"


@dataclass(frozen=True)
class HubDataSet:
    """A data set of the Hub, one of its configurations and splits ("" for the only or likeliest), and a revision.

    >>> HubDataSet.parse("hub:mteb/scifact:corpus@main")
    HubDataSet(repository='mteb/scifact', config='corpus', split='', revision='main')
    >>> str(HubDataSet.parse("hub:mteb/scifact:corpus@main"))
    'hub:mteb/scifact:corpus@main'
    """

    repository: str
    config: str = ""
    split: str = ""
    revision: str = ""

    @classmethod
    def parse(cls, given: str) -> HubDataSet:
        """What `hub:OWNER/NAME[:CONFIG[:SPLIT]][@REVISION]` names; raises `CorpusError` for anything else."""
        named, at, revision = given.strip().removeprefix(HUB_PREFIX).partition("@")
        repository, *parts = named.split(":")
        is_sound = _ID.fullmatch(repository) and len(parts) <= 2 and all(_PART.fullmatch(part) for part in parts)
        if not is_sound or ".." in given or (at and not _REVISION.fullmatch(revision)):
            raise CorpusError(f"{given!r} names no data set of the Hub: write {_SHAPE}.")
        config, split = (*parts, "", "")[:2]
        return cls(repository, config, split, revision)

    def __str__(self) -> str:
        parts = f":{self.config}:{self.split}".rstrip(":")
        return f"{HUB_PREFIX}{self.repository}{parts}" + (f"@{self.revision}" if self.revision else "")

    @property
    def label(self) -> str:
        """For a menu: the id without the prefix, and the first seven figures of a commit."""
        pinned = replace(self, revision=self.revision[:7] if _is_commit(self.revision) else self.revision)
        return str(pinned).removeprefix(HUB_PREFIX)


@dataclass(frozen=True)
class HubRows:
    """Rows that were read: `path` is a JSONL file, or a BEIR folder for a data set that has documents and questions.

    `data_set` has the commit that they are of, and the configuration and split that were chosen.

    >>> rows = HubRows(HubDataSet("mteb/scifact"), Path("rows.jsonl"), notes=())
    >>> with rows.named():
    ...     raise CorpusError("rows.jsonl, line 3: no text")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.CorpusError: mteb/scifact, line 3: no text
    """

    data_set: HubDataSet
    path: Path
    notes: tuple[Note, ...]

    @contextmanager
    def named(self) -> Iterator[None]:
        """Let errors of the block name the data set, not the file that its rows were written to."""
        try:
            yield
        except CorpusError as error:
            raise CorpusError(str(error).replace(str(self.path), self.data_set.label)) from error

    def load(self, most: int, columns: ColumnChoice, name: str = "", split: str = "") -> Corpus:
        """The collection, read as a file with these rows is; raises `CorpusError`."""
        with self.named():
            corpus = load_path(self.path, most, columns, name, split)
        return replace(corpus, label=self.data_set.label, notes=(*self.notes, *corpus.notes))

    def preview(self, most: int, columns: ColumnChoice) -> tuple[FilePreview, Corpus]:
        """What the rows hold, and the collection; raises `CorpusError`."""
        with self.named():
            preview, corpus = preview_path(self.path, most, columns)
        notes = (*self.notes, *corpus.notes)
        label = self.data_set.label
        return replace(preview, name=label, notes=notes), replace(corpus, label=label, notes=notes)


def is_hub_name(given: str) -> bool:
    """Whether what stands where a file could stand names a data set of the Hub."""
    return given.strip().startswith(HUB_PREFIX)


def read_hub_rows(data_set: HubDataSet, folder: Path, most: int, progress: Progress | None = None) -> HubRows:
    """At most `most` rows of a data set, streamed into `folder` the first time, from there afterwards.

    The revision is that of now unless one is given; if the Hub does not answer, rows of an earlier reading do. Raises
    `CorpusError` that says whether the data set is not there, not for everybody, needs code of its own, has other
    configurations or splits, or whether nobody answered.
    """
    if _is_commit(data_set.revision) and (kept := _kept_rows(data_set, folder, most)):
        return kept
    try:
        pinned = replace(data_set, revision=_commit_of(data_set))
    except CorpusError:
        if kept := _kept_rows(data_set, folder, most):
            return kept
        raise
    if kept := _kept_rows(pinned, folder, most):
        return kept
    home = folder / _key(pinned, most)
    with atomic_folder(home) as temporary:
        chosen, notes = _write(pinned, temporary, most, progress)
        about = {"given": asdict(data_set), "chosen": asdict(chosen), "notes": [asdict(note) for note in notes]}
        (temporary / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return _rows_in(home)


def _is_commit(revision: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}", revision) is not None


def _key(data_set: HubDataSet, most: int) -> str:
    return sha256_text(str(data_set), str(most))[:32]


def _kept_rows(data_set: HubDataSet, folder: Path, most: int) -> HubRows | None:
    """Rows of an earlier reading: of that commit, or of the last one for a data set without one."""
    if _is_commit(data_set.revision):
        home = folder / _key(data_set, most)
        return _rows_in(home) if (home / _ABOUT).is_file() else None
    for about in sorted(folder.glob(f"*/{_ABOUT}"), key=lambda path: path.stat().st_mtime, reverse=True):
        rows = _rows_in(about.parent)
        asked = HubDataSet(**json.loads(about.read_text(encoding="utf-8"))["given"])
        pinned = replace(data_set, revision=rows.data_set.revision)
        if asked == data_set and about.parent.name == _key(pinned, most):
            words = f"The Hub did not answer: these are the rows of {rows.data_set.label}, read earlier."
            return replace(rows, notes=(Note("earlier-rows", words), *rows.notes))
    return None


def _rows_in(home: Path) -> HubRows:
    about = json.loads((home / _ABOUT).read_text(encoding="utf-8"))
    (path,) = (path for path in home.iterdir() if path.name != _ABOUT)
    return HubRows(HubDataSet(**about["chosen"]), path, tuple(Note(**note) for note in about["notes"]))


def _commit_of(data_set: HubDataSet) -> str:
    from huggingface_hub import HfApi

    with _hub_errors(data_set):
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
        found = api.dataset_info(data_set.repository, revision=data_set.revision or None, timeout=_TIMEOUT_SECONDS)
        return str(found.sha)


@contextmanager
def _hub_errors(data_set: HubDataSet) -> Iterator[None]:
    """Say in words what the Hub or its library raises."""
    try:
        yield
    except (CorpusError, Cancelled):
        raise
    except Exception as error:  # Names, networks and servers fail in a dozen ways, each with a class of its own.
        raise CorpusError(_words_for(error, data_set)) from error


def _words_for(error: Exception, data_set: HubDataSet) -> str:
    from datasets.exceptions import DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    name, where = data_set.repository, os.environ.get("HF_ENDPOINT") or "the Hugging Face Hub"
    is_missing = isinstance(error, RepositoryNotFoundError)
    if isinstance(error, GatedRepoError) or (not is_missing and "gated dataset" in str(error)):
        return f"The data set {name} is gated: accept its terms on its page and set HF_TOKEN, or choose another."
    if isinstance(error, RevisionNotFoundError):
        return f"The data set {name} has no revision {data_set.revision!r}: leave it out for the newest."
    if is_missing or isinstance(error, DatasetNotFoundError):
        return f"{where} has no data set {name} for you: check the name, and set HF_TOKEN if it is private."
    if "scripts are no longer supported" in str(error):
        return (
            f"The data set {name} is read by a script of its own, and code of others is not run here: choose one that "
            "is stored as Parquet, CSV or JSON, or give its files."
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"{where} did not give the data set {name} (HTTP {status}): try again later, or give files of your own."
    if isinstance(error, ValueError | DatasetsError):
        return f"The data set {name} cannot be read as {data_set.label}: {_shortened(error)}"
    return (
        f"The data set {name} was not read ({type(error).__name__}: {_shortened(error)}). Check the connection to "
        f"{where}, or give files of your own."
    )


def _shortened(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}..."


def _write(
    data_set: HubDataSet, home: Path, most: int, progress: Progress | None
) -> tuple[HubDataSet, tuple[Note, ...]]:
    """Write rows below `home`; gives what was chosen, and notes about it."""
    with _hub_errors(data_set):
        from datasets import get_dataset_config_names

        configs = list(get_dataset_config_names(data_set.repository, revision=data_set.revision))
        writer = _Writer(most, progress)
        if not data_set.config and {"corpus", "queries"} <= set(configs):
            return data_set, writer.write_judged(data_set, configs, home)
        if len(configs) > 1 and not data_set.config:
            listed = ", ".join(configs[:20])
            raise CorpusError(
                f"The data set {data_set.repository} has several configurations ({listed}): name one, as in "
                f"{HUB_PREFIX}{data_set.repository}:{configs[0]}."
            )
        chosen, stream, notes = _split_of(data_set)
        path = home / f"{data_set.repository.split('/')[1]}.jsonl"
        return chosen, (*notes, *writer.write(stream, path, chosen.label))


def _split_of(data_set: HubDataSet, config: str = "") -> tuple[HubDataSet, IterableDataset, tuple[Note, ...]]:
    """The stream of the split named, or of the likeliest, which is said."""
    streams = _streams(data_set, config or data_set.config)
    if data_set.split:
        if data_set.split not in streams:
            raise CorpusError(
                f"{data_set.label}: there is no split {data_set.split!r}; choose one of {', '.join(streams)}."
            )
        return data_set, streams[data_set.split], ()
    split = next((name for name in (config, *_SPLITS) if name in streams), next(iter(streams)))
    others = [name for name in streams if name != split]
    words = (
        f"The split {split} is read, {', '.join(others)} not: name another as in {HUB_PREFIX}OWNER/NAME:CONFIG:SPLIT."
    )
    if not others:
        return data_set, streams[split], ()
    return replace(data_set, split=split), streams[split], (Note("chosen-split", words, len(others)),)


def _streams(data_set: HubDataSet, config: str) -> Mapping[str, IterableDataset]:
    """Rows of every split, pictures and sounds as their bytes; files of other places are refused by the library."""
    from datasets import load_dataset

    streams = load_dataset(data_set.repository, config or None, revision=data_set.revision, streaming=True)
    return {str(split): stream.decode(False) for split, stream in streams.items()}


class _Writer:
    """Writes rows as lines of JSON, up to a number of rows and bytes, and tells how far it is."""

    def __init__(self, most: int, progress: Progress | None) -> None:
        self._most, self._progress, self._bytes = most, progress, 0

    def write(self, stream: IterableDataset, path: Path, label: str) -> tuple[Note, ...]:
        """Write the rows of a stream; notes say if it went on, and which columns hold no text."""
        names, unread = _class_names(stream), set[str]()
        count, rows = 0, iter(stream)
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for count, row in enumerate(islice(rows, self._most), 1):
                line = json.dumps(_plain(row, names, unread), ensure_ascii=False) + "\n"
                self._bytes += len(line)
                file.write(line)
                if self._bytes > MOST_BYTES:
                    break
                if self._progress and count % _TOLD_EVERY == 0:
                    self._progress(count / self._most, f"{count:,} rows of {label} read")
        return (*_cut_note(label, count, next(rows, None) is not None), *_unread_note(unread))

    def write_judged(self, data_set: HubDataSet, configs: Sequence[str], home: Path) -> tuple[Note, ...]:
        """Write documents, questions and judgements as a BEIR folder."""
        folder = home / data_set.repository.split("/")[1]
        (folder / "qrels").mkdir(parents=True)
        notes: list[Note] = []
        for part in ("corpus", "queries"):
            chosen, stream, _ = _split_of(replace(data_set, split=""), part)
            notes += self.write(stream, folder / f"{part}.jsonl", f"{chosen.repository}:{part}")
        judged = next((name for name in ("qrels", "default") if name in configs), "")
        for split, stream in (_streams(data_set, judged) if judged else {}).items():
            notes += self.write(stream, folder / "qrels" / f"{split}.jsonl", f"{data_set.repository}:{judged}:{split}")
        return tuple(notes)


def _class_names(stream: IterableDataset) -> dict[str, Sequence[str]]:
    """Names of the classes of columns that hold their numbers."""
    features = stream.features or {}
    return {column: feature.names for column, feature in features.items() if hasattr(feature, "int2str")}


def _plain(row: Mapping[str, Any], names: Mapping[str, Sequence[str]], unread: set[str]) -> dict[str, Any]:
    """A row as JSON knows it; columns with bytes go to `unread`."""
    plain: dict[str, Any] = {}
    for column, value in row.items():
        if column in names and isinstance(value, int) and 0 <= value < len(names[column]):
            plain[column] = names[column][value]
        elif _holds_bytes(value):
            unread.add(column)
        else:
            plain[column] = cell_of(value)
    return plain


def _holds_bytes(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_bytes, value.values()))
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(_holds_bytes, value[:1])))


def _cut_note(label: str, count: int, goes_on: bool) -> tuple[Note, ...]:
    words = f"Only the first {count:,} rows of {label} are read: that many documents are the limit here."
    return (Note("unread-rows", words, count),) if goes_on else ()


def _unread_note(unread: set[str]) -> tuple[Note, ...]:
    words = f"Columns that hold no text are left out: {', '.join(sorted(unread))}."
    return (Note("binary-columns", words, len(unread)),) if unread else ()
