"""Learning a rotation: Adam on the Stiefel manifold from PCA, judged on rows held out."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np
import torch

from mrl_demo.adapt.batches import Batches
from mrl_demo.adapt.objective import Objective
from mrl_demo.adapt.rotation import AdaptError, Rotation, default_prefixes, principal_axes, usable
from mrl_demo.adapt.settings import AdaptSettings
from mrl_demo.core.types import FloatMatrix, Progress

#: Part of every cache key of a fitted rotation: goes up when the recipe's result changes.
RECIPE_VERSION = 3
MIN_ROWS = 50  # Under so many distinct rows there is nothing to hold out: no fit, or one without queries.
MAX_POOL = 32_768  # The most documents that batches are drawn from: more cost time for each step.
_MAX_HELD_OUT = 512
#: From so many documents on steps have their full length; fewer are learnt by heart too soon.
_FULL_STEPS_FROM = 8_192


def fit_adapted(
    vectors: FloatMatrix,
    settings: AdaptSettings | None = None,
    progress: Progress | None = None,
    queries: FloatMatrix | None = None,
) -> Rotation:
    """Learn the rotation of `(n, d)` float32 document vectors whose prefixes keep each document's neighbours.

    From PCA, Adam on the Stiefel manifold minimises, over the prefixes, the KL divergence of the softmax of prefix
    cosines from the softmax of full cosines. `queries` `(m, d)` stand in for what will be asked: titles and sentences
    of the documents (`corpora.questions.parts`), 50 at least or they are left aside; their neighbours are kept too.
    The result with the lowest loss on held-out rows is kept, PCA itself if nothing beat it or there are under 50
    distinct documents; it is exactly orthogonal, so full-dimension cosines stay. The same vectors, settings and
    machine give the same matrix unless the time limit cut in. Raises `AdaptError` on vectors or prefixes that cannot
    be fitted, and whatever `progress` raises.
    """
    settings = settings or AdaptSettings()
    started = time.perf_counter()
    rows = usable(vectors)
    prefixes = _fitting_prefixes(settings, rows.shape[1])
    start = principal_axes(torch.from_numpy(rows), settings.axis_prior)
    distinct = _distinct(rows, settings.seed)
    if len(distinct) < MIN_ROWS or not prefixes:
        note = f"PCA: {len(distinct)} distinct documents are too few to learn from"
        note = note if prefixes else "PCA: no prefix is shorter than the vectors"
        return Rotation(start.numpy(), "adapted", seconds=time.perf_counter() - started, documents=len(rows), note=note)
    fit = _Fit(distinct, _asked(queries, rows.shape[1], settings), start, prefixes, settings)
    fit.run(started + settings.time_limit_s, progress)
    matrix = start if fit.best_step == 0 else complete_rotation(fit.best, distinct, prefixes)
    return Rotation(
        matrix.numpy(),
        "adapted",
        fit.before,
        fit.best_loss,
        fit.best_step,
        time.perf_counter() - started,
        len(rows),
        note="" if fit.best_step else "PCA: learning did not lower the held-out loss",
        is_cut_short=fit.is_cut_short,
    )


class _Fit:
    """One run of the optimiser: the axes being learnt, the best so far, and the held-out rows that judge them."""

    def __init__(
        self,
        rows: torch.Tensor,
        queries: torch.Tensor,
        start: torch.Tensor,
        prefixes: tuple[int, ...],
        settings: AdaptSettings,
    ) -> None:
        self.settings = settings
        self.objective = Objective(prefixes, settings.temperature, settings.prefix_weight)
        held_out = _held_out(len(rows), _MAX_HELD_OUT)
        held_queries = _held_out(len(queries), _MAX_HELD_OUT // 2) if len(queries) else 0
        self.batches = Batches(rows[held_out:], queries[held_queries:], settings)
        self.judges = self.batches.judges(rows[:held_out], queries[:held_queries], 4 * _MAX_HELD_OUT)
        self.best = start[:, : prefixes[-1]].clone()
        self.before = self.best_loss = self.objective.loss(self.judges, self.best)
        self.best_step = 0
        self.is_cut_short = False

    def run(self, deadline: float, progress: Progress | None) -> None:
        """Take steps until they are done, the held-out loss stops falling, or the time is up."""
        steps = self.settings.steps
        since_best = 0
        for step, axes in self.trajectory():
            out_of_time = time.perf_counter() > deadline
            if step % self.settings.check_every and step != steps and not out_of_time:
                continue
            loss = self.objective.loss(self.judges, axes)
            since_best += 1
            if loss < self.best_loss:
                self.best, self.best_loss, self.best_step, since_best = axes.clone(), loss, step, 0
            if progress is not None:
                progress(step / steps, f"Fitting the rotation: held-out loss {loss:.4f} (PCA {self.before:.4f})")
            if out_of_time or since_best >= self.settings.patience:
                self.is_cut_short = out_of_time and step < steps
                return

    def trajectory(self) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the step and the orthonormal axes `(d, p)` after it.

        Adam with cosine decay and *one* second moment for the whole matrix (Becigneul and Ganea, arXiv 1810.00760):
        one for each entry blows the noise in the last axes, whose gradients are small, up to full steps.
        """
        settings = self.settings
        generator = torch.Generator().manual_seed(settings.seed)
        axes, momentum, energy = self.best.clone(), torch.zeros_like(self.best), 0.0
        rate = settings.learning_rate * min(1.0, math.sqrt(len(self.batches.pool) / _FULL_STEPS_FROM))
        for step in range(1, settings.steps + 1):
            gradient = tangent_part(axes, self.objective.gradient(self.batches.draw(generator), axes))
            momentum = tangent_part(axes, 0.9 * momentum + 0.1 * gradient)
            energy = 0.99 * energy + 0.01 * float(gradient.square().sum())
            decay = (1 + math.cos(math.pi * (step - 1) / settings.steps)) / 2
            scale = (1 - 0.9**step) * math.sqrt(energy / (1 - 0.99**step)) + 1e-12
            move = momentum * (rate * decay / scale)
            axes = retract(axes - move / max(1.0, float(move.norm())))
            yield step, axes


def tangent_part(axes: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The part of a gradient that keeps `axes` orthonormal (Absil, Mahony and Sepulchre 2008, section 3.6)."""
    product = axes.T @ gradient
    return gradient - axes @ (product + product.T) / 2


def retract(axes: torch.Tensor) -> torch.Tensor:
    """Two Newton-Schulz steps towards the nearest orthonormal columns; they converge after a tangent step of norm 1."""
    for _ in range(2):
        axes = 1.5 * axes - 0.5 * axes @ (axes.T @ axes)
    return axes


def complete_rotation(axes: torch.Tensor, rows: torch.Tensor, prefixes: tuple[int, ...]) -> torch.Tensor:
    """A full rotation `(d, d)` from learnt axes `(d, p)`: orthonormal, completed, ordered between the prefixes.

    Turning the axes between two prefixes among themselves changes nothing at either, so they are put in PCA's order
    there: a cut between two prefixes then keeps the larger part.
    """
    left, _, right = torch.linalg.svd(axes.double(), full_matrices=True)
    width = axes.shape[1]
    full = torch.cat([left[:, :width] @ right, left[:, width:]], dim=1)
    turned = rows.double() @ full
    blocks = [
        full[:, low:high] @ principal_axes(turned[:, low:high]).double()
        for low, high in itertools.pairwise((0, *prefixes, len(full)))
    ]
    return torch.cat(blocks, dim=1).float()


def _held_out(count: int, most: int) -> int:
    return min(most, max(count // 10, 20))


def _asked(queries: FloatMatrix | None, dimension: int, settings: AdaptSettings) -> torch.Tensor:
    """Distinct queries in a seeded order, none if there are too few to learn from; raises `AdaptError`."""
    none = torch.empty((0, dimension))
    if queries is None or not len(queries) or not settings.query_share:
        return none
    rows = usable(queries)
    if rows.shape[1] != dimension:
        raise AdaptError(f"Queries have {rows.shape[1]} numbers and documents {dimension}: encode both with one model.")
    distinct = _distinct(rows, settings.seed)
    return distinct if len(distinct) >= MIN_ROWS else none


def _distinct(rows: FloatMatrix, seed: int) -> torch.Tensor:
    """The distinct rows in a seeded order, at most `MAX_POOL` and the held-out ones."""
    first = list({row.tobytes(): index for index, row in enumerate(rows)}.values())
    order = np.random.default_rng(seed).permutation(np.asarray(first))
    return torch.from_numpy(rows[order[: MAX_POOL + _MAX_HELD_OUT]])


def _fitting_prefixes(settings: AdaptSettings, dimension: int) -> tuple[int, ...]:
    """The prefixes to fit, shorter than the vectors; raises `AdaptError` on one that is longer."""
    prefixes = settings.prefixes or default_prefixes(dimension)
    if prefixes[-1] > dimension:
        raise AdaptError(
            f"Prefix {prefixes[-1]} is longer than the vectors ({dimension} numbers): choose from 1 to {dimension}."
        )
    return tuple(prefix for prefix in prefixes if prefix < dimension)
