"""Cutting vectors: truncate, then re-normalise. The compiled search has its own (`kernels.quantise_query`)."""

from __future__ import annotations

import numpy as np

from mrl_demo.core.errors import InvalidDimensionError
from mrl_demo.core.types import FloatMatrix


def check_dimension(dim: object, full: int) -> int:
    """Return `dim` as an int from 1 to `full`; raises `InvalidDimensionError` that names the allowed range."""
    try:
        value = int(dim)  # type: ignore[call-overload]
        whole = value == float(dim)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        value, whole = 0, False
    if not whole or isinstance(dim, bool) or not 1 <= value <= full:
        raise InvalidDimensionError(f"Dimension {dim!r} is not possible here: choose a whole number from 1 to {full}.")
    return value


def normalise(vectors: FloatMatrix) -> FloatMatrix:
    """Scale the rows of `(n, d)` to unit length as float32; a zero row stays zero instead of becoming NaN."""
    rows: FloatMatrix = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), dtype=np.float32)


def truncate(vectors: FloatMatrix, dim: object) -> FloatMatrix:
    """Cut the rows of `(n, d)` to their first `dim` numbers and re-normalise them.

    Returns `(n, dim)` float32 unit rows (zero rows stay zero). Raises `InvalidDimensionError`. The order matters:
    cutting after normalising leaves rows of norm 0.4 or so, and dot products that are no cosines (arXiv 2205.13147,
    section 3).
    """
    length = check_dimension(dim, np.shape(vectors)[-1])
    return normalise(np.asarray(vectors)[..., :length])
