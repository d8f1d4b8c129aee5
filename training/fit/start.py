"""The rotation a run starts from: axes learnt on the base model's vectors of the training text, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.adapt import AdaptSettings, fit_adapted
from mrl_demo.core.types import FloatMatrix, Progress
from training.fit.likely import MASKED
from training.fit.losses import neighbour_divergence

_FIT_STEPS = 200
_STEPS = 120
_FIT_TEXTS, _QUERIES, _TEXTS = 768, 256, 192
#: More of them make a step slower, not better.
_CANDIDATES = 2_560
_RATE, _TEMPERATURE = 2e-3, 0.05
_DISTILLATION, _ORTHOGONALITY = 0.5, 1.0


@dataclass(frozen=True)
class StartVectors:
    """The base model's unit rows: `queries` `(n, d)`, the `positives` `(m, d)` at their `answers`, texts beside them.

    `searched` `(s, d)` are the documents that will be searched, `parts` `(p, d)` their titles and sentences, each of
    the document at `wholes`, and `broad` `(k, d)` is text of any kind.
    """

    queries: FloatMatrix
    positives: FloatMatrix
    answers: list[int]
    searched: FloatMatrix
    parts: FloatMatrix
    wholes: list[int]
    broad: FloatMatrix


def fit_start(
    vectors: StartVectors,
    dims: tuple[int, ...],
    weights: tuple[float, ...],
    seed: int,
    progress: Progress | None = None,
) -> FloatMatrix:
    """A near-orthogonal `(d, d)` float32 matrix, `x -> x @ matrix`, that makes prefixes search well.

    From the rotation fitted to the broad text (`mrl_demo.adapt`), a few steps of Adam on four things: contrastive loss
    over the pairs, the same over titles and sentences that look for their document, distillation of the neighbours
    among searched and broad texts, each at every prefix of `dims` with its weight, and the distance from
    orthogonality, which keeps full-dimension cosines.
    """
    settings = AdaptSettings(steps=_FIT_STEPS, seed=seed, time_limit_s=600, batch_size=_FIT_TEXTS)
    matrix = torch.from_numpy(fit_adapted(vectors.broad, settings, progress).matrix.copy()).requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam([matrix], lr=_RATE)
    prefixes = tuple((dim, weight / sum(weights)) for dim, weight in zip(dims, weights, strict=True))
    for step in range(_STEPS):
        optimiser.param_groups[0]["lr"] = _RATE * (1 + math.cos(math.pi * step / _STEPS)) / 2
        loss = _loss(matrix, vectors, prefixes, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if progress and step % 10 == 0:
            progress(step / _STEPS, f"Learning the rotation to start from: step {step} of {_STEPS}")
    return matrix.detach().numpy()


def _loss(
    matrix: Tensor, vectors: StartVectors, prefixes: tuple[tuple[int, float], ...], generator: torch.Generator
) -> Tensor:
    loss = _ORTHOGONALITY * (matrix.T @ matrix - torch.eye(len(matrix))).square().sum()
    for questions, answers, candidates in (
        (vectors.queries, vectors.answers, vectors.positives),
        (vectors.parts, vectors.wholes, vectors.searched),
    ):
        if len(questions):
            chosen = _some(len(questions), _QUERIES, generator)
            rows, places = _candidates(torch.tensor(answers)[chosen], len(candidates), generator)
            queries, targets = torch.from_numpy(questions)[chosen] @ matrix, torch.from_numpy(candidates)[rows] @ matrix
            loss = loss + contrastive_over(queries, targets, places, prefixes)
    texts = torch.cat(
        [torch.from_numpy(rows)[_some(len(rows), _TEXTS, generator)] for rows in (vectors.searched, vectors.broad)]
    )
    turned = texts @ matrix
    for dim, share in prefixes:
        loss = loss + share * _DISTILLATION * neighbour_divergence(turned[:, :dim], texts, _TEMPERATURE)
    return loss


def _candidates(answers: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows of `count` candidates to choose the answers among, and the answers' places in them; all rows if few."""
    if count <= _CANDIDATES:
        return torch.arange(count), answers
    wanted, places = answers.unique(return_inverse=True)
    others = _some(count, _CANDIDATES, generator)
    return torch.cat([wanted, others[~torch.isin(others, wanted)]]), places


def contrastive_over(
    queries: Tensor,
    candidates: Tensor,
    answers: Tensor,
    prefixes: tuple[tuple[int, float], ...],
    unwanted: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of the right candidate among all but those `unwanted` for a query, over the prefixes."""
    loss = torch.zeros(())
    for dim, share in prefixes:
        cut_queries, cut = (functional.normalize(rows[:, :dim], dim=1) for rows in (queries, candidates))
        scores = cut_queries @ cut.T / _TEMPERATURE
        scores = scores if unwanted is None else scores.masked_fill(unwanted, MASKED)
        loss = loss + share * functional.cross_entropy(scores, answers)
    return loss


def _some(count: int, wanted: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=generator)[:wanted]
