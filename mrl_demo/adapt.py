"""Corpus-fitted rotations: document vectors in, an orthogonal matrix out that makes short prefixes search well.

A rotation changes no cosine at full dimension, so it can cost nothing there; it only decides which directions the
first numbers hold. PCA picks the directions of largest variance. The adapted rotation starts there and learns the
ones that keep each document's nearest neighbours (compare the unsupervised Matryoshka-Adaptor, arXiv 2407.20243).
"""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch.nn import functional

from mrl_demo.storage import atomic_path
from mrl_demo.types import FloatMatrix, LabError, ModelError, Progress
from mrl_demo.vectors import normalise

#: Part of every cache key of a fitted rotation: goes up when the recipe's result changes.
RECIPE_VERSION = 1
MIN_DOCUMENTS = 50  # Under so many distinct documents there is nothing to hold out, and PCA is the answer.
MAX_POOL = 32_768  # The most documents that batches are drawn from: more cost time for each step.
_MAX_HELD_OUT = 512
#: From so many documents on steps have their full length; fewer are learnt by heart too soon.
_FULL_STEPS_FROM = 8_192
_FORMAT = "1"
_REPORT = ("held_out_before", "held_out_after", "steps", "seconds", "documents")


class AdaptError(LabError, ValueError):
    """Vectors or settings that no rotation can be fitted on."""


@dataclass(frozen=True)
class AdaptSettings:
    """How `fit_adapted` learns; the defaults come from the experiments in `dev/LOG.md`.

    `prefixes` are the lengths to serve, empty for `default_prefixes`. Half of a batch of `batch_size` is random, half
    is random documents with their `neighbours` nearest, so that the loss sees near misses. `temperature` is that of
    the softmax over cosines; a prefix p weighs p to the power of `prefix_weight`. `learning_rate` is the Frobenius
    norm of the first steps, 1 at most; corpora under 8,192 documents get shorter ones. `time_limit_s` ends the fit
    early with the best rotation so far (the one thing that can break determinism).
    """

    prefixes: tuple[int, ...] = ()
    steps: int = 600
    batch_size: int = 1024
    neighbours: int = 8
    temperature: float = 0.05
    prefix_weight: float = 0.0
    learning_rate: float = 0.8
    seed: int = 0
    time_limit_s: float = 55.0
    check_every: int = 10
    patience: int = 25

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "neighbours", "check_every", "patience"):
            value = getattr(self, name)
            _require(isinstance(value, int) and value >= 1, name, value, "a whole number from 1")
        _require(0 <= self.prefix_weight <= 4, "prefix_weight", self.prefix_weight, "a number from 0 to 4")
        _require(0 < self.learning_rate <= 1, "learning_rate", self.learning_rate, "above 0 and at most 1")
        for name in ("temperature", "time_limit_s"):
            value = getattr(self, name)
            _require(0 < value < float("inf"), name, value, "a number above 0")
        at_least = 2 * self.neighbours
        _require(self.batch_size >= at_least, "batch_size", self.batch_size, f"{at_least} (twice neighbours) or more")
        whole = all(isinstance(prefix, int) and prefix >= 1 for prefix in self.prefixes)
        rising = whole and list(self.prefixes) == sorted(set(self.prefixes))
        _require(rising, "prefixes", self.prefixes, "rising whole numbers from 1")


@dataclass(frozen=True)
class Rotation:
    """An orthogonal `(d, d)` float32 matrix whose columns are the new axes, most useful first, and how it was fitted.

    `kind` is "pca", "adapted" or "random". `held_out_before` and `held_out_after` are the mean KL divergence
    (nats) of held-out documents' neighbours at the prefixes, with PCA and with this matrix; 0 where none was
    measured. `seconds` is the fit's wall time. Raises `AdaptError` where the matrix is not square, finite or
    orthogonal to 1e-3.
    """

    matrix: FloatMatrix
    kind: str
    held_out_before: float = 0.0
    held_out_after: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    documents: int = 0
    note: str = ""
    orthogonality_error: float = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float32, order="C")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise AdaptError(f"A rotation is a square matrix, not one of shape {matrix.shape}.")
        error = float(np.abs(matrix.T.astype(np.float64) @ matrix - np.eye(len(matrix))).max())
        if not error <= 1e-3:
            raise AdaptError(f"This matrix is no rotation: W'W differs from I by {error:.3g} (0.001 allowed).")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "orthogonality_error", error)
        object.__setattr__(self, "fingerprint", hashlib.sha256(matrix.tobytes()).hexdigest())

    @property
    def dimension(self) -> int:
        """The length d of the vectors it turns."""
        return len(self.matrix)

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """Turn `(n, d)` vectors into `(n, d)` float32 unit rows; zero rows stay zero.

        Raises `AdaptError` on another d or NaN.
        """
        rows = _checked(vectors)
        if rows.shape[1] != self.dimension:
            raise AdaptError(
                f"This rotation turns vectors of {self.dimension} numbers, not of {rows.shape[1]}: fit it on these."
            )
        return normalise(rows @ self.matrix)

    def save(self, path: Path) -> None:
        """Write matrix, report and sha256 to one safetensors file, whole or not at all; raises `CacheError`."""
        metadata = {name: repr(getattr(self, name)) for name in _REPORT}
        metadata |= {"kind": self.kind, "note": self.note, "sha256": self.fingerprint, "format": _FORMAT}
        with atomic_path(path) as temporary:
            save_file({"matrix": self.matrix}, temporary, metadata=metadata)

    @classmethod
    def load(cls, path: Path) -> Rotation:
        """Read what `save` wrote; raises `ModelError` naming the file where it is missing, damaged or altered."""
        try:
            with safe_open(path, framework="numpy") as handle:
                matrix, metadata = handle.get_tensor("matrix"), handle.metadata() or {}
            rotation = cls(
                matrix,
                metadata["kind"],
                held_out_before=float(metadata["held_out_before"]),
                held_out_after=float(metadata["held_out_after"]),
                steps=int(metadata["steps"]),
                seconds=float(metadata["seconds"]),
                documents=int(metadata["documents"]),
                note=metadata["note"],
            )
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is no readable rotation ({error}): delete it and fit it again.") from error
        if rotation.fingerprint != metadata.get("sha256"):
            raise ModelError(f"{path} does not match its checksum: delete it and fit it again.")
        return rotation


def default_prefixes(dimension: int) -> tuple[int, ...]:
    """The prefix lengths fitted for vectors of `dimension` numbers: powers of two from 8, then half the dimension."""
    half = max(1, dimension // 2)
    powers = [2**power for power in range(3, 16) if 2**power < half]
    return (*powers, half)


def fit_pca(vectors: FloatMatrix) -> Rotation:
    """Fit PCA on `(n, d)` float32 vectors: the eigenvectors of their second moments, largest first, as a rotation.

    The mean is *not* subtracted, neither in the fit nor by `apply`: subtracting it would change the cosines, and
    documents and queries do not share one. Zero rows are left out; with fewer rows than dimensions the rest of the
    axes is any orthogonal complement. Raises `AdaptError` on a wrong shape, NaN, or no row that is not zero.
    """
    started = time.perf_counter()
    rows = _usable(vectors)
    matrix = _principal_axes(torch.from_numpy(rows))
    return Rotation(matrix.numpy(), "pca", seconds=time.perf_counter() - started, documents=len(rows))


def fit_adapted(
    vectors: FloatMatrix, settings: AdaptSettings | None = None, progress: Progress | None = None
) -> Rotation:
    """Learn the rotation of `(n, d)` float32 document vectors whose prefixes keep each document's neighbours.

    From PCA, Adam on the Stiefel manifold minimises, over the prefixes, the KL divergence of the softmax of prefix
    cosines from the softmax of full cosines. The result with the lowest loss on held-out documents is kept, PCA
    itself where nothing beat it or there are under 50 distinct documents; it is exactly orthogonal, so full-dimension
    cosines stay. The same vectors, settings and machine give the same matrix unless the time limit cut in. Raises
    `AdaptError` on vectors or prefixes that cannot be fitted, and whatever `progress` raises.
    """
    settings = settings or AdaptSettings()
    started = time.perf_counter()
    rows = _usable(vectors)
    prefixes = _fitting_prefixes(settings, rows.shape[1])
    start = _principal_axes(torch.from_numpy(rows))
    distinct = _distinct(rows, settings.seed)
    if len(distinct) < MIN_DOCUMENTS or not prefixes:
        note = f"PCA: {len(distinct)} distinct documents are too few to learn from"
        note = note if prefixes else "PCA: no prefix is shorter than the vectors"
        return Rotation(start.numpy(), "adapted", seconds=time.perf_counter() - started, documents=len(rows), note=note)
    fit = _Fit(distinct, start, prefixes, settings)
    fit.run(started + settings.time_limit_s, progress)
    matrix = start if fit.best_step == 0 else _finished(fit.best, distinct, prefixes)
    return Rotation(
        matrix.numpy(),
        "adapted",
        fit.before,
        fit.best_loss,
        fit.best_step,
        time.perf_counter() - started,
        len(rows),
        note="" if fit.best_step else "PCA: learning did not lower the held-out loss",
    )


class _Fit:
    """One run of the optimiser: the axes being learnt, the best so far, and the held-out documents that judge them."""

    def __init__(
        self, rows: torch.Tensor, start: torch.Tensor, prefixes: tuple[int, ...], settings: AdaptSettings
    ) -> None:
        self.settings, self.prefixes = settings, prefixes
        held_out = min(_MAX_HELD_OUT, max(len(rows) // 10, 20))
        self.judges, self.pool = rows[:held_out], rows[held_out:]
        self.best = start[:, : prefixes[-1]].clone()
        self.before = self.best_loss = self.held_out_loss(self.best)
        self.best_step = 0

    def held_out_loss(self, axes: torch.Tensor) -> float:
        """Loss of the held-out documents as queries over themselves and as many documents of the pool."""
        candidates = torch.cat([self.judges, self.pool[: 4 * _MAX_HELD_OUT]])
        with torch.no_grad():
            return float(_divergence(self.judges, candidates, axes, self.prefixes, self.settings))

    def run(self, deadline: float, progress: Progress | None) -> None:
        """Take steps until they are done, the held-out loss stops falling, or the time is up."""
        steps = self.settings.steps
        since_best = 0
        for step, axes in self.trajectory():
            out_of_time = time.perf_counter() > deadline
            if step % self.settings.check_every and step != steps and not out_of_time:
                continue
            loss = self.held_out_loss(axes)
            since_best += 1
            if loss < self.best_loss:
                self.best, self.best_loss, self.best_step, since_best = axes.clone(), loss, step, 0
            if progress is not None:
                progress(step / steps, f"Fitting the rotation: held-out loss {loss:.4f} (PCA {self.before:.4f})")
            if out_of_time or since_best >= self.settings.patience:
                return

    def trajectory(self) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the step and the orthonormal axes `(d, p)` after it.

        Adam with cosine decay and *one* second moment for the whole matrix (Becigneul and Ganea, arXiv 1810.00760):
        one for each entry blows the noise in the last axes, whose gradients are small, up to full steps.
        """
        settings = self.settings
        generator = torch.Generator().manual_seed(settings.seed)
        axes, momentum, energy = self.best.clone(), torch.zeros_like(self.best), 0.0
        rate = settings.learning_rate * min(1.0, math.sqrt(len(self.pool) / _FULL_STEPS_FROM))
        for step in range(1, settings.steps + 1):
            gradient = _tangent(axes, self.gradient(axes, _batch(self.pool, settings, generator)))
            momentum = _tangent(axes, 0.9 * momentum + 0.1 * gradient)
            energy = 0.99 * energy + 0.01 * float(gradient.square().sum())
            decay = (1 + math.cos(math.pi * (step - 1) / settings.steps)) / 2
            scale = (1 - 0.9**step) * math.sqrt(energy / (1 - 0.99**step)) + 1e-12
            move = momentum * (rate * decay / scale)
            axes = _retracted(axes - move / max(1.0, float(move.norm())))
            yield step, axes

    def gradient(self, axes: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Gradient `(d, p)` of the batch's loss."""
        variable = axes.detach().requires_grad_(True)
        loss = _divergence(batch, batch, variable, self.prefixes, self.settings)
        return torch.autograd.grad(loss, variable)[0]


def _divergence(
    queries: torch.Tensor,
    documents: torch.Tensor,
    axes: torch.Tensor,
    prefixes: tuple[int, ...],
    settings: AdaptSettings,
) -> torch.Tensor:
    """Mean KL divergence (nats) of prefix neighbours from full ones; the first documents are the queries themselves."""
    itself = torch.zeros(len(queries), len(documents))
    itself.fill_diagonal_(float("-1e9"))
    target = (queries @ documents.T / settings.temperature + itself).log_softmax(1)
    likely = target.exp()
    importance = [prefix**settings.prefix_weight for prefix in prefixes]
    turned_documents = documents @ axes
    turned_queries = turned_documents[: len(queries)]
    total = torch.zeros(())
    for prefix, share in zip(prefixes, importance, strict=True):
        cut_queries = functional.normalize(turned_queries[:, :prefix], dim=1)
        cut_documents = functional.normalize(turned_documents[:, :prefix], dim=1)
        cut = (cut_queries @ cut_documents.T / settings.temperature + itself).log_softmax(1)
        total = total + share * (likely * (target - cut)).sum()
    return total / (len(queries) * sum(importance))


def _batch(pool: torch.Tensor, settings: AdaptSettings, generator: torch.Generator) -> torch.Tensor:
    """Random documents of the pool, and some with their nearest ones; no document twice."""
    size = min(settings.batch_size, len(pool))
    if size == len(pool) or settings.neighbours == 1:
        return pool[torch.randperm(len(pool), generator=generator)[:size]]
    drawn = torch.randint(len(pool), (size // 2,), generator=generator)
    seeds = drawn[: max(1, size // (2 * settings.neighbours))]
    near = (pool[seeds] @ pool.T).topk(settings.neighbours, dim=1).indices
    return pool[torch.cat([drawn, near.flatten()]).unique()]


def _tangent(axes: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The part of a gradient that keeps `axes` orthonormal (Absil, Mahony and Sepulchre 2008, section 3.6)."""
    product = axes.T @ gradient
    return gradient - axes @ (product + product.T) / 2


def _retracted(axes: torch.Tensor) -> torch.Tensor:
    """Two Newton-Schulz steps towards the nearest orthonormal columns; they converge after a tangent step of norm 1."""
    for _ in range(2):
        axes = 1.5 * axes - 0.5 * axes @ (axes.T @ axes)
    return axes


def _finished(axes: torch.Tensor, rows: torch.Tensor, prefixes: tuple[int, ...]) -> torch.Tensor:
    """A full rotation `(d, d)` from learnt axes `(d, p)`: orthonormal, completed, ordered between the prefixes.

    Turning the axes between two prefixes among themselves changes nothing at either, so they are put in PCA's order
    there: a cut between two prefixes then keeps the larger part.
    """
    left, _, right = torch.linalg.svd(axes.double(), full_matrices=True)
    width = axes.shape[1]
    full = torch.cat([left[:, :width] @ right, left[:, width:]], dim=1)
    turned = rows.double() @ full
    blocks = [
        full[:, low:high] @ _principal_axes(turned[:, low:high]).double()
        for low, high in itertools.pairwise((0, *prefixes, len(full)))
    ]
    return torch.cat(blocks, dim=1).float()


def _principal_axes(rows: torch.Tensor) -> torch.Tensor:
    """Eigenvectors `(d, d)` float32 of the second moments of `(n, d)` rows, largest first, their signs fixed."""
    moments = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64)
    for part in rows.split(8_192):
        moments += part.double().T @ part.double()
    vectors = torch.linalg.eigh(moments / len(rows)).eigenvectors.flip(1)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return (vectors * largest.sign()).float()


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


def _usable(vectors: FloatMatrix) -> FloatMatrix:
    """The rows that are not zero, as unit rows; raises `AdaptError` where there is none."""
    rows = _checked(vectors)
    rows = normalise(rows[np.abs(rows).max(axis=1) > 0])
    if not len(rows):
        raise AdaptError(f"All {len(vectors)} vectors are zero: there is nothing to fit a rotation on.")
    return rows


def _checked(vectors: FloatMatrix) -> FloatMatrix:
    """`(n, d)` float32, finite, d at least 1; raises `AdaptError` that says what is wrong and where."""
    rows = np.asarray(vectors)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise AdaptError(f"Vectors are a matrix (documents, numbers), not an array of shape {rows.shape}.")
    if rows.dtype.kind not in "fiu":
        raise AdaptError(f"Vectors are numbers, not {rows.dtype}.")
    rows = rows.astype(np.float32, copy=False)
    broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(broken):
        raise AdaptError(
            f"{len(broken)} of {len(rows)} vectors hold NaN or infinity, first in row {broken[0]}: encode them again."
        )
    return rows


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise AdaptError(f"{name} is {value!r}: it must be {expected}.")
