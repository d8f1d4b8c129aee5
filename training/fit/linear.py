"""A linear map trained on the base model's vectors of the pairs, from the rotation on: seconds, and worth many steps.

A rotation cannot lift the full length, whose cosines it leaves as they are. A free map can: it weighs the axes on which
the pairs differ. What it costs text of others is held down by distilling the base model's neighbours of such text and
by staying near the base model's own vectors of it (LEAF, arXiv 2509.12539).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.core.types import FloatMatrix, Progress
from training.config import ObjectiveConfig
from training.fit.likely import likely_answers
from training.fit.losses import neighbour_divergence
from training.fit.start import contrastive_over

_BATCH, _RATE = 256, 2e-3


@dataclass(frozen=True)
class PairVectors:
    """The base model's unit rows `(n, d)` of the pairs, their hard negatives (if any), and of `broad` text `(k, d)`."""

    queries: FloatMatrix
    positives: FloatMatrix
    negatives: FloatMatrix
    broad: FloatMatrix


def fit_map(
    rotation: FloatMatrix,
    vectors: PairVectors,
    objective: ObjectiveConfig,
    steps: int,
    seed: int,
    progress: Progress | None = None,
) -> FloatMatrix:
    """A `(d, d)` float32 matrix, `x -> x @ matrix`, trained from `rotation` by `objective` in `steps` of Adam."""
    start = torch.from_numpy(rotation)
    matrix = start.clone().requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam([matrix], lr=_RATE)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = _RATE * (1 + math.cos(math.pi * step / steps)) / 2
        loss = _pairs_loss(matrix, vectors, objective, generator) + _broad_loss(
            matrix, start, vectors, objective, generator
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if progress and step % 10 == 0:
            progress(step / steps, f"Learning a map of the base model's vectors: step {step} of {steps}")
    return matrix.detach().numpy()


def _pairs_loss(matrix: Tensor, vectors: PairVectors, objective: ObjectiveConfig, generator: torch.Generator) -> Tensor:
    rows = torch.randperm(len(vectors.queries), generator=generator)[:_BATCH]
    queries, positives = torch.from_numpy(vectors.queries)[rows], torch.from_numpy(vectors.positives)[rows]
    negatives = torch.from_numpy(vectors.negatives)[rows] if len(vectors.negatives) else positives[:0]
    unwanted = None
    if objective.spare_likely:
        unwanted = functional.pad(likely_answers(queries, positives), (0, len(negatives)))
    candidates = torch.cat([positives @ matrix, negatives @ matrix])
    return contrastive_over(queries @ matrix, candidates, torch.arange(len(rows)), objective.prefix_shares, unwanted)


def _broad_loss(
    matrix: Tensor, start: Tensor, vectors: PairVectors, objective: ObjectiveConfig, generator: torch.Generator
) -> Tensor:
    """Neighbours at every prefix, as much again at full length, and the distance from the rotated vectors."""
    rows = torch.randperm(len(vectors.broad), generator=generator)[:_BATCH]
    texts = torch.from_numpy(vectors.broad)[rows]
    turned, temperature = texts @ matrix, objective.distillation_temperature
    loss = neighbour_divergence(turned, texts, temperature)
    for dim, share in objective.prefix_shares:
        loss = loss + share * neighbour_divergence(turned[:, :dim], texts, temperature)
    distance = (functional.normalize(turned, dim=1) - texts @ start).square().sum(1).mean()
    return objective.distillation_weight * loss + objective.anchor_weight * distance
