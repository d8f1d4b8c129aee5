"""Full-length vectors into what the index holds: rotate (if there is a rotation), cut, re-normalise, in that order.

Needs numpy only. Documents and queries go through the same functions. Vectors are `(n, FULL_DIM)` as the model gives
them; what comes back are float32 unit rows, so that a dot product is a cosine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

MODEL, REVISION, QUERY_PROMPT, DOCUMENT_PROMPT = "", "", "", ""  # setting: model
FULL_DIM, DIM, RESCORE_DIM = 384, 64, 0  # setting: dims
ROTATION_SHA256 = ""  # setting: rotation
LAYER_NORM = False  # setting: layer norm


def rotation() -> np.ndarray | None:
    """The matrix beside this file, or None if the setting has none; refuses any other than the one exported."""
    if not ROTATION_SHA256:
        return None
    path = Path(__file__).with_name("rotation.npy")
    matrix = np.ascontiguousarray(np.load(path, allow_pickle=False), dtype=np.float32)
    if hashlib.sha256(matrix.tobytes()).hexdigest() != ROTATION_SHA256:
        raise ValueError(
            f"{path} is not the rotation this index was made with: copy the one that was exported with it."
        )
    return matrix


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)


def rotated(vectors: np.ndarray) -> np.ndarray:
    """`(n, FULL_DIM)` unit rows in the order of numbers that is cut."""
    rows = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    if rows.shape[1] != FULL_DIM:
        raise ValueError(f"Vectors of {rows.shape[1]} numbers are not this model's: it gives {FULL_DIM}.")
    if not np.isfinite(rows).all():
        raise ValueError("Some vectors hold NaN or infinity: encode them again.")
    if LAYER_NORM:  # What this model wants before the cut; without parameters.
        rows = (rows - rows.mean(axis=1, keepdims=True)) / np.sqrt(rows.var(axis=1, keepdims=True) + 1e-5)
    matrix = rotation()
    return unit(rows if matrix is None else rows @ matrix)


def head(vectors: np.ndarray) -> np.ndarray:
    """`(n, DIM)` unit rows: what the first stage searches."""
    return unit(rotated(vectors)[:, :DIM])


def full(vectors: np.ndarray) -> np.ndarray:
    """`(n, RESCORE_DIM)` unit rows: what the second stage compares."""
    return unit(rotated(vectors)[:, :RESCORE_DIM])
