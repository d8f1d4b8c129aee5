"""LanceDB: both lengths as columns of one table; the shortlist is re-ranked here.

Needs: pip install lancedb.

LANCEDB_URI names the folder (or a bucket).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from prepare import full, head

PRECISION, DIM, RESCORE_DIM, SHORTLIST = "float32", 64, 0, 40  # setting: dim and search
TABLE = "documents"
NUMBER = pa.float16() if PRECISION == "float16" else pa.float32()
FIELDS = [pa.field("id", pa.string()), pa.field("head", pa.list_(NUMBER, DIM))]
FIELDS += [pa.field("full", pa.list_(pa.float32(), RESCORE_DIM))] if RESCORE_DIM else []


def connect() -> Any:
    """The table, made if it is not there."""
    database = lancedb.connect(os.environ.get("LANCEDB_URI", "lancedb"))
    return database.create_table(TABLE, schema=pa.schema(FIELDS), exist_ok=True)


def load(table: Any, ids: list[str], vectors: np.ndarray) -> None:
    """Add full-length vectors `(n, FULL_DIM)`. For millions: table.create_index(metric="cosine", vector_column_name="head")."""
    first = head(vectors).astype(NUMBER.to_pandas_dtype())
    columns = [pa.array(ids), pa.FixedSizeListArray.from_arrays(pa.array(first.ravel()), DIM)]
    if RESCORE_DIM:
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(full(vectors).ravel()), RESCORE_DIM))
    table.add(pa.Table.from_arrays(columns, schema=pa.schema(FIELDS)))


def search(table: Any, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their cosines, best first."""
    limit = max(k, SHORTLIST) if RESCORE_DIM else k
    wanted = ["id", "full", "_distance"] if RESCORE_DIM else ["id", "_distance"]
    query = table.search(head(vector)[0], vector_column_name="head").distance_type("cosine")
    rows = query.limit(limit).select(wanted).to_list()
    scores = [1 - row["_distance"] for row in rows]
    if RESCORE_DIM:
        second = full(vector)[0]
        scores = [float(np.dot(row["full"], second)) for row in rows]
    order = np.argsort(-np.asarray(scores), kind="stable")[:k]
    return [(rows[at]["id"], float(scores[at])) for at in order]


if __name__ == "__main__":  # python lancedb_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
