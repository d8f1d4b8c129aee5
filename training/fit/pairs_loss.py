"""The loss over pairs that no teacher guards: softmax or hinge over the batch, and what spreads texts apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.base.losses.gradcache import CachedLossMixin
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    GlobalOrthogonalRegularizationLoss,
    MultipleNegativesRankingLoss,
)
from torch import Tensor, nn
from torch.nn import functional

from mrl_demo.core.types import FloatMatrix
from training.config import ObjectiveConfig
from training.fit.coarse_to_fine import label_levels, level_at, together_by_class
from training.fit.likely import MASKED, likely_answers

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def softmax_over_batch(columns: Sequence[Tensor], scale: float, unwanted: Tensor) -> Tensor:
    """Cross-entropy of the right answer among the batch's, without those that are `unwanted` as negatives `(n, n)`.

    `columns` are queries, answers and perhaps wrong answers, each `(n, d)`.
    """
    rows = [functional.normalize(column.float(), dim=1) for column in columns]
    scores = scale * rows[0] @ torch.cat(rows[1:]).T
    return functional.cross_entropy(
        scores.masked_fill(_widened(unwanted, scores), MASKED), torch.arange(len(scores), device=scores.device)
    )


def _widened(unwanted: Tensor, scores: Tensor) -> Tensor:
    """The batch's own answers alone can be unwanted: wrong answers that a row brings along are meant to be wrong."""
    return functional.pad(unwanted, (0, scores.shape[1] - unwanted.shape[1]))


def hinge_over_batch(columns: Sequence[Tensor], margin: float, unwanted: Tensor | None = None) -> Tensor:
    """Mean of what a right answer's cosine lacks to beat the batch's others by `margin`: no row costs over 2 + margin.

    `columns` are queries, answers and perhaps wrong answers, each `(n, d)`. A row counts the nearest wrong answer and
    the mean of all of them alike, so that it never runs dry while one is too near (VSE++, arXiv 1707.05612); those that
    are `unwanted` as negatives `(n, n)` cost nothing.

    >>> near, far = torch.eye(2), torch.eye(2).flip(0)
    >>> float(hinge_over_batch([near, near], 0.1)), round(float(hinge_over_batch([near, far], 0.1)), 6)
    (0.0, 1.1)
    """
    rows = [functional.normalize(column.float(), dim=1) for column in columns]
    cosines = rows[0] @ torch.cat(rows[1:]).T
    lacks = functional.relu(margin + cosines - cosines.diagonal()[:, None])
    lacks = lacks.masked_fill(torch.eye(*lacks.shape, dtype=torch.bool, device=lacks.device), 0.0)
    if unwanted is not None:
        lacks = lacks.masked_fill(_widened(unwanted, lacks), 0.0)
    mean = lacks.sum(1) / max(lacks.shape[1] - 1, 1)
    return ((lacks.max(1).values + mean) / 2).mean()


class PairsLoss(nn.Module):
    """The configured loss over the vectors of queries, answers and perhaps wrong answers, encoded in one go.

    Softmax is that of MultipleNegativesRankingLoss; what spreads the texts is the global orthogonal regularisation of
    sentence-transformers (arXiv 1708.06320), over the queries and over the answers.
    """

    queries: Tensor | None
    answers: Tensor
    levels: Tensor | None

    def __init__(
        self,
        model: SentenceTransformer,
        objective: ObjectiveConfig,
        guides: tuple[FloatMatrix, FloatMatrix] | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.model, self.objective = model, objective
        levels = torch.from_numpy(label_levels(classes)) if classes else None
        self.register_buffer("levels", levels, persistent=False)
        for name, vectors in zip(("queries", "answers"), guides or (None, None), strict=True):
            self.register_buffer(name, None if vectors is None else torch.from_numpy(vectors), persistent=False)
        self.softmax = MultipleNegativesRankingLoss(model, scale=objective.similarity_scale)
        self.spread = GlobalOrthogonalRegularizationLoss(model)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of one batch."""
        return self.value_of([self.model(features)["sentence_embedding"] for features in sentence_features], labels)

    def value_of(self, columns: list[Tensor], labels: Tensor | None) -> Tensor:
        """The loss over the columns' vectors, each `(n, d)`."""
        objective, unwanted = self.objective, self._unwanted(labels)
        if objective.loss == "hinge":
            loss = hinge_over_batch(columns, objective.margin, unwanted)
        elif unwanted is not None:
            loss = softmax_over_batch(columns, objective.similarity_scale, unwanted)
        else:
            loss = self.softmax.compute_loss_from_embeddings(columns, labels)
        if objective.spread_weight:
            # Answers and wrong answers are columns of their own: a question's own pair may lie near each other.
            loss = loss + objective.spread_weight * sum(self.spread.compute_loss_from_embeddings(columns).values())
        if self.levels is not None and labels is not None:
            loss = loss + objective.hierarchy_weight * self._apart(columns, self.levels[:, labels])
        return loss

    def _apart(self, columns: list[Tensor], classes: Tensor) -> Tensor:
        """What queries and answers lack to lie with those of their label at this length; 0 beyond the labels'."""
        level = level_at(columns[0].shape[1], len(classes))
        if level is None:
            return columns[0].sum() * 0.0
        return together_by_class(torch.cat(columns[:2]), classes[level].repeat(2))

    def _unwanted(self, labels: Tensor | None) -> Tensor | None:
        """`(n, n)` bool: likely answers, None if nobody is asked."""
        if self.queries is None or labels is None:
            return None
        return likely_answers(self.queries[labels], self.answers[labels])


class CachedPairsLoss(CachedLossMixin, PairsLoss):
    """`PairsLoss` of batches larger than memory, `cached_batch` rows at a time (GradCache, arXiv 2101.06983)."""

    def __init__(
        self,
        model: SentenceTransformer,
        objective: ObjectiveConfig,
        guides: tuple[FloatMatrix, FloatMatrix] | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        super().__init__(model, objective, guides, classes)
        self.mini_batch_size = objective.cached_batch

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of one batch, whose backward pass encodes the chunks once more."""
        return self.forward_cached(sentence_features, labels)

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """The loss over the whole batch from its chunks' vectors; brought back to them at once with `with_backward`."""
        loss = self.value_of([torch.cat(chunks) for chunks in reps], labels)
        if with_backward:
            loss.backward()
            loss = loss.detach()
        return loss


def contrastive_loss(
    model: SentenceTransformer,
    objective: ObjectiveConfig,
    guides: tuple[FloatMatrix, FloatMatrix] | None = None,
    classes: Sequence[str] = (),
) -> nn.Module:
    """The loss over pairs as configured; sentence-transformers' own wherever it has it whole.

    `guides` are the base model's vectors of queries and answers `(n, d)`, which say what is likely; labels are their
    rows, and the rows of `classes`, the pairs' labels, if coarse is to stand before fine.
    """
    is_cached = objective.loss == "cached-mnrl"
    if objective.loss == "hinge" or objective.spread_weight or guides or classes:
        return (CachedPairsLoss if is_cached else PairsLoss)(model, objective, guides, classes)
    options: dict[str, Any] = {"mini_batch_size": objective.cached_batch} if is_cached else {}
    kind = CachedMultipleNegativesRankingLoss if is_cached else MultipleNegativesRankingLoss
    return kind(model, scale=objective.similarity_scale, **options)
