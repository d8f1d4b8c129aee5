"""Qdrant: named vectors of both lengths, and a nested prefetch that re-ranks on the server.

Needs: pip install qdrant-client.

The limit of the prefetch holds for every shard. QDRANT_URL names the server (or a local folder's path).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from prepare import full, head
from qdrant_client import QdrantClient, models

PRECISION, DIM, RESCORE_DIM, SHORTLIST = "float32", 64, 0, 40  # setting: dim and search
COLLECTION = "documents"


def schema() -> dict[str, models.VectorParams]:
    """Named vectors: "head" in memory, "full" on disk for the second stage."""
    quantised = {
        "int8": models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        ),
        "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
    }
    first = models.VectorParams(
        size=DIM,
        distance=models.Distance.COSINE,
        datatype=models.Datatype.FLOAT16 if PRECISION == "float16" else models.Datatype.FLOAT32,
        quantization_config=quantised.get(PRECISION),
        on_disk=PRECISION in quantised,  # The codes stay in memory, the float32 numbers need not.
    )
    second = models.VectorParams(size=RESCORE_DIM or DIM, distance=models.Distance.COSINE, on_disk=True)
    return {"head": first, "full": second} if RESCORE_DIM else {"head": first}


def connect() -> QdrantClient:
    """A client with the collection made."""
    where = os.environ.get("QDRANT_URL", "http://localhost:6333")
    client = QdrantClient(url=where) if "://" in where else QdrantClient(path=where)
    if not client.collection_exists(COLLECTION):
        client.create_collection(COLLECTION, vectors_config=schema())
    return client


def load(client: QdrantClient, ids: list[str], vectors: np.ndarray) -> None:
    """Upload full-length vectors `(n, FULL_DIM)` in batches."""
    named = {"head": head(vectors)} | ({"full": full(vectors)} if RESCORE_DIM else {})
    points = (
        models.PointStruct(
            id=row, payload={"id": name}, vector={key: rows[row].tolist() for key, rows in named.items()}
        )
        for row, name in enumerate(ids)
    )
    client.upload_points(COLLECTION, points, batch_size=256)


def search(client: QdrantClient, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their cosines, best first."""
    first = head(vector)[0].tolist()
    if not RESCORE_DIM:
        answer = client.query_points(COLLECTION, query=first, using="head", limit=k)
    else:
        shortlist = models.Prefetch(query=first, using="head", limit=max(k, SHORTLIST))
        answer = client.query_points(
            COLLECTION, prefetch=shortlist, query=full(vector)[0].tolist(), using="full", limit=k
        )
    return [((point.payload or {})["id"], point.score) for point in answer.points]


if __name__ == "__main__":  # QDRANT_URL=http://... python qdrant_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
