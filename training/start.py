"""The rotation a run starts from: axes learnt on the base model's vectors of the training text, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.types import FloatMatrix, Progress
from training.losses import neighbour_divergence

_STEPS = 120
_QUERIES, _TEXTS = 256, 192
_RATE, _TEMPERATURE = 2e-3, 0.05
_DISTILLATION, _ORTHOGONALITY = 0.5, 0.1


@dataclass(frozen=True)
class StartVectors:
    """The base model's unit rows: `queries` `(n, d)`, the `positives` `(m, d)` at their `answers`, texts beside them.

    `searched` `(s, d)` are the documents that will be searched, `broad` `(k, d)` is text of any kind.
    """

    queries: FloatMatrix
    positives: FloatMatrix
    answers: list[int]
    searched: FloatMatrix
    broad: FloatMatrix


def fit_start(
    vectors: StartVectors,
    dims: tuple[int, ...],
    weights: tuple[float, ...],
    seed: int,
    progress: Progress | None = None,
) -> FloatMatrix:
    """A near-orthogonal `(d, d)` float32 matrix, `x -> x @ matrix`, that makes prefixes search well.

    From the principal axes of the searched documents, a few steps of Adam on three things: contrastive loss over the
    pairs, distillation of the neighbours among searched and broad texts, each at every prefix of `dims` with its
    weight, and the distance from orthogonality, which keeps full-dimension cosines.
    """
    generator = torch.Generator().manual_seed(seed)
    matrix = _centred_axes(torch.from_numpy(vectors.searched)).requires_grad_(True)
    optimiser = torch.optim.Adam([matrix], lr=_RATE)
    answers = torch.tensor(vectors.answers)
    shares = tuple(weight / sum(weights) for weight in weights)
    for step in range(_STEPS):
        optimiser.param_groups[0]["lr"] = _RATE * (1 + math.cos(math.pi * step / _STEPS)) / 2
        chosen = torch.randint(len(answers), (min(_QUERIES, len(answers)),), generator=generator)
        texts = torch.cat([_sample(vectors.searched, generator), _sample(vectors.broad, generator)])
        queries = torch.from_numpy(vectors.queries)[chosen]
        loss = _loss(matrix, queries, torch.from_numpy(vectors.positives), answers[chosen], texts, dims, shares)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if progress and step % 10 == 0:
            progress(step / _STEPS, f"Learning the rotation to start from: step {step} of {_STEPS}")
    return matrix.detach().numpy()


def _centred_axes(rows: Tensor) -> Tensor:
    """Principal axes `(d, d)` of unit rows about their mean, largest first, as columns.

    About the mean, unlike the arms' PCA: what all documents share would otherwise take the first, dearest axis.
    """
    centred = rows - rows.mean(dim=0)
    return torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1).contiguous()


def _sample(rows: FloatMatrix, generator: torch.Generator) -> Tensor:
    return torch.from_numpy(rows)[torch.randperm(len(rows), generator=generator)[:_TEXTS]]


def _loss(
    matrix: Tensor,
    queries: Tensor,
    positives: Tensor,
    answers: Tensor,
    texts: Tensor,
    dims: tuple[int, ...],
    shares: tuple[float, ...],
) -> Tensor:
    turned_queries, turned, turned_texts = queries @ matrix, positives @ matrix, texts @ matrix
    loss = _ORTHOGONALITY * (matrix.T @ matrix - torch.eye(len(matrix))).square().sum()
    for dim, share in zip(dims, shares, strict=True):
        cut_queries, cut = (functional.normalize(rows[:, :dim], dim=1) for rows in (turned_queries, turned))
        contrastive = functional.cross_entropy(cut_queries @ cut.T / _TEMPERATURE, answers)
        distilled = neighbour_divergence(turned_texts[:, :dim], texts, _TEMPERATURE)
        loss = loss + share * (contrastive + _DISTILLATION * distilled)
    return loss
