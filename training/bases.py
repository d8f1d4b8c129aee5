"""The model a run starts from: the packaged MiniLM, a folder, or a Hub id; loaded, hashed and encoded with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mrl_demo.core.cache import VectorCache, vectors_key
from mrl_demo.core.hardware import choose_device
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import FloatMatrix, Progress, Reading
from mrl_demo.core.vectors import normalise
from mrl_demo.models.batches.bulk import bulk_dtype, encode_in_bulk, forward_pass
from mrl_demo.models.folders import find_model
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM, ModelSpec
from training.config import PromptConfig, TrainConfig

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Linear layers of BERT-like encoders: attention and feed-forward.
_LORA_TARGETS = {
    "query", "key", "value", "dense", "q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "Wqkv", "Wo", "Wi",
}  # fmt: skip


_TRAINED_WHOLE = "This base has no attention or linear layers for LoRA to adapt: all of its weights are trained."


@dataclass(frozen=True)
class Base:
    """Where the weights lie, and the sha256 of all that decides the model's vectors.

    Of the packaged model it is that of the weights alone, as the shipped adapters name it; the rest is verified.
    `lora_targets` are the layers that LoRA adapts, empty if the model has none.
    """

    spec: ModelSpec
    folder: str
    content_sha256: str
    lora_targets: tuple[str, ...] = ()

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights as they lie on the disk."""
        return sum(path.stat().st_size for path in Path(self.folder).rglob("*.safetensors"))

    def load(self, device: str = "cpu") -> SentenceTransformer:
        """A fresh model, float32, that reads as many tokens as it does by itself; `device` as MRL_DEVICE has it."""
        return load_sentence_transformer(self.folder, self.spec, choose_device(device))


def settle(config: TrainConfig) -> tuple[TrainConfig, Base]:
    """Fill in what only the base model knows: its full length and prompts; return configuration and base.

    Its full length is among the dims, and its own prompts are used if the configuration has none. A base without
    layers for LoRA is trained whole, and a note says so. Raises `ModelError` if there is no such model and
    `ConfigError` for a dim above its length.
    """
    base = find_base(config)
    if config.adapter.lora_rank and not base.lora_targets:
        config = config.changed(lora_rank=0)
        base = replace(base, spec=replace(base.spec, notes=(*base.spec.notes, _TRAINED_WHOLE)))
    prompts = config.prompts
    if not (prompts.query_prompt or prompts.document_prompt):
        prompts = PromptConfig(base.spec.query_prompt, base.spec.document_prompt)
    spec = replace(base.spec, query_prompt=prompts.query_prompt, document_prompt=prompts.document_prompt)
    objective = config.objective.up_to(spec.dimension)
    return replace(config, prompts=prompts, objective=objective), replace(base, spec=spec)


def find_base(config: TrainConfig) -> Base:
    """Locate, hash and look at the configuration's base; raises `ModelError` naming what is missing."""
    if config.base == MINILM.name:
        targets = ("dense", "key", "query", "value")
        return Base(MINILM, str(verified_base_dir()), MINILM.content_sha256, targets)
    model = find_model(config.base, config.revision)
    spec = replace(model.spec, model_id=config.base)
    return Base(spec, str(model.folder), spec.content_sha256, lora_targets(model.model))


def lora_targets(model: SentenceTransformer) -> tuple[str, ...]:
    """Names of the linear layers that LoRA adapts, sorted; none for a Router, a StaticEmbedding and the like."""
    from sentence_transformers.sentence_transformer.modules import Transformer

    if not isinstance(model[0], Transformer):
        return ()
    layers = (name for name, layer in model[0].named_modules() if isinstance(layer, torch.nn.Linear))
    return tuple(sorted({name.rsplit(".", 1)[-1] for name in layers} & _LORA_TARGETS))


def encode(
    model: SentenceTransformer, texts: Sequence[str], reading: Reading, progress: Progress | None = None
) -> FloatMatrix:
    """`(n, d)` float32 unit rows, full length, every distinct text once; bf16 products if the device has them."""
    distinct = list(dict.fromkeys(texts))
    place = {text: i for i, text in enumerate(distinct)}
    model.eval()

    def report(done: int) -> None:
        """Say how many texts are encoded."""
        if progress:
            progress(done / len(distinct), f"Encoding {done:,} of {len(distinct):,} texts")

    forward = forward_pass(model, bulk_dtype(model.device.type))
    vectors = encode_in_bulk(model, forward, distinct, reading, torch.get_num_threads(), report)
    return normalise(vectors[[place[text] for text in texts]])


@dataclass(frozen=True)
class BaseVectors:
    """Vectors of the base model, kept in the cache by its contents, the texts and how they were read."""

    base: Base
    model: SentenceTransformer
    cache: VectorCache

    def of(self, texts: Sequence[str], reading: Reading, progress: Progress | None = None) -> FloatMatrix:
        """`(n, d)` float32 unit rows of `texts`, from the cache if it has them."""
        precision = str(bulk_dtype(self.model.device.type))
        role = f"training-{reading}-{self.model.max_seq_length}-{precision}"
        spec = replace(self.base.spec, model_id="")  # A folder that moves keeps its vectors.
        key = vectors_key(spec.fingerprint, sha256_text(*texts), role)
        vectors = self.cache.load(key, len(texts))
        if vectors is None:
            vectors = encode(self.model, texts, reading, progress)
            self.cache.store(key, vectors)
        return vectors
