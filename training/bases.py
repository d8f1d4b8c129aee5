"""The model a run starts from: the packaged MiniLM, a folder, or a Hub id; loaded, hashed and encoded with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mrl_demo.core.cache import VectorCache, vectors_key
from mrl_demo.core.errors import ModelError
from mrl_demo.core.hardware import has_bf16
from mrl_demo.core.storage import sha256_file, sha256_text
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.core.vectors import normalise
from mrl_demo.models.encoders import encode_in_bulk, forward_pass, load_sentence_transformer
from mrl_demo.models.hub import hub_folder
from mrl_demo.models.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM, ModelSpec, own_prompts
from training.config import TrainConfig

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32


@dataclass(frozen=True)
class Base:
    """Where the weights lie, and their sha256 (of a Hub model: of its id and revision)."""

    spec: ModelSpec
    folder: str
    weights_sha256: str

    def load(self) -> SentenceTransformer:
        """A fresh model on the CPU, float32."""
        return load_sentence_transformer(self.folder, self.spec)


def settled(config: TrainConfig) -> tuple[TrainConfig, Base]:
    """The configuration with what only its base model knows, and that base.

    Its full length is among the dims, and its own prompts stand where the configuration has none. Raises `ModelError`
    where there is no such model and `ConfigError` for a dim above its length.
    """
    base = find_base(config)
    if base.spec.dimension:
        return config.checked_against(base.spec.dimension), base
    model = base.load()
    if not (config.query_prompt or config.document_prompt):
        query, document = own_prompts(model.prompts)
        config = replace(config, query_prompt=query, document_prompt=document)
    spec = replace(base.spec, query_prompt=config.query_prompt, document_prompt=config.document_prompt)
    return config.checked_against(int(model.get_embedding_dimension() or 0)), replace(base, spec=spec)


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
    """`(n, d)` float32 unit rows, full length, every distinct text once; bf16 products where the CPU has them."""
    distinct = list(dict.fromkeys(texts))
    place = {text: i for i, text in enumerate(distinct)}
    model.eval()

    def report(done: int) -> None:
        if progress:
            progress(done / len(distinct), f"Encoding {done:,} of {len(distinct):,} texts")

    if model.device.type == "cpu":
        forward = forward_pass(model, torch.bfloat16 if has_bf16() else torch.float32)
        dimension = int(model.get_embedding_dimension() or 0)
        prompted = [prompt + text for text in distinct]
        found = encode_in_bulk(model, forward, prompted, dimension, torch.get_num_threads(), report)
    else:
        found = model.encode(distinct, prompt=prompt or None, batch_size=_BATCH, show_progress_bar=False)
    return normalise(found[[place[text] for text in texts]])


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
