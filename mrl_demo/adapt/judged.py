"""A rotation learnt from judged pairs: what labels could gain at all, to be scored on queries it never saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from mrl_demo.adapt.fit import MIN_ROWS, complete_rotation, retract, tangent_part
from mrl_demo.adapt.rotation import AdaptError, Rotation, default_prefixes, usable
from mrl_demo.core.types import FloatMatrix, IntMatrix

_STEPS, _BATCH, _NEAR = 120, 256, 6
_TEMPERATURE, _RATE, _PATIENCE, _CHECK_EVERY = 0.05, 0.5, 4, 10
_HELD_OUT = 0.15


@dataclass(frozen=True)
class JudgedPairs:
    """Relevant pairs: `queries` `(m, d)` and `documents` `(n, d)` float32 unit rows, `pairs` `(p, 2)` of their rows."""

    queries: FloatMatrix
    documents: FloatMatrix
    pairs: IntMatrix


def fit_judged(judged: JudgedPairs, start: Rotation, seed: int = 0) -> Rotation:
    """Turn `start` so that short prefixes rank judged documents first.

    Minimises, over `default_prefixes`, the cross-entropy of the softmax over prefix cosines (temperature 0.05) of each
    query with its relevant document, those of the batch, and the documents nearest to it; on the Stiefel manifold, as
    `fit_adapted`. The rotation with the lowest loss on a seventh of the queries is kept, `start` if nothing beat it.
    Raises `AdaptError` under 50 pairs.
    """
    if len(judged.pairs) < MIN_ROWS:
        raise AdaptError(f"{len(judged.pairs)} judged pairs are too few to fit a rotation on: {MIN_ROWS} at least.")
    documents, queries = (torch.from_numpy(start.apply(rows)) for rows in (judged.documents, judged.queries))
    generator = torch.Generator().manual_seed(seed)
    prefixes = tuple(p for p in default_prefixes(documents.shape[1]) if p < documents.shape[1])
    near = find_near_misses(queries, documents, judged.pairs)
    train, held_out = _split(judged.pairs, seed)
    loss = _JudgedLoss(queries, documents, near, prefixes)
    axes = torch.eye(documents.shape[1])[:, : prefixes[-1]].contiguous()
    best, best_loss, since_best = axes.clone(), loss.value(held_out, axes), 0
    before, momentum = best_loss, torch.zeros_like(axes)
    for step in range(1, _STEPS + 1):
        batch = train[torch.randperm(len(train), generator=generator)[:_BATCH]]
        momentum = tangent_part(axes, 0.9 * momentum + 0.1 * tangent_part(axes, loss.gradient(batch, axes)))
        move = momentum * (_RATE * (1 - step / (_STEPS + 1)) / (float(momentum.norm()) + 1e-12))
        axes = retract(axes - move)
        if step % _CHECK_EVERY:
            continue
        now = loss.value(held_out, axes)
        since_best += 1
        if now < best_loss:
            best, best_loss, since_best = axes.clone(), now, 0
        if since_best >= _PATIENCE:
            break
    if best_loss >= before:
        return start
    turned = complete_rotation(best, torch.from_numpy(usable(documents.numpy())), prefixes)
    matrix = torch.from_numpy(start.matrix.copy()).double() @ turned.double()
    return Rotation(matrix.float().numpy(), "judged", before, best_loss, documents=len(documents))


@dataclass(frozen=True)
class _JudgedLoss:
    queries: torch.Tensor
    documents: torch.Tensor
    near: torch.Tensor
    prefixes: tuple[int, ...]

    def value(self, pairs: torch.Tensor, axes: torch.Tensor) -> float:
        """The loss over the first pairs, without a gradient."""
        with torch.no_grad():
            return float(self._loss(pairs[: 4 * _BATCH], axes))

    def gradient(self, pairs: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
        """The gradient of the loss with respect to the axes."""
        variable = axes.detach().requires_grad_(True)
        return torch.autograd.grad(self._loss(pairs, variable), variable)[0]

    def _loss(self, pairs: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
        asking, answers = pairs[:, 0], pairs[:, 1]
        candidates = torch.cat([answers, self.near[asking].flatten()]).unique()
        place = torch.searchsorted(candidates, answers.contiguous())
        queries, documents = self.queries[asking] @ axes, self.documents[candidates] @ axes
        weights = [prefix**0.5 for prefix in self.prefixes]
        total = torch.zeros(())
        for prefix, weight in zip(self.prefixes, weights, strict=True):
            cosines = (
                functional.normalize(queries[:, :prefix], dim=1) @ functional.normalize(documents[:, :prefix], dim=1).T
            )
            total = total + weight / sum(weights) * functional.cross_entropy(cosines / _TEMPERATURE, place)
        return total


def find_near_misses(queries: torch.Tensor, documents: torch.Tensor, pairs: IntMatrix) -> torch.Tensor:
    """Places `(m, _NEAR)` of the documents nearest to each query that are not judged relevant to it."""
    places = []
    for start in range(0, len(queries), 512):
        cosines = queries[start : start + 512] @ documents.T
        own = pairs[(pairs[:, 0] >= start) & (pairs[:, 0] < start + len(cosines))]
        cosines[own[:, 0] - start, own[:, 1]] = -2
        places.append(cosines.topk(min(_NEAR, documents.shape[0]), dim=1).indices)
    return torch.cat(places)


def _split(pairs: IntMatrix, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs to learn from and pairs that judge, no query in both."""
    queries = np.unique(pairs[:, 0])
    held = np.random.default_rng(seed).permutation(queries)[: max(1, int(len(queries) * _HELD_OUT))]
    is_held = np.isin(pairs[:, 0], held)
    return torch.from_numpy(pairs[~is_held]), torch.from_numpy(pairs[is_held])
