"""A person's own triplets or pairs, and Hub data sets; columns named or guessed, rows checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import ModelError
from training.columns import GUESSES, Columns
from training.data.pairs import Pairs
from training.errors import DataError

_MIN_ROWS = 20
_TYPES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


def load_pairs(path: Path, columns: Columns, max_rows: int = 0) -> tuple[Pairs, tuple[str, ...]]:
    """Rows of a file, or of all data files in a folder, and notes on the columns read and the rows left out.

    Raises `DataError` naming file, column, row and fix.
    """
    rows: list[Mapping[str, Any]] = []
    notes: list[str] = []
    for file in _files(path):
        table = _read(file)
        used = columns.resolved(table.columns, str(file))
        notes.append(_shown(file.name, used))
        rows += _renamed(table.to_dict("records"), used)
    return _checked(rows[: max_rows or None], str(path), notes)


def load_hub_pairs(name: str, columns: Columns, max_rows: int) -> tuple[Pairs, tuple[str, ...]]:
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
    used = columns.resolved(raw[0], name)
    notes = [_shown(name, used)]
    return _checked(list(_renamed(raw, used)), name, notes)


def _shown(name: str, used: Columns) -> str:
    return f"{name}: query = {used.query!r}, positive = {used.positive!r}, negative = {used.negative or 'mined'!r}"


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError(f"{path} does not exist: give a {', '.join(_TYPES)} file, or a folder of them.")
    found = sorted(p for p in path.iterdir() if p.suffix in _TYPES) if path.is_dir() else [path]
    if not found:
        raise DataError(f"{path} holds no {', '.join(_TYPES)} file.")
    return found


def _read(file: Path) -> Any:  # noqa: ANN401 - a pandas DataFrame
    import pandas as pd

    if file.suffix not in _TYPES:
        raise DataError(f"{file}: {file.suffix or 'no'} file type is not known. Use {', '.join(_TYPES)}.")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        if file.suffix in {".csv", ".tsv"}:
            return pd.read_csv(file, sep="\t" if file.suffix == ".tsv" else ",", dtype=str, keep_default_na=False)
        return pd.read_json(file, lines=True, dtype=False)
    except Exception as error:
        raise DataError(f"{file} cannot be read ({type(error).__name__}: {error}).") from error


def _renamed(rows: Iterable[Mapping[str, Any]], columns: Columns) -> Iterable[Mapping[str, Any]]:
    for row in rows:
        yield {role: row.get(getattr(columns, role)) for role in GUESSES if getattr(columns, role)}


def _checked(rows: list[Mapping[str, Any]], where: str, notes: list[str]) -> tuple[Pairs, tuple[str, ...]]:
    """Distinct rows with text in every column; the rest is left out and counted in the notes."""
    found: dict[tuple[str, str], str] = {}
    empty = same = repeated = 0
    with_negatives = bool(rows) and all("negative" in row for row in rows)
    for row in rows:
        query, positive = _text(row["query"]), _text(row["positive"])
        negative = _text(row["negative"]) if with_negatives else ""
        if not query or not positive or (with_negatives and not negative):
            empty += 1
        elif query == positive:
            same += 1
        elif (query, positive) in found:
            repeated += 1
        else:
            found[query, positive] = negative
    for count, what in (
        (empty, "with an empty text"),
        (same, "whose positive is the query"),
        (repeated, "that repeat"),
    ):
        if count:
            notes.append(f"{count:,} rows {what} are left out.")
    if len(found) < _MIN_ROWS:
        left_out = f" ({'; '.join(notes)})" if notes else ""
        raise DataError(
            f"{where} has {len(found)} usable rows of {len(rows)}{left_out}: at least {_MIN_ROWS} are needed."
        )
    pairs = Pairs(
        tuple(q for q, _ in found), tuple(p for _, p in found), tuple(found.values()) if with_negatives else ()
    )
    return pairs, tuple(notes)


def _text(value: object) -> str:
    """A cell as text; the first of a list (some Hub sets list their negatives)."""
    if isinstance(value, list | tuple):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""
