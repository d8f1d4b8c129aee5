"""The rotation in front of the fine-tune: axes learnt on the base model's vectors of the pairs, in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from training.broad.objective import Batch, Levers, batch_loss

_RATE, _ORTHOGONALITY = 2e-3, 1.0


def fit_rotation(
    draw: Callable[[int], tuple[Tensor, int]], sample: Tensor, levers: Levers, steps: int
) -> Tensor:
    """An orthogonal `(d, d)` float32 matrix under which prefixes of the base's vectors do what `levers` ask.

    Starts from the principal axes of `sample` `(n, d)`; `draw(step)` gives unit rows (queries, answers, further texts)
    and how many of them are queries. The nearest orthogonal matrix is returned, so full-length cosines stay exact.
    """
    matrix = torch.linalg.eigh(sample.T @ sample / len(sample))[1].flip(1).contiguous().requires_grad_(True)
    identity = torch.eye(len(matrix), device=matrix.device)
    optimiser = torch.optim.Adam([matrix], lr=_RATE)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = _RATE * (1 + math.cos(math.pi * step / steps)) / 2
        rows, n = draw(step)
        loss = batch_loss(Batch(rows @ matrix, rows, n), levers)
        loss = loss + _ORTHOGONALITY * (matrix.T @ matrix - identity).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    left, _, right = torch.linalg.svd(matrix.detach())
    return left @ right
