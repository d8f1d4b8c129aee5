"""sqlite-vec: a virtual table over the prefix, the long rows beside it, re-ranking in SQL.

Needs: pip install sqlite-vec.

SQLITE_PATH names the file. A Python whose sqlite3 loads no extensions needs pip install pysqlite3-binary too.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import numpy as np
import sqlite_vec
from prepare import full, head

if not hasattr(sqlite3.Connection, "enable_load_extension"):
    from pysqlite3 import dbapi2 as sqlite3

PRECISION, DIM, RESCORE_DIM, SHORTLIST = "float32", 64, 0, 40  # setting: dim and search

COLUMN = {
    "float32": f"head float[{DIM}] distance_metric=cosine",
    "int8": f"head int8[{DIM}] distance_metric=cosine",
    "binary": f"head bit[{DIM}]",
}[PRECISION]
CODED = {"float32": "?", "int8": "vec_quantize_int8(?, 'unit')", "binary": "vec_quantize_binary(?)"}[PRECISION]
CREATE = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS heads USING vec0({COLUMN});
CREATE TABLE IF NOT EXISTS documents (row integer PRIMARY KEY, id text NOT NULL UNIQUE, long blob);
"""
ONE_STAGE = f"""
SELECT documents.id, heads.distance FROM heads JOIN documents ON documents.row = heads.rowid
WHERE heads.head MATCH {CODED} AND heads.k = ? ORDER BY heads.distance;
"""
TWO_STAGES = f"""
WITH shortlist AS (SELECT rowid FROM heads WHERE head MATCH {CODED} AND k = ?)
SELECT id, vec_distance_cosine(long, ?) AS distance FROM documents WHERE row IN (SELECT rowid FROM shortlist)
ORDER BY distance LIMIT ?;
"""


def connect() -> sqlite3.Connection:
    """A connection with the extension loaded and the tables made."""
    connection = sqlite3.connect(os.environ.get("SQLITE_PATH", "vectors.db"))
    connection.enable_load_extension(True)
    sqlite_vec.load(connection)
    connection.enable_load_extension(False)
    connection.executescript(CREATE)
    return connection


def load(connection: sqlite3.Connection, ids: list[str], vectors: np.ndarray) -> None:
    """Insert full-length vectors `(n, FULL_DIM)` in one transaction."""
    first, second = head(vectors), full(vectors) if RESCORE_DIM else None
    with connection:
        for row, name in enumerate(ids):
            long = None if second is None else second[row].tobytes()
            connection.execute("INSERT INTO documents (row, id, long) VALUES (?, ?, ?)", (row, name, long))
            connection.execute(f"INSERT INTO heads (rowid, head) VALUES (?, {CODED})", (row, first[row].tobytes()))


def search(connection: sqlite3.Connection, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their scores, best first."""
    query = head(vector)[0].tobytes()
    if RESCORE_DIM:
        rows = connection.execute(TWO_STAGES, (query, max(k, SHORTLIST), full(vector)[0].tobytes(), k))
    else:
        rows = connection.execute(ONE_STAGE, (query, k))
    scale = 2 / DIM if PRECISION == "binary" and not RESCORE_DIM else 1
    return [(name, 1 - scale * float(distance)) for name, distance in rows]


if __name__ == "__main__":  # python sqlite_vec_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
