"""The numbers behind the screens: a text's vector, a dot product as it fills up, a cut pair, energy by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import check_dimension, normalise


@dataclass(frozen=True)
class CutPair:
    """Two vectors `(d,)` cut to `dim`: their cosine, and what dot product and lengths are without re-normalising.

    >>> pair = cut_pair(np.array([0.6, 0.8], np.float32), np.array([0.6, -0.8], np.float32), 1)
    >>> round(pair.cosine, 2), round(pair.raw_dot, 2), round(pair.first_norm, 2)
    (1.0, 0.36, 0.6)
    """

    dim: int
    cosine: float
    raw_dot: float
    first_norm: float
    second_norm: float


def cut_pair(first: FloatMatrix, second: FloatMatrix, dim: object) -> CutPair:
    """Cut two `(d,)` unit vectors to `dim`; raises `InvalidDimensionError`."""
    length = check_dimension(dim, len(first))
    a, b = np.asarray(first)[:length], np.asarray(second)[:length]
    cosine = float(normalise(a[None])[0] @ normalise(b[None])[0])
    return CutPair(length, cosine, float(a @ b), float(np.linalg.norm(a)), float(np.linalg.norm(b)))


def fill_up(first: FloatMatrix, second: FloatMatrix) -> FloatMatrix:
    """The dot product of two `(d,)` vectors after 1, 2, ... d numbers, `(d,)` float32; the last is the whole.

    >>> fill_up(np.array([0.6, 0.8], np.float32), np.array([1.0, 0.5], np.float32)).round(1).tolist()
    [0.6..., 1.0]
    """
    products = np.asarray(first, dtype=np.float64) * np.asarray(second, dtype=np.float64)
    return np.cumsum(products).astype(np.float32)


def energy_shares(vectors: FloatMatrix, dims: tuple[int, ...]) -> tuple[float, ...]:
    """The mean share of `(n, d)` unit rows' squared length that lies in their first `dim` numbers, for every dim.

    Zero rows do not count. With numbers in no order the share of `dim` is `dim / d`.

    >>> energy_shares(np.array([[0.6, 0.8], [1.0, 0.0]], np.float32), (1, 2))
    (0.68, 1.0)
    """
    squares = np.asarray(normalise(vectors), dtype=np.float64) ** 2
    squares = squares[squares.sum(axis=1) > 0]
    sums = np.cumsum(squares.mean(axis=0)) if len(squares) else np.zeros(np.shape(vectors)[1])
    return tuple(round(float(sums[check_dimension(dim, len(sums)) - 1]), 6) for dim in dims)
