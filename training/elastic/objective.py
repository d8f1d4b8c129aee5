"""What every layer is taught at every length: the last layer's vectors, and the neighbours they have in full."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def elastic_losses(vectors: Tensor, wanted: Tensor, prefixes: Sequence[int], temperature: float) -> Tensor:
    """Two distances of one layer from the teacher at each prefix, added: of vectors, and of neighbourhoods.

    `vectors` are `(n, d)`, `wanted` is `(n, d)` unit rows of the teacher; gives `(len(prefixes),)`. The first distance
    is 1 - cosine of the vectors cut to the prefix; the second the KL divergence (nats) of the softmax over cosines
    within the batch at the prefix from that of the teacher in full, no row its own neighbour.

    >>> rows = functional.normalize(torch.tensor([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]]), dim=1)
    >>> abs(float(elastic_losses(rows, rows, (2,), 0.1)[0])) < 1e-5  # Nothing to learn.
    True
    """
    itself = torch.eye(len(wanted), dtype=torch.bool, device=wanted.device)
    neighbours = _log_shares(wanted, itself, temperature)
    losses = []
    for prefix in prefixes:
        target = functional.normalize(wanted[:, :prefix], dim=1)
        cut = functional.normalize(vectors[:, :prefix], dim=1)
        shares = _log_shares(cut, itself, temperature)
        distance = functional.kl_div(shares, neighbours, log_target=True, reduction="batchmean")
        losses.append(distance + (1 - (cut * target).sum(1)).mean())
    return torch.stack(losses)


def _log_shares(rows: Tensor, itself: Tensor, temperature: float) -> Tensor:
    return (rows @ rows.T / temperature).masked_fill(itself, -1e4).log_softmax(1)
