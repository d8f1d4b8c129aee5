"""Collections of a person: a BEIR folder, files in a folder or an archive, one file of documents or scored pairs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Document, Query, ScoredPair
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.labels.paths import with_label_paths
from mrl_demo.corpora.own.answered import holds_answers, may_hold_answers, read_answered
from mrl_demo.corpora.own.beir import has_beir_files, read_beir
from mrl_demo.corpora.own.documents import document_vocabulary, read_documents
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.own.passages import PassageChoice, split_documents, split_judgements
from mrl_demo.corpora.own.pictures import holds_pictures, read_picture_folder
from mrl_demo.corpora.questions.judged import read_judged_questions
from mrl_demo.corpora.questions.languages import with_languages
from mrl_demo.corpora.reading import FILE_TYPES, NoteKind, Row, Table, Tally, Vocabulary, file_stem, read_table, text_of
from mrl_demo.corpora.reading.packed import unpacked
from mrl_demo.corpora.reading.rows import shown

_PAIRS = Vocabulary(
    {
        "first": ("sentence1", "sentence_1", "text1", "text_1", "sentence_a", "first"),
        "second": ("sentence2", "sentence_2", "text2", "text_2", "sentence_b", "second"),
        "score": ("score", "similarity", "similarity_score", "label", "relatedness", "relatedness_score", "stars"),
    }
)
_ZIP = ".zip"
_OTHER_FILE = NoteKind(
    "unread-file", "file of a type that is not read is left out", "files of types that are not read are left out"
)
_EMPTY_PAIR = NoteKind(
    "empty-pair", "pair without two texts and a score is left out", "pairs without two texts and a score are left out"
)


@dataclass(frozen=True)
class _Contents:
    """What was read of a person's files."""

    documents: list[Document]
    queries: list[Query] = field(default_factory=list)
    judgements: dict[str, dict[str, float]] = field(default_factory=dict)
    pairs: list[ScoredPair] = field(default_factory=list)


def load_path(
    path: Path, max_documents: int = 100_000, columns: ColumnChoice | None = None, name: str = "", split: str = ""
) -> Corpus:
    """Read a collection from a BEIR folder, a folder of files, a zip archive of either, or one file of `FILE_TYPES`.

    A file with two columns of texts and one of scores becomes scored pairs, its documents being their texts. Texts are
    split into passages as `columns.passages` says; a judgement of a document is then one of each of its passages.
    Questions of `columns.questions` stand in place of the collection's own. What was left out, cut, replaced or guessed
    is in `notes`. `name` is the stem of the path unless given; `split` the one whose judgements count where two splits
    judge a query otherwise. Raises `CorpusError` naming file, line, value and fix for whatever cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise CorpusError(f"{path} does not exist: give a BEIR folder or a CSV, JSONL or TXT file.")
    chosen, tally = columns or ColumnChoice(), Tally()
    name = name or corpus_name_of(path)
    label = (path.name if path.is_dir() else file_stem(path)) or name
    contents = _ask(_read(path, max_documents, chosen, tally, split), chosen.questions, tally)
    contents = replace(contents, queries=with_languages(contents.queries, contents.judgements, contents.documents))
    contents = _split(contents, chosen.passages, path, max_documents, tally)
    documents, paths = with_label_paths(contents.documents)
    return make_corpus(
        name,
        label,
        documents,
        contents.queries,
        contents.judgements,
        notes=(*tally.notes(), *paths),
        pairs=contents.pairs,
    )


def _read(path: Path, limit: int, columns: ColumnChoice, tally: Tally, split: str) -> _Contents:
    if path.is_file() and path.suffix.lower() == _ZIP:
        with unpacked(path, tally) as folder, _named_after(path, folder):
            contents = _read_folder(_inner(folder), path, limit, columns, tally, split)
    elif path.is_dir():
        contents = _read_folder(path, path, limit, columns, tally, split)
    else:
        contents = _read_file(path, limit, columns, tally)
    if not contents.documents:
        raise CorpusError(f"{path} holds no document with text: all rows are empty.")
    return contents


@contextmanager
def _named_after(archive: Path, folder: Path) -> Iterator[None]:
    """Errors that name a file as it stands in the archive, not where it was unpacked."""
    try:
        yield
    except CorpusError as error:
        raise CorpusError(str(error).replace(str(folder), str(archive))) from error


def _inner(folder: Path) -> Path:
    """The only folder that stands in it, or itself: archives often hold a folder of their own name."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _read_folder(folder: Path, given: Path, limit: int, columns: ColumnChoice, tally: Tally, split: str) -> _Contents:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if has_beir_files(folder) or not files:
        return _Contents(*read_beir(folder, limit, columns, tally, split))
    if holds_pictures(files):
        seen = read_picture_folder(folder, files, limit, tally)
        return _Contents(seen.documents, seen.queries, seen.judgements)
    readable = [path for path in files if _is_readable(path)]
    for path in files:
        if path not in readable:
            tally.add(_OTHER_FILE, path, 1)
    if not readable:
        kinds = ", ".join(FILE_TYPES)
        raise CorpusError(f"{given} holds no file that is read: put {kinds} files, pictures or a BEIR folder into it.")
    if len(readable) == 1:
        return _read_file(readable[0], limit, columns, tally)
    whole = _Contents([])
    for path in readable:
        own = _read_file(path, limit - len(whole.documents), columns, tally)
        place = path.relative_to(folder).as_posix()
        whole.documents.extend(replace(each, id=f"{place}/{each.id}") for each in own.documents)
        whole.queries.extend(replace(each, id=f"{place}/{each.id}") for each in own.queries)
        for name, answers in own.judgements.items():
            whole.judgements[f"{place}/{name}"] = {f"{place}/{each}": grade for each, grade in answers.items()}
    return whole


def _is_readable(path: Path) -> bool:
    return Path(path.name.lower().removesuffix(".gz")).suffix in FILE_TYPES


def _read_file(path: Path, limit: int, columns: ColumnChoice, tally: Tally) -> _Contents:
    words = document_vocabulary(columns)
    is_paragraphs = columns.passages.is_paragraphs
    table = read_table(
        path,
        lambda column: words.knows(column) or _PAIRS.knows(column) or may_hold_answers(column),
        tally,
        is_paragraphs=is_paragraphs,
        text_format=columns.format,
    )
    if _holds_pairs(table, words):
        pairs, documents = _read_pairs(table, tally, limit)
        return _Contents(documents, pairs=pairs)
    if answered := holds_answers(table, columns):
        return _Contents(*read_answered(table, answered, limit, tally))
    return _Contents(read_documents(table, words, limit, tally))


def _ask(contents: _Contents, questions: str, tally: Tally) -> _Contents:
    """The contents with the questions of a file, if there is one, in place of their own."""
    if not questions:
        return contents
    if contents.queries:
        words = f"{len(contents.queries):,} questions of the collection make way for those of {Path(questions).name}."
        tally.say("replaced-questions", words, count=len(contents.queries))
    queries, judgements = read_judged_questions(Path(questions), contents.documents, tally)
    return replace(contents, queries=queries, judgements=judgements)


def _split(contents: _Contents, choice: PassageChoice, path: Path, limit: int, tally: Tally) -> _Contents:
    if not choice.words or contents.pairs:
        return contents
    documents, parts = split_documents(contents.documents, choice)
    if len(documents) > limit:
        raise CorpusError(
            f"{path} makes {len(documents):,} passages, and {limit:,} documents are the limit: split into longer ones."
        )
    if parts:
        made = sum(map(len, parts.values()))
        tally.say("split-document", f"{len(parts):,} documents were split into {made:,} passages.", count=len(parts))
    return replace(contents, documents=documents, judgements=split_judgements(contents.judgements, parts))


def corpus_name_of(path: Path, taken: Collection[str] = ()) -> str:
    """A name for the collection at `path` that is not among those taken: its stem, or with -2, -3, ... after it.

    >>> corpus_name_of(Path("builtin.csv"), taken={"builtin"})
    'builtin-2'
    """
    stem = (path.resolve().name if path.is_dir() else file_stem(path)) or "documents"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


def _holds_pairs(table: Table, words: Vocabulary) -> bool:
    """Whether the first row has two texts and a score, and no text of a document."""
    first = next(table.rows, None)
    if first is None:
        return False
    table.rows = chain([first], table.rows)
    roles = _PAIRS.pick(first.cells)
    return {"first", "second", "score"} <= set(roles) and "text" not in words.pick(first.cells)


def _read_pairs(table: Table, tally: Tally, limit: int) -> tuple[list[ScoredPair], list[Document]]:
    pairs: list[ScoredPair] = []
    texts: dict[str, None] = {}
    for row in table.rows:
        pair = _pair(table.path, row)
        if pair is None:
            tally.add(_EMPTY_PAIR, table.path, row.line)
            continue
        pairs.append(pair)
        texts |= {pair.first: None, pair.second: None}
        if len(texts) > limit:
            raise CorpusError(f"{table.path} has more than {limit:,} texts: give fewer (or raise MRL_MAX_DOCUMENTS).")
    return pairs, [Document(f"text-{number}", "", text) for number, text in enumerate(texts, 1)]


def _pair(path: Path, row: Row) -> ScoredPair | None:
    roles, place = _PAIRS.pick(row.cells), f"{path}, line {row.line:,}"
    first, second, score = (text_of(roles.get(role), place) for role in ("first", "second", "score"))
    if not (first and second and score):
        return None
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorpusError(f"{place}: the score {shown(score)} is no number.")
    return ScoredPair(first, second, value)
