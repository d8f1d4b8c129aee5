"""Coarse before fine: a rotation whose first numbers tell apart the domains, the next ones the topics (closed form).

The Matryoshka order that labels ask for: a discriminant analysis a level (Fisher 1936; shrunk as in Ledoit and Wolf
2004), each in what the coarser levels left, and the principal axes of the documents behind them. It is a rotation, so
that full-length cosines stay what they were.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mrl_demo.adapt.rotation import AdaptError, Rotation, principal_axes, usable
from mrl_demo.core.types import FloatMatrix, IntMatrix

#: Part of every cache key: goes up when the recipe's result changes.
HIERARCHICAL_RECIPE = 1
#: Where a level of labels ends, the coarsest first: domains by 8 numbers, topics by 32.
LEVEL_ENDS = (8, 32)
#: How much of the scatter within classes is taken to be the same in every direction.
_SHRINKAGE = 0.85
_FEWEST_CLASSES = 2

Moments = NDArray[np.float64]


def level_ends(levels: int, dimension: int) -> tuple[int, ...]:
    """Where each of so many levels ends in vectors of `dimension` numbers, the last of `LEVEL_ENDS` for a single one.

    >>> level_ends(2, 384), level_ends(1, 384), level_ends(2, 16)
    ((8, 32), (32,), (2, 8))
    """
    ends = LEVEL_ENDS[-levels:]
    most = dimension // 2
    return ends if ends[-1] <= most else tuple(max(1, end * most // ends[-1]) for end in ends)


def fit_hierarchical(vectors: FloatMatrix, levels: Sequence[IntMatrix]) -> Rotation:
    """The rotation for `(n, d)` float32 document vectors and one or two levels of classes, the coarsest first.

    `levels` hold the class of every document `(n,)` int64, -1 for those that teach nothing. Raises `AdaptError` for
    no level or more than two, and for a level with fewer than two classes.
    """
    started = time.perf_counter()
    if not 1 <= len(levels) <= len(LEVEL_ENDS):
        raise AdaptError(f"{len(levels)} levels of labels: give one or two, the coarsest first.")
    rows = usable(vectors)
    if len(rows) != len(vectors):
        raise AdaptError(f"{len(vectors) - len(rows)} vectors are zero: nothing is known of those documents.")
    whole = rows.astype(np.float64)
    axes: Moments = np.empty((rows.shape[1], 0))
    for classes, end in zip(levels, level_ends(len(levels), rows.shape[1]), strict=True):
        rest = _complement(axes)
        axes = np.hstack([axes, rest @ _discriminants(whole @ rest, classes, end - axes.shape[1])])
    rest = _complement(axes)
    turn = principal_axes(torch.from_numpy((whole @ rest).astype(np.float32))).double().numpy()
    matrix = np.hstack([axes, rest @ turn]).astype(np.float32)
    taught = int(np.max([(classes >= 0).sum() for classes in levels]))
    seconds = time.perf_counter() - started
    return Rotation(matrix, "hierarchical", seconds=seconds, documents=len(rows), note=f"{taught} documents taught it")


def _discriminants(rows: Moments, classes: IntMatrix, most: int) -> Moments:
    """At most `most` orthonormal axes `(d, k)` that tell the classes of `(n, d)` rows apart, the best first."""
    from scipy.linalg import eigh

    known = rows[classes >= 0]
    names, members = np.unique(classes[classes >= 0], return_inverse=True)
    if len(names) < _FEWEST_CLASSES:
        raise AdaptError(f"{len(names)} class among {len(known)} documents: labels must tell documents apart.")
    means = np.stack([known[members == place].mean(axis=0) for place in range(len(names))])
    inner = known - means[members]
    within = inner.T @ inner / len(known)
    within = (1 - _SHRINKAGE) * within + _SHRINKAGE * np.eye(len(within)) * np.trace(within) / len(within)
    outer = means[members] - known.mean(axis=0)
    between = outer.T @ outer / len(known)
    count = max(0, min(most, len(names) - 1, rows.shape[1]))
    found = eigh(between, within)[1][:, ::-1][:, :count]
    axes, signs = np.linalg.qr(found)
    return np.asarray(axes * np.sign(np.diag(signs)), dtype=np.float64)


def _complement(axes: Moments) -> Moments:
    """Orthonormal columns `(d, d - k)` of what `(d, k)` orthonormal axes leave."""
    if not axes.shape[1]:
        return np.eye(len(axes))
    left = np.linalg.svd(axes, full_matrices=True)[0]
    return np.asarray(left[:, axes.shape[1] :])
