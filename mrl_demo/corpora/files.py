"""Collections of a person: a BEIR folder, or one file of documents or of scored pairs."""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import chain
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Document, ScoredPair
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.beir import read_beir
from mrl_demo.corpora.documents import document_vocabulary, read_documents
from mrl_demo.corpora.options import ColumnChoice
from mrl_demo.corpora.reading import NoteKind, Row, Table, Tally, Vocabulary, file_stem, read_table, text_of
from mrl_demo.corpora.reading.rows import shown

_PAIRS = Vocabulary(
    {
        "first": ("sentence1", "sentence_1", "text1", "text_1", "sentence_a", "first"),
        "second": ("sentence2", "sentence_2", "text2", "text_2", "sentence_b", "second"),
        "score": ("score", "similarity", "similarity_score", "label", "relatedness", "relatedness_score", "stars"),
    }
)
_EMPTY_PAIR = NoteKind(
    "empty-pair", "pair without two texts and a score is left out", "pairs without two texts and a score are left out"
)


def load_path(
    path: Path, max_documents: int = 100_000, columns: ColumnChoice | None = None, name: str = "", split: str = ""
) -> Corpus:
    """Read a collection from a BEIR folder or a JSONL, JSON, CSV, TSV, Parquet or text file.

    A file with two columns of texts and one of scores becomes scored pairs, its documents being their texts. What was
    left out, cut, replaced or guessed is in `notes`. `name` is the stem of the path unless given; `split` the one whose
    judgements count where two splits judge a query otherwise. Raises `CorpusError` naming file, line, value and fix for
    whatever cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise CorpusError(f"{path} does not exist: give a BEIR folder or a CSV, JSONL or TXT file.")
    chosen, tally = columns or ColumnChoice(), Tally()
    name = name or corpus_name_of(path)
    if path.is_dir():
        documents, queries, judgements = read_beir(path, max_documents, chosen, tally, split)
        _refuse_nothing(documents, path)
        return make_corpus(name, path.name or name, documents, queries, judgements, tally.notes())
    words = document_vocabulary(chosen)
    table = read_table(path, lambda column: words.knows(column) or _PAIRS.knows(column), tally)
    pairs: list[ScoredPair] = []
    if _holds_pairs(table, words):
        pairs, documents = _read_pairs(table, tally, max_documents)
    else:
        documents = read_documents(table, words, max_documents, tally)
    _refuse_nothing(documents, path)
    return make_corpus(name, file_stem(path), documents, notes=tally.notes(), pairs=pairs)


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


def _refuse_nothing(documents: list[Document], path: Path) -> None:
    if not documents:
        raise CorpusError(f"{path} holds no document with text: all rows are empty.")


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
