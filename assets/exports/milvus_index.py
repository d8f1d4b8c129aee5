"""Milvus: the vector in two fields, head and tail, so that no number is stored twice.

Needs: pip install pymilvus.

The head is searched by cosine; full cosines of the shortlist are the two parts' dot products added up. MILVUS_ADDRESS
names the server, or a file for Milvus Lite (pip install milvus-lite).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from prepare import full, head
from pymilvus import DataType, MilvusClient

PRECISION, DIM, RESCORE_DIM, SHORTLIST = "float32", 64, 0, 40  # setting: dim and search
COLLECTION = "documents"
TAIL = max(0, RESCORE_DIM - DIM)
KIND = DataType.FLOAT16_VECTOR if PRECISION == "float16" and not RESCORE_DIM else DataType.FLOAT_VECTOR


def connect() -> MilvusClient:
    """A client with the collection and its index made."""
    client = MilvusClient(os.environ.get("MILVUS_ADDRESS", "http://localhost:19530"))
    if client.has_collection(COLLECTION):
        return client
    schema = client.create_schema(auto_id=False)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("id", DataType.VARCHAR, max_length=512)
    schema.add_field("head", KIND, dim=DIM)
    index = client.prepare_index_params()
    index.add_index("head", index_type="FLAT", metric_type="COSINE")  # "HNSW" on a server with millions.
    if TAIL:
        schema.add_field("tail", DataType.FLOAT_VECTOR, dim=TAIL)
        index.add_index("tail", index_type="FLAT", metric_type="IP")  # Milvus wants one; it is never searched.
    client.create_collection(COLLECTION, schema=schema, index_params=index)
    return client


def load(client: MilvusClient, ids: list[str], vectors: np.ndarray) -> None:
    """Insert full-length vectors `(n, FULL_DIM)` in batches; the head is not re-normalised: COSINE does that."""
    rows = full(vectors) if RESCORE_DIM else head(vectors)
    for start in range(0, len(ids), 1_000):
        part = rows[start : start + 1_000]
        data = [
            {
                "row": start + at,
                "id": ids[start + at],
                "head": _sent(row[:DIM]),
                **({"tail": row[DIM:].tolist()} if TAIL else {}),
            }
            for at, row in enumerate(part)
        ]
        client.insert(COLLECTION, data)


def search(client: MilvusClient, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their cosines, best first."""
    query = (full(vector) if RESCORE_DIM else head(vector))[0]
    fields = ["id", "head", "tail"] if TAIL else ["id"]
    limit = max(k, SHORTLIST) if TAIL else k
    found = client.search(COLLECTION, data=[_sent(query[:DIM])], anns_field="head", limit=limit, output_fields=fields)[
        0
    ]
    scores = [hit["distance"] for hit in found]
    if TAIL:
        scores = [float(np.dot(np.concatenate([hit["entity"]["head"], hit["entity"]["tail"]]), query)) for hit in found]
    order = np.argsort(-np.asarray(scores), kind="stable")[:k]
    return [(found[at]["entity"]["id"], float(scores[at])) for at in order]


def _sent(row: np.ndarray) -> object:
    return row.astype(np.float16) if KIND == DataType.FLOAT16_VECTOR else row.tolist()


if __name__ == "__main__":  # MILVUS_ADDRESS=... python milvus_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
