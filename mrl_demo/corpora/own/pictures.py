"""A folder or archive of pictures as a collection: captions in a table beside them become questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Document, Picture, Query
from mrl_demo.corpora.reading import FILE_TYPES, TABLE_TYPES, NoteKind, Tally, Vocabulary, read_table, text_of
from mrl_demo.corpora.reading.confined import confined_rows
from mrl_demo.corpora.reading.pictures import PICTURE_COLUMN, PICTURE_SIDE, PICTURE_TYPES, picture_of
from mrl_demo.corpora.reading.rows import Table

#: Pictures stay in memory, some 30 kB each.
MOST_PICTURES = 5_000
#: Tables beside pictures that say something of them, as the Hub's picture folders have them.
_TABLES = ("metadata", "captions", "labels")
#: Texts that lie in many folders and are no documents of them.
_ABOUT = ("readme", "license", "licence")
_WORDS = Vocabulary(
    {
        "file": ("file_name", "filename", "file", "image", "picture", "path", "image_path"),
        "caption": ("caption", "text", "description", "sentence", "question", "query"),
        "title": ("title", "name"),
        "label": ("label", "topic", "category", "class"),
    }
)
_BROKEN = NoteKind(
    "unread-picture", "picture cannot be read and is left out", "pictures cannot be read and are left out"
)
_STRANGER = NoteKind(
    "unknown-picture", "row names a picture that is not there", "rows name pictures that are not there"
)
_OTHER_FILE = NoteKind("unread-file", "file is no picture and is left out", "files are no pictures and are left out")


@dataclass
class PictureFolder:
    """Pictures as documents, captions as judged questions.

    >>> PictureFolder().documents
    []
    """

    documents: list[Document] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    judgements: dict[str, dict[str, float]] = field(default_factory=dict)


def holds_pictures(files: Sequence[Path]) -> bool:
    """Whether files are pictures and tables about them; one more file with texts makes it a collection of texts."""
    others = (path for path in files if not _is_picture(path) and not _is_table(path))
    has_texts = any(path.suffix.lower() in FILE_TYPES and path.stem.lower() not in _ABOUT for path in others)
    return any(_is_picture(path) for path in files) and not has_texts


def read_picture_folder(folder: Path, files: Sequence[Path], limit: int, tally: Tally) -> PictureFolder:
    """Every picture as a document named after its file, its folder as its label if there are several folders.

    A table `metadata`, `captions` or `labels` (CSV, JSONL) may say with a column `file_name` which picture a row is
    of, and with the columns caption, title and label what is known of it; a caption is a question that its picture
    answers. Pictures are read in a process of its own and reduced to 384 pixels. Raises `CorpusError` for more than
    `limit` or 5,000 pictures, and if none can be read.
    """
    pictures = [path for path in files if _is_picture(path)]
    if len(pictures) > (most := min(limit, MOST_PICTURES)):
        raise CorpusError(f"{folder} holds {len(pictures):,} pictures, and {most:,} are the limit: give fewer.")
    places = {path.relative_to(folder).as_posix(): path for path in pictures}
    labels = _labels_by_folder(places)
    documents = {}
    for place, path in places.items():
        if picture := _read_picture(path, tally):
            documents[place] = Document(place, _title_of(path), "", labels.get(place, ""), picture=picture)
    if not documents:
        raise CorpusError(f"{folder} holds no picture that can be read.")
    known = PictureFolder(list(documents.values()))
    for path in files:
        if _is_table(path):
            _add_table(path, folder, documents, known, tally)
        elif path not in pictures:
            tally.add(_OTHER_FILE, path, 1)
    known.documents = list(documents.values())
    _say_what_was_done(known, tally)
    return known


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_TYPES


def _is_table(path: Path) -> bool:
    return path.stem.lower() in _TABLES and path.suffix.lower() in TABLE_TYPES


def _title_of(path: Path) -> str:
    return " ".join(path.stem.replace("_", " ").replace("-", " ").split()) or path.name


def _labels_by_folder(places: Mapping[str, Path]) -> dict[str, str]:
    """The name of the folder of each picture, none if they lie in one."""
    folders = {place: Path(place).parent.name for place in places}
    return folders if len(set(folders.values())) > 1 else {}


def read_picture(path: Path) -> Picture:
    """One picture of a person, reduced in a process of its own; raises `CorpusError` if it is none."""
    rows = list(confined_rows(Table(path, iter(())), path.suffix.lower(), lambda _: True, Tally()))
    return picture_of(rows[0].cells[PICTURE_COLUMN])


def _read_picture(path: Path, tally: Tally) -> Picture | None:
    try:
        return read_picture(path)
    except CorpusError:
        tally.add(_BROKEN, path, 1)
        return None


def _add_table(path: Path, folder: Path, documents: dict[str, Document], known: PictureFolder, tally: Tally) -> None:
    """What a table says of the pictures: titles and labels into `documents`, captions into `known`."""
    names = _names_of(path, folder, documents)
    table = read_table(path, _WORDS.knows, tally)
    for number, row in enumerate(table.rows, 1):
        place = f"{path}, line {row.line:,}"
        said = {role: text_of(cell, place) for role, cell in _WORDS.pick(row.cells).items()}
        name = names.get(said.get("file", ""))
        if name is None:
            tally.add(_STRANGER, path, row.line)
            continue
        document = documents[name]
        title, label = said.get("title") or document.title, said.get("label") or document.topic
        documents[name] = Document(name, title, "", label, picture=document.picture)
        if caption := said.get("caption"):
            query = Query(f"{path.stem}-{number}", caption, "caption")
            known.queries.append(query)
            known.judgements[query.id] = {name: 1.0}


def _names_of(table: Path, folder: Path, documents: Mapping[str, Document]) -> dict[str, str]:
    """Documents by the names that a table may use: from where it lies, from the folder, or the file alone."""
    beside = table.parent.relative_to(folder).as_posix().removeprefix(".").strip("/")
    names = dict(_unique_file_names(documents))
    names |= {name: name for name in documents}
    prefix = f"{beside}/" if beside else ""
    return names | {name.removeprefix(prefix): name for name in documents if name.startswith(prefix)}


def _unique_file_names(documents: Mapping[str, Document]) -> Iterator[tuple[str, str]]:
    by_name: dict[str, list[str]] = {}
    for place in documents:
        by_name.setdefault(Path(place).name, []).append(place)
    return ((name, places[0]) for name, places in by_name.items() if len(places) == 1)


def _say_what_was_done(known: PictureFolder, tally: Tally) -> None:
    count = len(known.documents)
    words = f"{count:,} pictures, each reduced to at most {PICTURE_SIDE} pixels a side."
    tally.say("reduced-picture", words, count=count)
    if known.queries:
        words = f"{len(known.queries):,} captions are questions, each answered by its picture."
        tally.say("captions-as-questions", words, count=len(known.queries))
