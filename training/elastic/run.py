"""From pairs to a folder of an elastic encoder: teacher's vectors, heads, steps, and what is kept."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from mrl_demo.core.types import FloatMatrix, Progress, Reading
from mrl_demo.core.vectors import normalise
from mrl_demo.models.adapters import write_manifest
from mrl_demo.models.reading import limit_tokens, read_texts
from mrl_demo.models.run_folder import HEADS_FILE, LORA_FILE, ROTATION_FILE
from mrl_demo.models.specs import MINILM_SHA256
from training.bases import encode
from training.data.pairs import Pairs
from training.elastic.model import ElasticModel
from training.elastic.objective import elastic_loss
from training.elastic.settings import ElasticSettings
from training.fit.model import save_adapter

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_TEXT = Reading("document", "")
_READ_AT_ONCE = 64
#: Pairs and first step of the heads over layers that were read once.
_HEAD_BATCH, _HEAD_RATE = 192, 2e-3
#: Batches sorted by length together, so that little is padding.
_SORTED_BATCHES = 16
_WARM_UP = 0.05


@dataclass(frozen=True)
class ElasticReport:
    """What a training took: wall seconds, steps, pairs, and the mean loss of each layer over its last tenth."""

    seconds: float
    steps: int
    pairs: int
    loss_by_layer: tuple[float, ...]


def train_elastic(
    base: SentenceTransformer,
    pairs: Pairs,
    rotation: FloatMatrix,
    settings: ElasticSettings,
    out: Path,
    progress: Progress | None = None,
) -> ElasticReport:
    """Teach every layer of `base`, the packaged one, its last layer's vectors in the axes of `rotation` `(d, d)`.

    `base` gets a LoRA and is not to be used for anything else. Writes an adapter into `out`: LoRA weights, the last
    layer's head as its rotation, and the heads of the others. Raises whatever `progress` raises.
    """
    started = time.perf_counter()
    limit_tokens(base, settings.max_tokens)
    queries, answers = (
        torch.from_numpy(normalise(encode(base, texts, _TEXT, progress) @ rotation))
        for texts in (pairs.queries, pairs.positives)
    )
    model = ElasticModel(base, settings.rank if settings.steps else 0, settings.seed)
    wanted = torch.cat([queries, answers])
    layers = _read_layers(model, (*pairs.queries, *pairs.positives), progress)
    model.start_heads(layers, wanted, torch.from_numpy(rotation))
    losses = _fit_heads(model, layers, wanted, settings, progress)
    del layers
    if settings.steps:
        losses = _fit(model, pairs, queries, answers, settings, progress)
    last = np.mean(losses[-max(1, len(losses) // 10) :], axis=0)
    report = ElasticReport(time.perf_counter() - started, settings.steps, len(pairs), tuple(map(float, last)))
    _save(model, settings, report, out)
    return report


def _read_layers(model: ElasticModel, texts: Sequence[str], progress: Progress | None) -> list[Tensor]:
    """Pooled vectors `(n, d)` of every layer, before anything is trained; half of the bytes in float16."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    layers: list[Tensor] = []
    for start in range(0, len(order), _READ_AT_ONCE):
        rows = torch.from_numpy(order[start : start + _READ_AT_ONCE])
        with torch.no_grad():
            pooled = model.pooled(read_texts(model.base, [texts[row] for row in rows], _TEXT))
        layers = layers or [torch.empty(len(texts), pooled[0].shape[1], dtype=torch.float16) for _ in pooled]
        for layer, part in zip(layers, pooled, strict=True):
            layer[rows] = functional.normalize(part, dim=1).half()
        if progress and not start // _READ_AT_ONCE % 10:
            progress(start / len(order), f"Reading the layers of {start:,} of {len(order):,} texts")
    return layers


def _fit_heads(
    model: ElasticModel, layers: Sequence[Tensor], wanted: Tensor, settings: ElasticSettings, progress: Progress | None
) -> list[list[float]]:
    """Learn the heads over layers that stay as they are, the last layer's not; the loss of every layer at each step."""
    heads = [head.clone().requires_grad_() for head in model.heads.detach()[:-1]]
    optimiser = torch.optim.Adam(heads, lr=_HEAD_RATE)
    generator = torch.Generator().manual_seed(settings.seed)
    pairs = len(wanted) // 2
    losses: list[list[float]] = []
    for step in range(settings.head_steps):
        for group in optimiser.param_groups:
            group["lr"] = _HEAD_RATE * (1 + math.cos(math.pi * step / settings.head_steps)) / 2
        chosen = torch.randperm(pairs, generator=generator)[:_HEAD_BATCH]
        rows = torch.cat([chosen, chosen + pairs])
        vectors = [layer[rows].float() @ head for layer, head in zip(layers[:-1], heads, strict=True)]
        last = layers[-1][rows].float() @ model.heads.detach()[-1]
        by_layer = [
            elastic_loss([part], wanted[rows], settings.prefixes, settings.temperature) for part in (*vectors, last)
        ]
        optimiser.zero_grad()
        torch.stack(by_layer).sum().backward()
        optimiser.step()
        losses.append([float(loss.detach()) for loss in by_layer])
        if progress and step % 20 == 0:
            said = " ".join(f"{loss:.3f}" for loss in losses[-1])
            progress((step + 1) / settings.head_steps, f"Head step {step + 1}, loss by layer {said}")
    with torch.no_grad():
        for layer, head in enumerate(heads):
            model.heads[layer] = head
    return losses


def _fit(
    model: ElasticModel,
    pairs: Pairs,
    queries: Tensor,
    answers: Tensor,
    settings: ElasticSettings,
    progress: Progress | None,
) -> list[list[float]]:
    """Take the steps; the loss of every layer at each."""
    lora = [weight for name, weight in model.named_parameters() if weight.requires_grad and name != "heads"]
    groups = [{"params": lora, "lr": settings.learning_rate}, {"params": [model.heads], "lr": settings.head_rate}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, settings.steps))
    losses: list[list[float]] = []
    for step, rows in zip(range(settings.steps), _batches(pairs, settings), strict=False):
        sides = [[texts[row] for row in rows] for texts in (pairs.queries, pairs.positives)]
        read = [model(read_texts(model.base, side, _TEXT)) for side in sides]
        wanted = torch.cat([queries[rows], answers[rows]])
        layers = [torch.cat(parts) for parts in zip(*read, strict=True)]
        by_layer = [elastic_loss([rows], wanted, settings.prefixes, settings.temperature) for rows in layers]
        optimiser.zero_grad()
        torch.stack(by_layer).mean().backward()
        torch.nn.utils.clip_grad_norm_(lora, 1.0)
        optimiser.step()
        schedule.step()
        losses.append([float(loss.detach()) for loss in by_layer])
        if progress and step % 10 == 0:
            said = " ".join(f"{loss:.3f}" for loss in np.mean(losses[-10:], axis=0))
            progress((step + 1) / settings.steps, f"Step {step + 1} of {settings.steps}, loss by layer {said}")
    return losses


def _rate(step: int, steps: int) -> float:
    warm = max(1, int(_WARM_UP * steps))
    return min(1.0, (step + 1) / warm) * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2


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


def _save(model: ElasticModel, settings: ElasticSettings, report: ElasticReport, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if settings.steps:
        save_adapter(model.base, out, share=1.0)
        _halve(out / LORA_FILE)
    heads = model.heads.detach()
    save_file({"matrix": heads[-1].clone()}, out / ROTATION_FILE)
    save_file({f"layer{i}": head.half().clone() for i, head in enumerate(heads[:-1], 1)}, out / HEADS_FILE)
    write_manifest(out, out.name, MINILM_SHA256, settings.prefixes, heads.shape[-1])
    said: dict[str, Any] = {"settings": settings.to_dict(), **report.__dict__}
    (out / "elastic.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def _halve(path: Path) -> None:
    """Keep weights in float16: half the bytes, and far finer than what the training decides."""
    save_file({name: weight.half() for name, weight in load_file(path).items()}, path)
