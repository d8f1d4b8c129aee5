"""Files of vectors as tables: NumPy, parquet, JSON Lines, a faiss index, and exports of Qdrant or pgvector."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix

_ID_NAMES = ("_id", "id", "ids", "doc_id", "document_id", "query_id", "docid")
_VECTOR_NAMES = ("vector", "vectors", "embedding", "embeddings", "values", "dense")


@dataclass(frozen=True)
class VectorTable:
    """`vectors` `(n, d)` float32 as a file has them, of any length, and their `ids`, None if the file names none.

    >>> VectorTable("docs.npy", np.eye(2, dtype=np.float32)).with_ids(["a", "b"]).ids
    ('a', 'b')
    """

    source: str
    vectors: FloatMatrix
    ids: tuple[str, ...] | None = None

    def with_ids(self, ids: Sequence[str]) -> VectorTable:
        """The table with these ids, one a row; raises `ModelError` for another number of them."""
        if len(ids) != len(self.vectors):
            raise ModelError(
                f"{self.source} holds {len(self.vectors):,} vectors and there are {len(ids):,} ids: give one a line."
            )
        return replace(self, ids=tuple(ids))


def read_vector_table(path: Path) -> VectorTable:
    """Read a file of vectors by the ending of its name; raises `ModelError` naming file, row or id, and the fix.

    Nothing is unpickled. Rows with NaN, infinity or nothing but zeros are refused: they have no direction.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ModelError(f"{path.name} is no file of vectors that is read here: give {', '.join(_READERS)}.")
    if not path.is_file():
        raise ModelError(f"There is no file {str(path)!r}: give a path to vectors ({', '.join(_READERS)}).")
    try:
        table = reader(path)
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, BadZipFile, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path.name} cannot be read as vectors ({reason}): export it again.") from error
    return _checked(table)


def read_ids(path: Path) -> tuple[str, ...]:
    """Ids of a text file, one a line; raises `ModelError` if it cannot be read or names one twice."""
    try:
        ids = tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}): give a text file with an id a line.") from error
    return ids


def _checked(table: VectorTable) -> VectorTable:
    vectors, name = table.vectors, table.source
    if vectors.ndim != 2 or not vectors.size:
        raise ModelError(f"{name} holds an array of shape {vectors.shape}: (n, d) is needed, a vector a row.")
    label = [f"row {row + 1}" for row in range(len(vectors))] if table.ids is None else [f"id {i!r}" for i in table.ids]
    for what, bad in (
        ("NaN or infinity", ~np.isfinite(vectors).all(axis=1)),
        ("nothing but zeros, which has no direction", ~vectors.any(axis=1)),
    ):
        rows = np.flatnonzero(bad)
        if len(rows):
            raise ModelError(
                f"{name}: {len(rows):,} of {len(vectors):,} vectors hold {what} (first: {label[rows[0]]}). "
                "Embed those texts again, or leave them out of documents and vectors."
            )
    return table


def _read_npy(path: Path) -> VectorTable:
    return VectorTable(path.name, _as_matrix(np.load(path, allow_pickle=False)))


def _read_npz(path: Path) -> VectorTable:
    with np.load(path, allow_pickle=False) as arrays:
        names = arrays.files
        vectors = _named(names, _VECTOR_NAMES) or next((name for name in names if arrays[name].ndim == 2), "")
        if not vectors:
            raise ModelError(f"{path.name} has no array of shape (n, d) among {', '.join(names)}: name it `vectors`.")
        ids = _named(names, _ID_NAMES)
        listed = tuple(str(value) for value in arrays[ids].tolist()) if ids else None
        return _with_ids(VectorTable(path.name, _as_matrix(arrays[vectors])), listed)


def _read_parquet(path: Path) -> VectorTable:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    vectors, ids = _named(names, _VECTOR_NAMES), _named(names, _ID_NAMES)
    if not vectors:
        raise _no_vectors(path, names)
    table = file.read(columns=[vectors, *([ids] if ids else [])])
    listed = tuple(str(value) for value in table.column(ids).to_pylist()) if ids else None
    rows = table.column(vectors).combine_chunks()
    if rows.null_count:
        raise ModelError(f"{path.name}: {rows.null_count:,} rows have no {vectors}: embed those texts, or drop them.")
    return _with_ids(VectorTable(path.name, _stack(path, rows.to_numpy(zero_copy_only=False))), listed)


def _read_json(path: Path) -> VectorTable:
    """JSON Lines, or one JSON value: a list of objects, or what Qdrant's scroll answers (`result.points`)."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        raw = json.loads(text)
        points = _points(raw)
    except ValueError:
        points = [_json_line(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = [_point(path, number, point) for number, point in enumerate(points, 1)]
    ids = tuple(name for name, _ in rows)
    return _with_ids(VectorTable(path.name, _stack(path, [vector for _, vector in rows])), ids if any(ids) else None)


def _points(raw: object) -> list[object]:
    while isinstance(raw, dict) and (inner := next((raw[k] for k in ("result", "points", "data") if k in raw), None)):
        raw = inner
    return raw if isinstance(raw, list) else [raw]


def _json_line(path: Path, number: int, line: str) -> object:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ModelError(f"{path.name}, line {number}: not JSON ({error}).") from error


def _point(path: Path, number: int, point: object) -> tuple[str, list[object]]:
    """Id and vector of one object; the payload's own id goes before the number that a database gave the point."""
    if not isinstance(point, Mapping):
        raise ModelError(f"{path.name}, row {number}: an object with id and vector is needed.")
    key = _named(point, _VECTOR_NAMES)
    vector = point.get(key)
    if isinstance(vector, Mapping):
        if len(vector) != 1:
            names = ", ".join(map(repr, vector)) or "none"
            raise ModelError(f"{path.name}, row {number}: it has the vectors {names}: export one of them alone.")
        (vector,) = vector.values()
    if not isinstance(vector, list):
        raise _no_vectors(path, point, f", row {number}")
    payload: Mapping[str, object] = next(
        (point[k] for k in ("payload", "metadata") if isinstance(point.get(k), Mapping)), {}
    )
    source = payload if _named(payload, _ID_NAMES) else point
    name = _named(source, _ID_NAMES)
    return (str(source[name]) if name else ""), vector


def _read_csv(path: Path) -> VectorTable:
    """What `COPY ... TO` of PostgreSQL writes of a pgvector column: CSV or tabs, with a header or without."""
    import pandas as pd

    separator = "," if path.suffix.lower() == ".csv" else "\t"
    frame = pd.read_csv(path, sep=separator, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    column = next((c for c in frame.columns if str(frame[c].iloc[-1]).startswith("[")), None)
    if column is None:
        raise _no_vectors(path, [str(value) for value in frame.iloc[0]])
    has_header = not str(frame[column].iloc[0]).startswith("[")
    names = [str(value) for value in frame.iloc[0]] if has_header else []
    body = frame.iloc[1:] if has_header else frame
    others = [c for c in frame.columns if c != column]
    ids = names.index(_named(names, _ID_NAMES)) if _named(names, _ID_NAMES) else (others[0] if others else None)
    rows: list[Any] = [_json_line(path, number, text) for number, text in enumerate(body[column], 1 + has_header)]
    listed = None if ids is None else tuple(str(value) for value in body[ids])
    return _with_ids(VectorTable(path.name, _stack(path, rows)), listed)


def _read_faiss(path: Path) -> VectorTable:
    import faiss

    whole: Any = faiss.read_index(str(path))
    index = whole
    ids = None
    if isinstance(index, (faiss.IndexIDMap, faiss.IndexIDMap2)):
        ids = tuple(str(value) for value in faiss.vector_to_array(index.id_map).tolist())
        index = faiss.downcast_index(whole.index)  # `whole` owns it: it must not go first.
    if hasattr(index, "make_direct_map"):
        index.make_direct_map()
    return _with_ids(VectorTable(path.name, index.reconstruct_n(0, index.ntotal)), ids)


def _with_ids(table: VectorTable, ids: tuple[str, ...] | None) -> VectorTable:
    return table if ids is None else table.with_ids(ids)


def _named(names: Iterable[str], wanted: Sequence[str]) -> str:
    """The first of `wanted` that is among `names`, whatever its capitals; "" if none is."""
    folded = {name.casefold(): name for name in names}
    return next((folded[name] for name in wanted if name in folded), "")


def _no_vectors(path: Path, names: Iterable[str], where: str = "") -> ModelError:
    listed = ", ".join(map(repr, list(names)[:8]))
    return ModelError(f"{path.name}{where}: no column of vectors among {listed}: call it `vector` or `embedding`.")


def _stack(path: Path, rows: Iterable[Any]) -> FloatMatrix:
    """`(n, d)` float32 out of lists; raises `ModelError` naming the first row of another length."""
    rows = list(rows)
    length = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, 1):
        if len(row) != length:
            raise ModelError(f"{path.name}, row {number}: {len(row)} numbers, and the first row has {length}.")
    return _as_matrix(np.asarray([np.asarray(row, dtype=np.float64) for row in rows]))


def _as_matrix(values: object) -> FloatMatrix:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ModelError(f"An array of type {array.dtype} holds no vectors: save numbers (float32 or float16).")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


_READERS: dict[str, Callable[[Path], VectorTable]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
    ".jsonl": _read_json,
    ".ndjson": _read_json,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".faiss": _read_faiss,
    ".index": _read_faiss,
}
