"""The plain reference of every engine, and vectors to search."""

from __future__ import annotations

import numpy as np

from mrl_demo.core.types import FloatMatrix, IntMatrix


def random_vectors(n: int, d: int, seed: int = 0) -> FloatMatrix:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def cosines(vectors: FloatMatrix, query: FloatMatrix, dim: int) -> np.ndarray:
    """Cut, normalise, multiply, in float64; 0 for zero vectors."""
    cut, wanted = vectors[:, :dim].astype(np.float64), query[:dim].astype(np.float64)
    norms = np.linalg.norm(cut, axis=1) * np.linalg.norm(wanted)
    return np.divide(cut @ wanted, norms, out=np.zeros(len(cut)), where=norms > 0)


def nearest(vectors: FloatMatrix, query: FloatMatrix, dim: int, k: int) -> IntMatrix:
    """The `k` nearest documents; cosines that float32 cannot tell apart in document order."""
    exact = cosines(vectors, query, dim).round(6)
    return np.lexsort((np.arange(len(exact)), -exact))[:k]
