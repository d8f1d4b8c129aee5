"""From pairs and their teacher to an elastic model, and from that to the files of an adapter."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.types import Corpus, FloatMatrix, Progress, Reading
from mrl_demo.core.vectors import normalise
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.models.reading import read_texts
from mrl_demo.models.run_folder import HEADS_FILE, ROTATION_FILE
from training.data.pairs import Pairs
from training.elastic.checkpoints import ElasticCheckpoints
from training.elastic.fit import ElasticStep, TaughtPairs, Watch, fit_heads, fit_layers, read_layers
from training.elastic.model import ElasticModel
from training.elastic.settings import ElasticSettings
from training.fit.model import save_adapter
from training.fit.validation import mean_ndcg

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: The heads are learnt over at most so many pairs: the layers of each text are read once, and kept.
HEAD_PAIRS = 4_400
_READ_AT_ONCE = 64


def turn_teacher(
    pairs: Pairs,
    readings: tuple[Reading, Reading],
    vectors: tuple[FloatMatrix, FloatMatrix],
    rotation: FloatMatrix,
    device: torch.device | str = "cpu",
) -> TaughtPairs:
    """The pairs with the teacher's vectors, on `device`, in the axes of `rotation` `(d, d)`."""
    queries, answers = (torch.from_numpy(normalise(rows @ rotation)).to(device) for rows in vectors)
    return TaughtPairs(pairs, readings, queries, answers)


@dataclass(frozen=True)
class TaughtLayers:
    """The elastic model, each layer's mean loss over the last tenth of the steps that read it, and their number."""

    model: ElasticModel
    losses: tuple[float, ...]
    steps: int


def teach_layers(
    base: SentenceTransformer,
    taught: TaughtPairs,
    rotation: FloatMatrix,
    settings: ElasticSettings,
    progress: Progress | None = None,
    watch: Watch | None = None,
    checkpoints: ElasticCheckpoints | None = None,
) -> TaughtLayers:
    """Learn the heads of every layer, and a LoRA with them if there are steps; from the last of `checkpoints` on.

    `base` gets the LoRA, and is not to be used for anything else. Raises whatever `progress` and `watch` raise.
    """
    model = ElasticModel(base, settings.lora_rank if settings.steps else 0, settings.seed)
    is_resumed = bool(settings.steps and checkpoints and checkpoints.is_resumed)
    head_losses = () if is_resumed else _teach_heads(model, taught, rotation, settings, progress)
    if not settings.steps:
        return TaughtLayers(model, tuple(map(_last_tenth, zip(*head_losses, strict=True))), 0)
    losses = fit_layers(model, taught, settings, _telling(model.depth, progress, watch), checkpoints)
    return TaughtLayers(model, tuple(map(_last_tenth, losses)), len(losses[0]))


def _teach_heads(
    model: ElasticModel,
    taught: TaughtPairs,
    rotation: FloatMatrix,
    settings: ElasticSettings,
    progress: Progress | None,
) -> Sequence[tuple[float, ...]]:
    """Learn them over layers that are read once; the loss of every layer at each step."""
    sample = taught.first(HEAD_PAIRS)
    layers = read_layers(model, sample, progress)
    model.start_heads(layers, sample.wanted, torch.tensor(rotation, device=model.device))
    return fit_heads(model, layers, sample.wanted, settings, progress)


def _telling(depth: int, progress: Progress | None, watch: Watch | None) -> Watch:
    """Passes every step on to `watch`, and tells `progress` every ten steps how the layers' losses stand."""
    recent: list[deque[float]] = [deque(maxlen=10) for _ in range(depth)]

    def tell(step: ElasticStep) -> None:
        """Take in a step."""
        for losses, loss in zip(recent, step.by_layer, strict=False):
            losses.append(loss)
        if watch:
            watch(step)
        if progress and step.step % 10 == 1:
            said = " ".join(f"{np.mean(losses):.3f}" if losses else "-" for losses in recent)
            progress(step.step / step.of, f"Step {step.step} of {step.of}, loss by layer {said}")

    return tell


def _last_tenth(losses: Sequence[float]) -> float:
    return float(np.mean(losses[-max(1, len(losses) // 10) :])) if losses else 0.0


def quality_by_layer(
    model: ElasticModel, corpus: Corpus, readings: tuple[Reading, Reading], dims: Sequence[int]
) -> dict[int, dict[int, float]]:
    """Mean nDCG@10 by layer and length on all queries of a corpus; every text is read once for all layers."""
    queries = [query.text for query in judged_set(corpus, "").queries]
    documents = [document.content for document in corpus.documents]
    sides = [_vectors_by_layer(model, *side) for side in zip((queries, documents), readings, strict=True)]
    return {
        layer: mean_ndcg(ArmVectors(asked, searched), corpus, "", dims)
        for layer, (asked, searched) in enumerate(zip(*sides, strict=True), start=1)
    }


@torch.no_grad()
def _vectors_by_layer(model: ElasticModel, texts: Sequence[str], reading: Reading) -> list[FloatMatrix]:
    order = np.argsort([len(text) for text in texts], kind="stable")
    layers = [np.zeros((len(texts), model.heads.shape[-1]), np.float32) for _ in range(model.depth)]
    for start in range(0, len(order), _READ_AT_ONCE):
        rows = order[start : start + _READ_AT_ONCE]
        vectors: list[Tensor] = model(read_texts(model.base, [texts[row] for row in rows], reading))
        for layer, part in zip(layers, vectors, strict=True):
            layer[rows] = part.cpu().numpy()
    return [normalise(layer) for layer in layers]


def save_layers(model: ElasticModel, out: Path, *, has_lora: bool) -> None:
    """Write LoRA weights, the last layer's head as a rotation, and the others' heads, float16 but for the rotation."""
    if has_lora:
        save_adapter(model.base, out, share=1.0)
    heads = model.heads.detach().cpu()
    save_file({"matrix": heads[-1].clone()}, out / ROTATION_FILE)
    save_file({f"layer{i}": head.half().clone() for i, head in enumerate(heads[:-1], 1)}, out / HEADS_FILE)
