"""The rotation a run starts from: axes learnt on the base model's vectors of the training text, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.adapt import AdaptSettings, fit_adapted
from mrl_demo.types import FloatMatrix, Progress
from training.losses import neighbour_divergence

_FIT_STEPS = 200
_STEPS = 120
_QUERIES, _TEXTS = 256, 384
_RATE, _TEMPERATURE = 1e-3, 0.05
_DISTILLATION, _ORTHOGONALITY = 3.0, 0.3


@dataclass(frozen=True)
class StartVectors:
    """The base model's unit rows: `queries` `(n, d)`, the `positives` `(m, d)` at their `answers`, `broad` `(k, d)`."""

    queries: FloatMatrix
    positives: FloatMatrix
    answers: list[int]
    broad: FloatMatrix


def fit_start(vectors: StartVectors, dims: tuple[int, ...], seed: int, progress: Progress | None = None) -> FloatMatrix:
    """A near-orthogonal `(d, d)` float32 matrix, `x -> x @ matrix`, that makes prefixes search well.

    First the corpus-fitted rotation of the broad text (`mrl_demo.adapt`), then a few steps of Adam on contrastive
    loss over the pairs, distillation of the broad text's neighbours, and the distance from orthogonality, which keeps
    full-dimension cosines.
    """
    settings = AdaptSettings(steps=_FIT_STEPS, seed=seed, time_limit_s=600, batch_size=_TEXTS * 2)
    matrix = torch.from_numpy(fit_adapted(vectors.broad, settings, progress).matrix.copy())
    return _refined(matrix, vectors, dims, seed).numpy()


def _refined(start: Tensor, vectors: StartVectors, dims: tuple[int, ...], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    matrix = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([matrix], lr=_RATE)
    queries, positives = torch.from_numpy(vectors.queries), torch.from_numpy(vectors.positives)
    broad, answers = torch.from_numpy(vectors.broad), torch.tensor(vectors.answers)
    for step in range(_STEPS):
        optimiser.param_groups[0]["lr"] = _RATE * (1 + math.cos(math.pi * step / _STEPS)) / 2
        chosen = torch.randint(len(queries), (min(_QUERIES, len(queries)),), generator=generator)
        texts = broad[torch.randperm(len(broad), generator=generator)[:_TEXTS]]
        loss = _loss(matrix, queries[chosen], positives, answers[chosen], texts, dims)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return matrix.detach()


def _loss(
    matrix: Tensor, queries: Tensor, positives: Tensor, answers: Tensor, texts: Tensor, dims: tuple[int, ...]
) -> Tensor:
    turned_queries, turned, turned_texts = queries @ matrix, positives @ matrix, texts @ matrix
    loss = _ORTHOGONALITY * (matrix.T @ matrix - torch.eye(len(matrix))).square().sum()
    for dim in dims:
        cut_queries, cut = (functional.normalize(rows[:, :dim], dim=1) for rows in (turned_queries, turned))
        contrastive = functional.cross_entropy(cut_queries @ cut.T / _TEMPERATURE, answers)
        distilled = neighbour_divergence(turned_texts[:, :dim], texts, _TEMPERATURE)
        loss = loss + (contrastive + _DISTILLATION * distilled) / len(dims)
    return loss
