"""A person's own triplets or pairs, and Hub data sets; columns named or guessed, rows checked and counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

from mrl_demo.core.errors import CorpusError, ModelError
from mrl_demo.core.types import Note
from mrl_demo.corpora.reading import (
    TABLE_TYPES,
    Cell,
    NoteKind,
    Row,
    Table,
    Tally,
    cell_of,
    file_type,
    read_table,
    text_of,
)
from training.columns import Columns
from training.data.pairs import Pairs
from training.errors import DataError

_MIN_ROWS = 20
_EMPTY = NoteKind("empty-row", "row with an empty text is left out", "rows with an empty text are left out")
_SAME = NoteKind(
    "positive-is-query", "row whose positive is the query is left out", "rows whose positive is the query are left out"
)
_REPEATED = NoteKind("repeated-row", "row that repeats is left out", "rows that repeat are left out")
_SEVERAL = NoteKind(
    "several-texts",
    "row names several positives or negatives: each is a pair of its own",
    "rows name several positives or negatives: each is a pair of its own",
)
_NO_NEGATIVE = NoteKind(
    "row-without-negative",
    "row without a negative is left out, as most have one",
    "rows without a negative are left out, as most have one",
)
_FEW_NEGATIVES = NoteKind(
    "unused-negative",
    "row has a negative that is not used, as most have none",
    "rows have negatives that are not used, as most have none",
)
_NO_SCORE = NoteKind("row-without-score", "row without a score is left out", "rows without a score are left out")
#: Words for scores, as in the labels of paraphrase and inference data.
_SCORES = dict.fromkeys(("1", "true", "yes", "entailment", "relevant", "duplicate", "positive"), 1.0) | dict.fromkeys(
    ("0", "false", "no", "contradiction", "neutral", "not_entailment", "irrelevant", "not_duplicate", "negative"), 0.0
)


@dataclass(frozen=True)
class _Pair:
    query: str
    positive: str
    negative: str
    score: str
    path: Path
    line: int
    label: str = ""


def load_pairs(path: Path, columns: Columns, max_rows: int = 0) -> tuple[Pairs, tuple[Note, ...]]:
    """Rows of a file, or of all data files in a folder, and notes on the columns read and the rows left out.

    Several positives or negatives of a row, in numbered columns or in lists, give a pair each. Raises `DataError`
    naming file, column, line and fix.
    """
    tally = Tally()
    pairs: list[_Pair] = []
    for file in _files(path):
        try:
            table = read_table(file, columns.is_wanted, tally)
            pairs += _pairs_of(table, columns, max_rows - len(pairs) if max_rows else 0, tally)
        except CorpusError as error:
            raise DataError(str(error)) from error
        if max_rows and len(pairs) >= max_rows:
            break
    return _checked(pairs, str(path), tally)


def load_hub_pairs(name: str, columns: Columns, max_rows: int) -> tuple[Pairs, tuple[Note, ...]]:
    """The first `max_rows` of the data set `REPO[:SUBSET[:SPLIT]]`, streamed; raises `ModelError`."""
    from datasets import load_dataset

    repo, subset, split = (*name.split(":"), "", "")[:3]
    try:
        stream = load_dataset(repo, subset or None, split=split or "train", streaming=True)
        raw = list(stream.take(max_rows) if max_rows else stream)
    except Exception as error:
        raise ModelError(
            f"The data set {name!r} could not be read ({type(error).__name__}: {error}). Check the name and the "
            "connection, or train on your own file with --data FILE."
        ) from error
    if not raw:
        raise DataError(f"The data set {name!r} has no rows.")
    tally = Tally()
    table = Table(Path(name), _hub_rows(raw, columns), dict.fromkeys(map(str, raw[0])))
    try:
        return _checked(_pairs_of(table, columns, 0, tally), name, tally)
    except CorpusError as error:
        raise DataError(str(error)) from error


def _hub_rows(raw: Iterable[Mapping[str, object]], columns: Columns) -> Iterator[Row]:
    for number, row in enumerate(raw, 1):
        yield Row(number, {name: cell_of(value) for name, value in row.items() if columns.is_wanted(name)})


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError(f"{path} does not exist: give a {', '.join(TABLE_TYPES)} file, or a folder of them.")
    files = sorted(file for file in path.iterdir() if _is_data(file)) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} holds no {', '.join(TABLE_TYPES)} file.")
    if not path.is_dir() and not _is_data(path):
        raise DataError(
            f"{path}: {path.suffix or 'no'} file type is not known. Use {', '.join(TABLE_TYPES)} (also .gz)."
        )
    return files


def _is_data(file: Path) -> bool:
    try:
        return file.is_file() and file_type(file) in TABLE_TYPES
    except CorpusError:
        return False


def _pairs_of(table: Table, columns: Columns, max_rows: int, tally: Tally) -> list[_Pair]:
    rows = list(islice(table.rows, max_rows or None))
    if not table.columns:
        raise DataError(f"{table.path} holds no row: it is empty.")
    used = columns.resolved(table.columns, str(table.path))
    tally.say("columns-read", _shown(table.path.name, used))
    pairs: list[_Pair] = []
    for row in rows:
        pairs += _pairs_of_row(row, used, table.path, tally)
    return pairs


def _shown(name: str, used: Mapping[str, tuple[str, ...]]) -> str:
    absent = {"negative": ("mined",), "score": (), "topic": (), "domain": ()}
    parts = [
        f"{role} = {', '.join(map(repr, columns or absent[role]))}"
        for role, columns in used.items()
        if columns or absent[role]
    ]
    return f"{name}: {', '.join(parts)}"


def _pairs_of_row(row: Row, used: Mapping[str, tuple[str, ...]], path: Path, tally: Tally) -> list[_Pair]:
    place = f"{path}, line {row.line:,}"
    texts = {role: _texts(row, columns, place) for role, columns in used.items()}
    score = text_of(row.cells.get(used["score"][0]), place) if used["score"] else ""
    if not texts["query"] or not texts["positive"]:
        tally.add(_EMPTY, path, row.line)
        return []
    label = "/".join(filter(None, (*texts["domain"][:1], *texts["topic"][:1])))
    combined = product(texts["query"], texts["positive"], texts["negative"] or [""])
    pairs = [_Pair(*each, score, path, row.line, label) for each in combined]
    if len(pairs) > 1:
        tally.add(_SEVERAL, path, row.line)
    return pairs


def _texts(row: Row, columns: Iterable[str], place: str) -> list[str]:
    """Every text of the cells, lists taken apart, each once."""
    cells: list[Cell] = []
    for column in columns:
        cell = row.cells.get(column)
        cells += cell if isinstance(cell, list) else [cell]
    return list(dict.fromkeys(text for text in (text_of(cell, place) for cell in cells) if text))


def _checked(pairs: list[_Pair], where: str, tally: Tally) -> tuple[Pairs, tuple[Note, ...]]:
    """Distinct rows with text in every column, as parallel tuples; the rest is left out and counted in the notes."""
    rows = len({(pair.path, pair.line) for pair in pairs}) + tally.count(_EMPTY)
    with_negatives = sum(bool(pair.negative) for pair in pairs) * 2 > len(pairs)
    scores = _scores(pairs, tally)
    kept: dict[tuple[str, str, str], float] = {}
    labels: list[str] = []
    for pair, score in zip(pairs, scores or [0.0] * len(pairs), strict=True):
        negative = pair.negative if with_negatives else ""
        key = (pair.query, pair.positive, negative)
        reason = _reason_against(pair, with_negatives, score, key in kept)
        if reason is not None:
            tally.add(reason, pair.path, pair.line)
            continue
        if pair.negative and not with_negatives:
            tally.add(_FEW_NEGATIVES, pair.path, pair.line)
        kept[key] = score
        labels.append(pair.label)
    if len(kept) < _MIN_ROWS:
        left_out = f" ({' '.join(map(str, tally.notes()))})" if tally.notes() else ""
        raise DataError(f"{where} has {len(kept)} usable rows of {rows}{left_out}: at least {_MIN_ROWS} are needed.")
    queries, positives, negatives = zip(*kept, strict=True)
    return (
        Pairs(
            queries,
            positives,
            negatives if with_negatives else (),
            tuple(kept.values()) if scores else (),
            tuple(labels) if any(labels) else (),
        ),
        tally.notes(),
    )


def _reason_against(pair: _Pair, with_negatives: bool, score: float, is_repeated: bool) -> NoteKind | None:
    if math.isnan(score):
        return _NO_SCORE
    if pair.query == pair.positive:
        return _SAME
    if with_negatives and not pair.negative:
        return _NO_NEGATIVE
    return _REPEATED if is_repeated else None


def _scores(pairs: list[_Pair], tally: Tally) -> list[float]:
    """A score for each pair, NaN for a blank one; empty if there are none, or words that are no scores."""
    scores = []
    for pair in pairs:
        score = _score(pair.score) if pair.score else math.nan
        if score is None:
            words = f"{pair.score[:40]!r} ({pair.path.name}, line {pair.line:,}) is no score: the column is not read."
            tally.say("unread-scores", words, f"{pair.path.name}, line {pair.line:,}")
            return []
        scores.append(score)
    return scores if any(pair.score for pair in pairs) else []


def _score(text: str) -> float | None:
    try:
        score = float(text)
    except ValueError:
        return _SCORES.get(text.strip().lower().replace(" ", "_").replace("-", "_"))
    return score if math.isfinite(score) else None
