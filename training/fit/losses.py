"""Losses that the base model teaches: its neighbours of broad text, its guard over pairs; and all losses of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise
from training.config import ObjectiveConfig
from training.fit.likely import MASKED, likely_answers
from training.fit.pairs_loss import contrastive_loss
from training.fit.prefixes import PrefixLoss

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def neighbour_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Mean KL divergence (nats) of neighbours in `student` `(n, d)` from those in `teacher` `(n, D)` unit rows.

    Neighbours are the softmax over cosines to the other rows of the batch at `temperature`; a row is not its own
    neighbour. In-batch similarity distillation, as in SEED (arXiv 2101.04731) without a queue.
    """
    itself = torch.zeros(len(student), len(student), device=student.device).fill_diagonal_(MASKED)
    rows = functional.normalize(student.float(), dim=1)
    target = (teacher @ teacher.T / temperature + itself).log_softmax(1)
    learnt = (rows @ rows.T / temperature + itself).log_softmax(1)
    return (target.exp() * (target - learnt)).sum(1).mean()


class NeighbourDistillationLoss(nn.Module):
    """Teaches a text's vector the base model's neighbours; labels are the texts' rows in `teacher` `(n, D)`.

    Inside MatryoshkaLoss it teaches every prefix the *full-dimension* neighbours: labels are row numbers, which
    MatryoshkaLoss does not cut. `anchor` weighs the squared distance of whole vectors from `places` `(n, d)`, where the
    base model's vectors of these texts lie (LEAF, arXiv 2509.12539).
    """

    def __init__(
        self,
        model: SentenceTransformer,
        teacher: FloatMatrix,
        temperature: float,
        weight: float = 1.0,
        anchor: float = 0.0,
        places: FloatMatrix | None = None,
    ) -> None:
        super().__init__()
        self.model, self.temperature, self.weight, self.anchor = model, temperature, weight, anchor
        self.register_buffer("teacher", torch.from_numpy(teacher), persistent=False)
        self.register_buffer("places", torch.from_numpy(teacher if places is None else places), persistent=False)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of one batch; `labels` `(n,)` int64."""
        (features,) = sentence_features
        vectors = self.model(features)["sentence_embedding"]
        loss = self.weight * neighbour_divergence(vectors, self.teacher[labels], self.temperature)
        if self.anchor and vectors.shape[1] == self.places.shape[1]:
            rows = functional.normalize(vectors.float(), dim=1)
            loss = loss + self.anchor * (rows - self.places[labels]).square().sum(1).mean()
        return loss


class GuidedPairsLoss(nn.Module):
    """Contrastive loss over pairs that the base model guards; labels are the pairs' rows in `queries` and `answers`.

    Three parts: the cross-entropy of the right answer among the batch's, without those that the base finds as near to
    the query (NV-Retriever's limit of 95%, arXiv 2407.15831); the divergence from the base's neighbours among queries
    and answers; and at full length the squared distance from the base's own vectors (LEAF, arXiv 2509.12539). Inside
    MatryoshkaLoss every prefix is taught the base's *full-dimension* neighbours.
    """

    def __init__(
        self, model: SentenceTransformer, queries: FloatMatrix, answers: FloatMatrix, objective: ObjectiveConfig
    ) -> None:
        super().__init__()
        self.model, self.objective = model, objective
        self.register_buffer("queries", torch.from_numpy(queries), persistent=False)
        self.register_buffer("answers", torch.from_numpy(answers), persistent=False)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of one batch; `labels` `(n,)` int64."""
        columns = [self.model(features)["sentence_embedding"].float() for features in sentence_features]
        rows = [functional.normalize(column, dim=1) for column in columns]
        guides = [self.queries[labels], self.answers[labels]]
        student, teacher = torch.cat(rows[:2]), torch.cat(guides)
        objective = self.objective
        scores = objective.similarity_scale * rows[0] @ torch.cat(rows[1:]).T
        unwanted = functional.pad(likely_answers(*guides), (0, scores.shape[1] - len(labels)))
        right = torch.arange(len(labels), device=scores.device)
        loss = objective.contrastive_weight * functional.cross_entropy(scores.masked_fill(unwanted, MASKED), right)
        kept = neighbour_divergence(student, teacher, objective.distillation_temperature)
        loss = loss + objective.distillation_weight * kept
        if student.shape[1] == teacher.shape[1]:
            loss = loss + objective.anchor_weight * (student - teacher).square().sum(1).mean()
        return loss


def build_losses(
    model: SentenceTransformer,
    objective: ObjectiveConfig,
    teacher: FloatMatrix | None,
    guides: tuple[FloatMatrix, FloatMatrix] | None = None,
    matrix: FloatMatrix | None = None,
    places: FloatMatrix | None = None,
    classes: Sequence[str] = (),
) -> dict[str, nn.Module]:
    """The losses by data set, "pairs" (contrastive) and "broad" (distillation), inside MatryoshkaLoss if asked for.

    `guides` are the base model's vectors of the pairs, for losses that ask it which answers are likely; `matrix`
    `(d, d)` is the map that the model puts behind the base, which the anchor's places go through too: `places`
    `(n, d)`, or the teacher's vectors if the base teaches. `classes` are the pairs' labels, if they are learnt from.
    """
    losses: dict[str, nn.Module] = {}
    if objective.loss != "none":
        if guides and objective.guided:
            plain: nn.Module = GuidedPairsLoss(model, *guides, objective)
        else:
            plain = contrastive_loss(model, objective, guides, classes)
        losses["pairs"] = _matryoshka(model, plain, objective, objective.dim_weights)
    if teacher is not None:
        base_rows = teacher if places is None else places
        distilled = NeighbourDistillationLoss(
            model,
            teacher,
            objective.distillation_temperature,
            objective.distillation_weight,
            objective.anchor_weight,
            base_rows if matrix is None else normalise(base_rows @ matrix),
        )
        losses["broad"] = _matryoshka(model, distilled, objective, _distillation_weights(objective))
    return losses


def _distillation_weights(objective: ObjectiveConfig) -> tuple[float, ...]:
    """The dims' weights, with as much again on the full length: that is what keeps it from being taxed."""
    return (*objective.dim_weights[:-1], objective.dim_weights[-1] + sum(objective.dim_weights))


def _matryoshka(
    model: SentenceTransformer, loss: nn.Module, objective: ObjectiveConfig, weights: tuple[float, ...]
) -> nn.Module:
    """The loss at every length, unless the configuration wants none but the full one."""
    if not objective.matryoshka:
        return loss
    shares = dict(zip(objective.dims, weights, strict=True))
    return PrefixLoss(model, loss, shares, objective.drawn_lengths, objective.weighting == "learned")
