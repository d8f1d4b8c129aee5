"""Coarse before fine: what lies together in the first numbers has one coarse label, in the next ones one label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.adapt.hierarchical import LEVEL_ENDS
from mrl_demo.core.types import IntMatrix
from training.fit.likely import MASKED

_TEMPERATURE = 0.1
_SEPARATOR = "/"


def label_levels(labels: Sequence[str]) -> IntMatrix:
    """Classes `(levels, n)` int64 of labels that may be paths, the coarsest first; -1 for rows without a label.

    Paths make two levels, their first part and the whole; labels that are none make one.

    >>> label_levels(["a/x", "a/y", "b/z", ""]).tolist(), label_levels(["x", "x", ""]).tolist()
    ([[0, 0, 1, -1], [0, 1, 2, -1]], [[0, 0, -1]])
    """
    parts = [[label.partition(_SEPARATOR)[0].strip() for label in labels], list(labels)]
    levels = parts if len(set(parts[0])) < len(set(parts[1])) else parts[1:]
    return np.stack([_classes(level) for level in levels])


def _classes(labels: Sequence[str]) -> IntMatrix:
    place = {label: number for number, label in enumerate(sorted(set(labels) - {""}))}
    return np.array([place.get(label, -1) for label in labels], dtype=np.int64)


def level_at(dim: int, levels: int) -> int | None:
    """Which of so many levels a prefix of `dim` numbers is to tell apart, None for longer ones: they tell passages.

    >>> [level_at(dim, 2) for dim in (4, 8, 16, 32, 64)], [level_at(dim, 1) for dim in (8, 64)]
    ([0, 0, 1, 1, None], [0, None])
    """
    ends = LEVEL_ENDS[-levels:]
    return next((level for level, end in enumerate(ends) if dim <= end), None)


def together_by_class(rows: Tensor, classes: Tensor) -> Tensor:
    """Supervised contrastive loss (arXiv 2004.11362, L_out) of `(n, d)` rows and their classes `(n,)`, -1 for none.

    0 if no two rows share a class.

    >>> near = functional.normalize(torch.tensor([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [0.1, 1.0]]), dim=1)
    >>> kept, mixed = (float(together_by_class(near, torch.tensor(each))) for each in ([0, 0, 1, 1], [0, 1, 0, 1]))
    >>> kept < 0.01, mixed > 5
    (True, True)
    """
    unit = functional.normalize(rows.float(), dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    shares = (unit @ unit.T / _TEMPERATURE).masked_fill(itself, MASKED).log_softmax(1)
    alike = (classes[:, None] == classes[None]) & (classes >= 0)[:, None] & ~itself
    counts = alike.sum(1)
    kept = counts > 0
    if not kept.any():
        return rows.sum() * 0.0
    means = shares.masked_fill(~alike, 0.0).sum(1)[kept] / counts[kept]
    return -means.mean()
