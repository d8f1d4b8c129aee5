"""From pairs to a folder of an elastic encoder: teacher's vectors, heads, steps, and what is kept."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from mrl_demo.core.types import FloatMatrix, Progress, Reading
from mrl_demo.core.vectors import normalise
from mrl_demo.models.adapters import write_manifest
from mrl_demo.models.reading import limit_tokens
from mrl_demo.models.run_folder import HEADS_FILE, LORA_FILE, ROTATION_FILE
from mrl_demo.models.specs import MINILM_SHA256
from training.bases import encode
from training.data.pairs import Pairs
from training.elastic.fit import ElasticStep, TaughtPairs, Watch, fit_heads, fit_layers, read_layers
from training.elastic.model import ElasticModel
from training.elastic.settings import ElasticSettings
from training.fit.model import save_adapter

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PLAIN = (Reading("document", ""), Reading("document", ""))
#: The heads are learnt over at most so many pairs: the layers of each text are read once, and kept.
_HEAD_PAIRS = 4_400


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
    taught = ask_teacher(base, pairs, _PLAIN, rotation, progress)
    model, losses, steps = teach_layers(base, taught, rotation, settings, progress)
    report = ElasticReport(time.perf_counter() - started, steps, len(pairs), losses)
    _save(model, settings, report, out)
    return report


def ask_teacher(
    base: SentenceTransformer,
    pairs: Pairs,
    readings: tuple[Reading, Reading],
    rotation: FloatMatrix,
    progress: Progress | None,
) -> TaughtPairs:
    """The pairs with what `base` says of them in full, in the axes of `rotation`, before anything is trained."""
    queries, answers = (
        torch.from_numpy(normalise(encode(base, texts, reading, progress) @ rotation))
        for texts, reading in zip((pairs.queries, pairs.positives), readings, strict=True)
    )
    return TaughtPairs(pairs, readings, queries, answers)


def teach_layers(
    base: SentenceTransformer,
    taught: TaughtPairs,
    rotation: FloatMatrix,
    settings: ElasticSettings,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> tuple[ElasticModel, tuple[float, ...], int]:
    """The elastic model over `base`, each layer's mean loss over the last tenth of the steps, and their number."""
    model = ElasticModel(base, settings.rank if settings.steps else 0, settings.seed)
    sample = taught.first(_HEAD_PAIRS)
    layers = read_layers(model, sample, progress)
    model.start_heads(layers, sample.wanted, torch.from_numpy(rotation))
    losses = fit_heads(model, layers, sample.wanted, settings, progress)
    del layers
    if not settings.steps:
        last = np.mean(losses[-max(1, len(losses) // 10) :], axis=0)
        return model, tuple(map(float, last)), 0
    memory = _Memory(model.depth, progress, watch)
    steps = fit_layers(model, taught, settings, memory.see)
    return model, memory.last_tenth(), steps


class _Memory:
    """Keeps the losses of every layer, and says how they stand every ten steps."""

    def __init__(self, depth: int, progress: Progress | None, watch: Watch | None) -> None:
        self._losses: list[list[float]] = [[] for _ in range(depth)]
        self._progress, self._watch = progress, watch

    def see(self, step: ElasticStep) -> None:
        """Take in a step."""
        for losses, loss in zip(self._losses, step.by_layer, strict=False):
            losses.append(loss)
        if self._watch:
            self._watch(step)
        if self._progress and step.step % 10 == 1:
            said = " ".join(f"{np.mean(losses[-10:]):.3f}" if losses else "-" for losses in self._losses)
            self._progress(step.step / step.of, f"Step {step.step} of {step.of}, loss by layer {said}")

    def last_tenth(self) -> tuple[float, ...]:
        """The mean loss of each layer over the last tenth of the steps that read it."""
        return tuple(float(np.mean(losses[-max(1, len(losses) // 10) :])) if losses else 0.0 for losses in self._losses)


def _save(model: ElasticModel, settings: ElasticSettings, report: ElasticReport, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    save_layers(model, out, has_lora=bool(settings.steps))
    write_manifest(out, out.name, MINILM_SHA256, settings.prefixes, model.heads.shape[-1])
    said: dict[str, Any] = {"settings": settings.to_dict(), **asdict(report)}
    (out / "elastic.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def save_layers(model: ElasticModel, out: Path, *, has_lora: bool) -> None:
    """Write LoRA weights, the last layer's head as a rotation, and the others' heads, float16 but for the rotation."""
    if has_lora:
        save_adapter(model.base, out, share=1.0)
        _halve(out / LORA_FILE)
    heads = model.heads.detach()
    save_file({"matrix": heads[-1].clone()}, out / ROTATION_FILE)
    save_file({f"layer{i}": head.half().clone() for i, head in enumerate(heads[:-1], 1)}, out / HEADS_FILE)


def _halve(path: Path) -> None:
    """Keep weights in float16: half the bytes, and far finer than what the training decides."""
    save_file({name: weight.half() for name, weight in load_file(path).items()}, path)
