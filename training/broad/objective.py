"""What every prefix of the vectors is taught: the base model's neighbours, the right answer, and to stay near the base."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_MASKED = -1e9


@dataclass(frozen=True)
class Levers:
    """How much of what is minimised.

    `dims` are the prefixes and `weights` theirs (they are made to sum to 1; one length alone is the control without
    MatryoshkaLoss, arXiv 2205.13147). `distillation` weighs the divergence from the base model's full-length neighbours, with
    `full` as much again on the full length; `contrastive` weighs the cross-entropy of the right answer among the
    batch's, false negatives left out; `anchor` weighs the squared distance to the base's full vector.
    """

    dims: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 384)
    weights: tuple[float, ...] = (0.5, 0.5, 1, 2, 1.5, 1, 0.5)
    distillation: float = 1.0
    contrastive: float = 0.3
    anchor: float = 1.0
    full: float = 1.0
    temperature: float = 0.05
    scale: float = 20.0
    spread: float = 0.0

    @property
    def shares(self) -> tuple[tuple[int, float], ...]:
        """Each prefix with its share of the sum of weights."""
        total = sum(self.weights)
        return tuple((dim, weight / total) for dim, weight in zip(self.dims, self.weights, strict=True))


@dataclass(frozen=True)
class Batch:
    """Vectors of one step: the first `n` rows are queries, the next `n` their answers, then further texts.

    `student` `(m, d)` float32 of any length, `teacher` `(m, d)` unit rows of the base, turned by the same rotation.
    `negatives` `(n, d)` of the student are hard negatives, if there are any. Rows from `taught` on are taught the
    base's neighbours: all of them, or further texts alone (`2 * n`) if pairs are to leave the base behind.
    """

    student: Tensor
    teacher: Tensor
    n: int
    negatives: Tensor | None = None
    taught: int = 0


def batch_loss(batch: Batch, levers: Levers) -> Tensor:
    """The weighted sum of all parts over all prefixes, a scalar."""
    loss = batch.student.new_zeros(())
    if levers.anchor:
        loss = loss + levers.anchor * anchor_distance(batch)
    target = neighbour_target(batch.teacher[batch.taught :], levers.temperature) if levers.distillation else None
    unwanted = false_negatives(batch) if levers.contrastive and batch.n else None
    full = levers.dims[-1]
    for dim, share in levers.shares:
        rows = functional.normalize(batch.student[:, :dim], dim=1)
        if target is not None:
            weight = share + (levers.full if dim == full else 0.0)
            loss = loss + levers.distillation * weight * divergence(rows[batch.taught :], target, levers.temperature)
        if unwanted is not None:
            loss = loss + levers.contrastive * share * answer_loss(rows, batch, dim, unwanted, levers.scale)
        if levers.spread:
            loss = loss + levers.spread * share * spread_penalty(rows)
    return loss


def anchor_distance(batch: Batch) -> Tensor:
    """Mean squared distance of the student's unit rows from the base's (LEAF, arXiv 2509.12539)."""
    rows = functional.normalize(batch.student[batch.taught :], dim=1)
    return (rows - batch.teacher[batch.taught :]).square().sum(1).mean()


def neighbour_target(teacher: Tensor, temperature: float) -> Tensor:
    """Log-probabilities `(m, m)` of each row's neighbours in the base; a row is not its own neighbour."""
    return _without_itself(teacher @ teacher.T / temperature).log_softmax(1)


def divergence(rows: Tensor, target: Tensor, temperature: float) -> Tensor:
    """Mean KL divergence (nats) of the neighbours of unit `rows` from `target` (SEED, arXiv 2101.04731)."""
    learnt = _without_itself(rows @ rows.T / temperature).log_softmax(1)
    return (target.exp() * (target - learnt)).sum(1).mean()


def false_negatives(batch: Batch) -> Tensor:
    """`(n, n)` bool: answers of others that the base finds as near to the query (95%), or nearly equal to its own.

    The limit of 95% is that of NV-Retriever (arXiv 2407.15831).
    """
    queries, answers = batch.teacher[: batch.n], batch.teacher[batch.n : 2 * batch.n]
    cosines = queries @ answers.T
    unwanted = (cosines >= 0.95 * cosines.diagonal()[:, None]) | (answers @ answers.T > 0.9) | (queries @ queries.T > 0.9)
    return unwanted.fill_diagonal_(False)


def answer_loss(rows: Tensor, batch: Batch, dim: int, unwanted: Tensor, scale: float) -> Tensor:
    """Cross-entropy (nats) of the right answer among those of the batch and the hard negatives (InfoNCE)."""
    scores = scale * (rows[: batch.n] @ rows[batch.n : 2 * batch.n].T)
    scores = scores.masked_fill(unwanted, _MASKED)
    if batch.negatives is not None:
        hard = functional.normalize(batch.negatives[:, :dim], dim=1)
        scores = torch.cat([scores, scale * (rows[: batch.n] @ hard.T)], 1)
    return functional.cross_entropy(scores, torch.arange(batch.n, device=rows.device))


def spread_penalty(rows: Tensor) -> Tensor:
    """Mean squared cosine of different rows: 1 / dim for points spread over the sphere (arXiv 1708.06320)."""
    cosines = rows @ rows.T
    count = len(rows)
    return (cosines.square().sum() - cosines.diagonal().square().sum()) / (count * (count - 1))


def _without_itself(scores: Tensor) -> Tensor:
    return scores.masked_fill(torch.eye(len(scores), dtype=torch.bool, device=scores.device), _MASKED)
