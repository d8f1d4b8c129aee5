"""Exact search in plain numpy: one copy in memory, and the float32 rows of the second stage, if any, on disk."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prepare import full, head

PRECISION, RESCORE_DIM, SHORTLIST = "float32", 0, 40  # setting: search


@dataclass
class Index:
    """What `load` fills: ids, codes of the first stage, the scale of int8, and the rows of the second stage."""

    ids: list[str]
    codes: np.ndarray
    low: np.ndarray
    step: np.ndarray
    rows: np.ndarray


def connect() -> Index:
    """An empty index."""
    nothing = np.empty((0, 0), np.float32)
    return Index([], nothing, nothing, nothing, nothing)


def load(index: Index, ids: list[str], vectors: np.ndarray) -> None:
    """Fill the index with full-length vectors `(n, FULL_DIM)`."""
    cut = head(vectors)
    index.ids, index.codes = list(ids), cut
    if PRECISION == "float16":
        index.codes = cut.astype(np.float16)
    elif PRECISION == "int8":  # One range a dimension, over all documents; a query's own range would be wrong.
        index.low, high = cut.min(axis=0), cut.max(axis=0)
        index.step = np.where(high > index.low, (high - index.low) / 255, 1).astype(np.float32)
        index.codes = np.clip(np.floor((cut - index.low) / index.step), 0, 255).astype(np.uint8)
    elif PRECISION == "binary":
        index.codes = np.packbits(cut > 0, axis=1)
    if RESCORE_DIM:
        index.rows = full(vectors)  # Keep it as a file and open it with np.load(..., mmap_mode="r") if it is large.


def search(index: Index, vector: np.ndarray, k: int = 10) -> list[tuple[str, float]]:
    """The best `k` documents of one full-length query vector, with their scores, best first."""
    query = head(vector)[0]
    if PRECISION == "binary":
        differing = np.bitwise_count(index.codes ^ np.packbits(query > 0)).sum(axis=1)
        scores = 1 - 2 * differing / len(query)
    elif PRECISION == "int8":
        scores = (index.low + (index.codes.astype(np.float32) + 0.5) * index.step) @ query
    else:
        scores = index.codes.astype(np.float32) @ query
    best = np.argsort(-scores, kind="stable")[: max(k, SHORTLIST) if RESCORE_DIM else k]
    if RESCORE_DIM:
        scores = scores.astype(np.float32)
        scores[best] = index.rows[best] @ full(vector)[0]
        best = best[np.argsort(-scores[best], kind="stable")][:k]
    return [(index.ids[row], float(scores[row])) for row in best]


if __name__ == "__main__":  # python numpy_index.py documents.npy ids.txt
    documents = np.load(sys.argv[1], allow_pickle=False)
    names = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    handle = connect()
    load(handle, names, documents)
    print(*search(handle, documents[0]), sep="\n")
