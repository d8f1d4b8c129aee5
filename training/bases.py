"""The model a run starts from: the packaged MiniLM, a folder, or a Hub id; loaded, hashed and encoded with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mrl_demo.cache import VectorCache, vectors_key
from mrl_demo.models.encoders import has_bf16, load_sentence_transformer
from mrl_demo.models.hub import hub_folder
from mrl_demo.models.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM, ModelSpec
from mrl_demo.storage import sha256_file, sha256_text
from mrl_demo.types import FloatMatrix, ModelError, Progress
from mrl_demo.vectors import normalise
from training.config import TrainConfig

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32
_REPORT_EVERY = 10 * _BATCH


@dataclass(frozen=True)
class Base:
    """Where the weights lie, and their sha256 (of a Hub model: of its id and revision)."""

    spec: ModelSpec
    folder: str
    weights_sha256: str

    def load(self) -> SentenceTransformer:
        """A fresh model on the CPU, float32."""
        return load_sentence_transformer(self.folder, self.spec)


def find_base(config: TrainConfig) -> Base:
    """Locate and hash the configuration's base; raises `ModelError` naming what is missing."""
    if config.base == MINILM.name:
        return Base(MINILM, str(verified_base_dir()), MINILM.weights_sha256)
    folder = Path(config.base)
    if folder.is_dir():
        found = sorted(folder.glob("**/*.safetensors"))
        if not found:
            raise ModelError(f"{folder} holds no .safetensors weights: give a sentence-transformers folder.")
        digest = sha256_text(*(sha256_file(path) for path in found))
        return Base(_spec(config, "folder"), str(folder), digest)
    return Base(
        _spec(config, "hub"), str(hub_folder(config.base, config.revision)), sha256_text(config.base, config.revision)
    )


def _spec(config: TrainConfig, source: str) -> ModelSpec:
    return ModelSpec(
        name=Path(config.base).name, source=source, model_id=config.base, dimension=0, revision=config.revision,
        query_prompt=config.query_prompt, document_prompt=config.document_prompt, max_tokens=512,
    )  # fmt: skip


def encode(
    model: SentenceTransformer, texts: Sequence[str], prompt: str = "", progress: Progress | None = None
) -> FloatMatrix:
    """`(n, d)` float32 unit rows, full length, longest texts first; bf16 autocast where the CPU has it."""
    order = np.argsort([-len(text) for text in texts], kind="stable")
    out = np.empty((len(texts), int(model.get_embedding_dimension() or 0)), dtype=np.float32)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16) if has_bf16() else nullcontext()
    model.eval()
    with autocast:
        for start in range(0, len(order), _REPORT_EVERY):
            part = order[start : start + _REPORT_EVERY]
            out[part] = model.encode(
                [texts[i] for i in part], prompt=prompt or None, batch_size=_BATCH, show_progress_bar=False
            )
            if progress:
                progress((start + len(part)) / len(order), f"Encoding {start + len(part):,} of {len(order):,} texts")
    return normalise(out)


@dataclass(frozen=True)
class BaseVectors:
    """Vectors of the base model, kept in the cache by weights and texts."""

    base: Base
    model: SentenceTransformer
    cache: VectorCache

    def of(self, texts: Sequence[str], prompt: str = "", progress: Progress | None = None) -> FloatMatrix:
        """`(n, d)` float32 unit rows of `texts`, from the cache where it has them."""
        role = f"training-{prompt}-{self.model.max_seq_length}"
        key = vectors_key(self.base.weights_sha256, sha256_text(*texts), role)
        found = self.cache.load(key, len(texts))
        if found is None:
            found = encode(self.model, texts, prompt, progress)
            self.cache.store(key, found)
        return found
