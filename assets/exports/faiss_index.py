"""faiss: exhaustive search at the first stage's precision, re-ranked by float32 rows.

Needs: pip install faiss-cpu
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from prepare import DIM, full, head

PRECISION, RESCORE_DIM, SHORTLIST = "float32", 0, 40  # setting: search

FACTORIES = {"float32": "Flat", "float16": "SQfp16", "int8": "SQ8"}  # For millions: "HNSW32,Flat", "IVF1024,SQ8".


@dataclass
class Index:
    """What `load` fills; `first.write` it with `faiss.write_index` (`write_index_binary` for binary)."""

    ids: list[str] = field(default_factory=list)
    first: Any = None
    rows: np.ndarray | None = None


def connect() -> Index:
    """An empty index."""
    return Index()


def load(index: Index, ids: list[str], vectors: np.ndarray) -> None:
    """Fill the index with full-length vectors `(n, FULL_DIM)`."""
    cut = head(vectors)
    index.ids = list(ids)
    if PRECISION == "binary":
        codes = np.packbits(cut > 0, axis=1)  # faiss counts whole bytes: DIM is a multiple of 8 or padded by zeros.
        index.first = faiss.IndexBinaryFlat(8 * codes.shape[1])
        index.first.add(codes)
    else:
        index.first = faiss.index_factory(DIM, FACTORIES[PRECISION], faiss.METRIC_INNER_PRODUCT)
        index.first.train(cut)
        index.first.add(cut)
    if RESCORE_DIM:
        index.rows = full(vectors)


def search(index: Index, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their scores, best first."""
    query = head(vector)
    wanted = min(len(index.ids), max(k, SHORTLIST) if RESCORE_DIM else k)
    if PRECISION == "binary":
        distances, found = index.first.search(np.packbits(query > 0, axis=1), wanted)
        scores = 1 - 2 * distances[0] / DIM
    else:
        similarities, found = index.first.search(query, wanted)
        scores = similarities[0]
    best = found[0]
    if index.rows is not None:
        scores = index.rows[best] @ full(vector)[0]
        order = np.argsort(-scores, kind="stable")[:k]
        best, scores = best[order], scores[order]
    return [(index.ids[row], float(score)) for row, score in zip(best, scores, strict=True)]


if __name__ == "__main__":  # python faiss_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
