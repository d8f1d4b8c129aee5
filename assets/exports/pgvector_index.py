"""PostgreSQL with pgvector 0.8 or newer: one column, an expression index on its prefix, re-ranking in SQL.

The column holds unit rows of RESCORE_DIM numbers (of DIM without a second stage), rotated before; the index sees only
their prefix, and cosine distance re-normalises it. pip install "psycopg[binary]"; DATABASE_URL names the server.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import psycopg
from prepare import full, head

PRECISION, DIM, RESCORE_DIM, SHORTLIST = "float32", 64, 0, 40  # setting: dim and search

KIND = "halfvec" if PRECISION == "float16" else "vector"
PREFIX = f"subvector(embedding, 1, {DIM})::{KIND}({DIM})"
QUERY = f"subvector(%(query)s::vector, 1, {DIM})::{KIND}({DIM})"
if PRECISION == "binary":  # Signs of the prefix, compared by Hamming distance.
    PREFIX, QUERY = (f"binary_quantize({text})::bit({DIM})" for text in (PREFIX, QUERY))
OPERATOR, CLASS = ("<~>", "bit_hamming_ops") if PRECISION == "binary" else ("<=>", f"{KIND}_cosine_ops")
STORED = f"vector({RESCORE_DIM})" if RESCORE_DIM else f"{KIND}({DIM})" if PRECISION == "float16" else f"vector({DIM})"
if PRECISION == "float16" and not RESCORE_DIM:
    PREFIX, QUERY = "embedding", f"%(query)s::{STORED}"

CREATE = f"""
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS documents (row bigint PRIMARY KEY, id text UNIQUE NOT NULL, embedding {STORED} NOT NULL);
"""
INDEX = f"CREATE INDEX IF NOT EXISTS documents_prefix ON documents USING hnsw (({PREFIX}) {CLASS});"
ONE_STAGE = f"SELECT id, 1 - (embedding <=> %(query)s::{STORED}) FROM documents ORDER BY {PREFIX} {OPERATOR} {QUERY} LIMIT %(k)s;"
TWO_STAGES = f"""
SELECT id, 1 - (embedding <=> %(query)s::{STORED}) AS score FROM (
    SELECT id, embedding FROM documents ORDER BY {PREFIX} {OPERATOR} {QUERY} LIMIT %(shortlist)s
) AS shortlist ORDER BY score DESC LIMIT %(k)s;
"""


def connect() -> psycopg.Connection:
    """A connection to the server that DATABASE_URL names, with the table made."""
    connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    connection.execute(CREATE)
    return connection


def load(connection: psycopg.Connection, ids: list[str], vectors: np.ndarray) -> None:
    """Copy full-length vectors `(n, FULL_DIM)` into the table, then build the index."""
    rows = full(vectors) if RESCORE_DIM else head(vectors)
    with connection.cursor() as cursor:
        with cursor.copy("COPY documents (row, id, embedding) FROM STDIN") as copy:
            for number, (name, row) in enumerate(zip(ids, rows, strict=True)):
                copy.write_row((number, name, vector_text(row)))
        cursor.execute(INDEX)


def search(connection: psycopg.Connection, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their cosines, best first."""
    query = vector_text((full(vector) if RESCORE_DIM else head(vector))[0])
    wanted = max(k, SHORTLIST)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL hnsw.ef_search = {min(1_000, 2 * wanted)}")  # More finds more and takes longer.
        values = {"query": query, "k": k, "shortlist": wanted}
        cursor.execute(TWO_STAGES if RESCORE_DIM else ONE_STAGE, values)
        return [(name, float(score)) for name, score in cursor.fetchall()]


def vector_text(row: np.ndarray) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(str, row.tolist())) + "]"


if __name__ == "__main__":  # DATABASE_URL=postgresql://... python pgvector_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
