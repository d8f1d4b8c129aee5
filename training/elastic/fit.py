"""The two stretches of learning: heads over layers that stay as they are, then a LoRA on the layers with the heads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mrl_demo.core.types import Progress, Reading
from mrl_demo.models.reading import read_texts
from training.data.pairs import Pairs
from training.elastic.checkpoints import ElasticCheckpoints, ElasticPlace
from training.elastic.model import ElasticModel
from training.elastic.objective import elastic_losses
from training.elastic.settings import ElasticSettings

_READ_AT_ONCE = 64
#: Pairs and first step of the heads over layers that were read once.
_HEAD_BATCH, _HEAD_RATE = 192, 2e-3
#: Batches sorted by length together, so that little is padding.
_SORTED_BATCHES = 16
_WARM_UP = 0.05
#: A run can go on from so many places.
_CHECKPOINTS = 8


@dataclass(frozen=True)
class TaughtPairs:
    """What is learnt from: `pairs`, how each side is read, and the teacher's unit rows of both, `(n, d)` each."""

    pairs: Pairs
    readings: tuple[Reading, Reading]
    queries: Tensor
    answers: Tensor

    @property
    def wanted(self) -> Tensor:
        """The teacher's rows of the queries, then of the answers."""
        return torch.cat([self.queries, self.answers])

    def first(self, count: int) -> TaughtPairs:
        """The first `count` pairs of it."""
        kept = self.pairs.take(list(range(min(count, len(self.pairs)))))
        return TaughtPairs(kept, self.readings, self.queries[:count], self.answers[:count])


@dataclass(frozen=True)
class ElasticStep:
    """A step of `of`: the loss at each length of each layer that it read, and how long the rest will take."""

    step: int
    of: int
    seconds_left: float
    losses: tuple[tuple[float, ...], ...]

    @property
    def by_layer(self) -> tuple[float, ...]:
        """The mean loss of each layer that was read."""
        return tuple(float(np.mean(row)) for row in self.losses)


Watch: TypeAlias = Callable[[ElasticStep], None]


def read_layers(model: ElasticModel, taught: TaughtPairs, progress: Progress | None) -> list[Tensor]:
    """Pooled vectors `(2 n, d)` float16 of every layer: the queries', then the answers', before anything is trained."""
    sides = zip((taught.pairs.queries, taught.pairs.positives), taught.readings, strict=True)
    parts = [_read_side(model, texts, reading, progress) for texts, reading in sides]
    return [torch.cat(both) for both in zip(*parts, strict=True)]


def _read_side(model: ElasticModel, texts: Sequence[str], reading: Reading, progress: Progress | None) -> list[Tensor]:
    order = np.argsort([len(text) for text in texts], kind="stable")
    layers: list[Tensor] = []
    for start in range(0, len(order), _READ_AT_ONCE):
        rows = torch.from_numpy(order[start : start + _READ_AT_ONCE]).to(model.device)
        with torch.no_grad():
            pooled = model.pooled(read_texts(model.base, [texts[row] for row in rows.tolist()], reading))
        shape = len(texts), pooled[0].shape[1]
        layers = layers or [torch.empty(shape, dtype=torch.float16, device=model.device) for _ in pooled]
        for layer, part in zip(layers, pooled, strict=True):
            layer[rows] = functional.normalize(part, dim=1).half()
        if progress and not start // _READ_AT_ONCE % 10:
            progress(start / len(order), f"Reading the layers of {start:,} of {len(order):,} texts")
    return layers


def fit_heads(
    model: ElasticModel, layers: Sequence[Tensor], wanted: Tensor, settings: ElasticSettings, progress: Progress | None
) -> list[tuple[float, ...]]:
    """Learn the heads over layers that stay as they are, the last layer's not; the loss of every layer at each step."""
    heads = [head.clone().requires_grad_() for head in model.heads.detach()[:-1]]
    optimiser = torch.optim.Adam(heads, lr=_HEAD_RATE) if heads else None
    generator = torch.Generator().manual_seed(settings.seed)
    pairs = len(wanted) // 2
    losses: list[tuple[float, ...]] = []
    for step in range(settings.head_steps):
        chosen = torch.randperm(pairs, generator=generator)[:_HEAD_BATCH].to(wanted.device)
        rows = torch.cat([chosen, chosen + pairs])
        vectors = [
            layer[rows].float() @ head for layer, head in zip(layers, (*heads, model.heads.detach()[-1]), strict=True)
        ]
        by_layer = [
            elastic_losses(part, wanted[rows], settings.prefixes, settings.temperature).mean() for part in vectors
        ]
        if optimiser:
            optimiser.param_groups[0]["lr"] = _HEAD_RATE * (1 + math.cos(math.pi * step / settings.head_steps)) / 2
            optimiser.zero_grad()
            torch.stack(by_layer).sum().backward()
            optimiser.step()
        losses.append(tuple(torch.stack(by_layer).detach().tolist()))
        if progress and step % 20 == 0:
            said = " ".join(f"{loss:.3f}" for loss in losses[-1])
            progress((step + 1) / settings.head_steps, f"Head step {step + 1}, loss by layer {said}")
    with torch.no_grad():
        for layer, head in enumerate(heads):
            model.heads[layer] = head
    return losses


def fit_layers(
    model: ElasticModel,
    taught: TaughtPairs,
    settings: ElasticSettings,
    watch: Watch,
    checkpoints: ElasticCheckpoints | None = None,
) -> tuple[tuple[float, ...], ...]:
    """Take the steps of LoRA and heads, as many as settings and their minutes allow, from the last of `checkpoints` on.

    Returns each layer's mean loss at every step that read it. Raises whatever `watch` raises, which is called after
    every step.
    """
    steps = _Steps(model, taught, settings)
    begun = checkpoints.restore(model, steps.optimiser) if checkpoints else None
    losses: list[list[float]] = [list(row) for row in begun.losses] if begun else [[] for _ in range(model.depth)]
    clock = _Clock(settings.steps, settings.minutes, begun.seconds if begun else 0.0)
    order = zip(_batches(taught.pairs, settings), _depths(model.depth, settings), strict=False)
    for rows, layers in islice(order, len(losses[0]), None):
        share = clock.share(len(losses[0]))
        if share >= 1:
            break
        values = steps.take(rows, layers, share)
        for layer, value in zip(losses, values, strict=False):
            layer.append(float(np.mean(value)))
        done = len(losses[0])
        watch(ElasticStep(done, clock.expected(done), clock.seconds_left(done), values))
        if checkpoints and _eighth(clock.share(done)) > _eighth(share):
            checkpoints.save(model, steps.optimiser, ElasticPlace(clock.seconds, tuple(map(tuple, losses))))
    return tuple(map(tuple, losses))


def _eighth(share: float) -> int:
    return min(int(share * _CHECKPOINTS), _CHECKPOINTS - 1)


class _Steps:
    """The steps of LoRA and heads over `taught`, one after another."""

    def __init__(self, model: ElasticModel, taught: TaughtPairs, settings: ElasticSettings) -> None:
        self._model, self._taught, self._settings = model, taught, settings
        self._lora = [weight for name, weight in model.named_parameters() if weight.requires_grad and name != "heads"]
        self.optimiser = torch.optim.AdamW(
            [{"params": self._lora, "lr": settings.learning_rate}, {"params": [model.heads], "lr": settings.head_rate}],
            weight_decay=0.0,
        )
        self._rates = settings.learning_rate, settings.head_rate

    def take(self, rows: list[int], layers: int, share: float) -> tuple[tuple[float, ...], ...]:
        """Learn from those rows by the first `layers` layers; the loss of each of them at each length."""
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * _rate(share)
        losses = _step_losses(self._model, self._taught, rows, layers, self._settings)
        self.optimiser.zero_grad()
        (_shares_of_layers(layers).to(losses.device) @ losses.mean(1)).backward()
        torch.nn.utils.clip_grad_norm_(self._lora, 1.0)
        self.optimiser.step()
        return tuple(map(tuple, losses.detach().tolist()))


def _step_losses(
    model: ElasticModel, taught: TaughtPairs, rows: list[int], layers: int, settings: ElasticSettings
) -> Tensor:
    """The loss of each of the first `layers` layers at each length, `(layers, lengths)`."""
    sides = zip((taught.pairs.queries, taught.pairs.positives), taught.readings, strict=True)
    read = [model(read_texts(model.base, [texts[row] for row in rows], reading), layers) for texts, reading in sides]
    wanted = torch.cat([taught.queries[rows], taught.answers[rows]])
    vectors = (torch.cat(parts) for parts in zip(*read, strict=True))
    return torch.stack([elastic_losses(part, wanted, settings.prefixes, settings.temperature) for part in vectors])


def _shares_of_layers(layers: int) -> Tensor:
    """How much the loss of each layer counts: an early one can do least, and would pull most."""
    places = torch.arange(1.0, layers + 1)
    return places / places.sum()


@dataclass
class _Clock:
    """How far a run is: by its steps, or by its minutes if these run out first; `spent` seconds passed before."""

    steps: int
    minutes: float
    spent: float = 0.0

    def __post_init__(self) -> None:
        self._started = time.perf_counter() - self.spent

    def share(self, done: int) -> float:
        """The share of the run that is over after so many steps."""
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        return max(done / self.steps, by_time)

    def expected(self, done: int) -> int:
        """How many steps it will be."""
        return max(done, min(self.steps, round(done / max(self.share(done), 1e-9))))

    def seconds_left(self, done: int) -> float:
        """How long the rest takes at the pace so far."""
        return self.seconds * max(0.0, 1 / max(self.share(done), 1e-9) - 1)

    @property
    def seconds(self) -> float:
        """How long the steps took so far."""
        return time.perf_counter() - self._started


def _rate(share: float) -> float:
    """The step size as a share of the highest: it rises at first, then falls with a cosine to 0."""
    return min(1.0, (share + 0.002) / _WARM_UP) * (1 + math.cos(math.pi * min(1.0, share))) / 2


def _depths(most: int, settings: ElasticSettings) -> Iterator[int]:
    """How many layers each step reads."""
    generator = np.random.default_rng(settings.seed + 1)
    while True:
        is_shallow = generator.random() < settings.shallow_share
        yield (most + 1) // 2 if is_shallow else most


def _batches(pairs: Pairs, settings: ElasticSettings) -> Iterator[list[int]]:
    """Rows of pairs, batch by batch without an end, those of about one length together."""
    generator = np.random.default_rng(settings.seed)
    size = min(settings.batch_size, len(pairs))
    while True:
        order = generator.permutation(len(pairs))
        for start in range(0, len(order) - size + 1, size * _SORTED_BATCHES):
            chunk = order[start : start + size * _SORTED_BATCHES]
            chunk = chunk[np.argsort([len(pairs.positives[row]) for row in chunk], kind="stable")]
            batches = [chunk[i : i + size].tolist() for i in range(0, len(chunk) - size + 1, size)]
            yield from (batches[i] for i in generator.permutation(len(batches)))
