"""The encoder while it trains: pooled vectors of every layer, each through a linear head of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mrl_demo.core.errors import ModelError
from mrl_demo.core.hardware import has_bf16
from mrl_demo.models.reading import Features
from training.bases import lora_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentence_transformers import SentenceTransformer

_READ = ("input_ids", "attention_mask", "token_type_ids")


class ElasticModel(nn.Module):
    """A BERT-like encoder pooled after every layer as its base pools the last, and a bias-free head `(d, d)` each.

    `rank` is that of the LoRA put on its linear layers, 0 for none; its other weights are frozen. Dropout is off, so
    that the student can reach its teacher and runs repeat. Raises `ModelError` for a base whose layers are no stack.
    """

    def __init__(self, base: SentenceTransformer, rank: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        first: Any = base[0]
        if getattr(getattr(getattr(first, "model", None), "encoder", None), "layer", None) is None:
            raise ModelError("This model is no BERT-like stack of layers: it cannot stop at a layer before the last.")
        base.requires_grad_(False)
        if rank:
            _add_lora(base, rank)
        for module in base.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        self.base = base
        self.bert: Any = first.model
        self._pooling: Any = _find_pooling(base)
        self._stack: Any = self.bert.encoder.layer
        width = int(self.bert.config.hidden_size)
        self.heads = nn.Parameter(torch.eye(width, device=base.device).repeat(len(self._stack), 1, 1))

    @property
    def device(self) -> torch.device:
        """Where it computes: where its base does."""
        return self.heads.device

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self._stack)

    def pooled(self, features: Features, layers: int = 0) -> list[Tensor]:
        """The text's vector after each of the first `layers` layers (0: all), `(n, d)` float32 each."""
        kind = self.device.type
        products = torch.autocast(kind, dtype=torch.bfloat16, enabled=has_bf16(kind))
        features = {name: features[name].to(self.device) for name in _READ if name in features}
        with products, self._stopping_at(layers or self.depth):
            read = self.bert(**features, output_hidden_states=True)
        return [self._pool(hidden.float(), features) for hidden in read.hidden_states[1:]]

    def forward(self, features: Features, layers: int = 0) -> list[Tensor]:
        """Vectors of each of the first `layers` layers (0: all), `(n, d)` each, not yet of length 1."""
        return [rows @ head for rows, head in zip(self.pooled(features, layers), self.heads, strict=False)]

    @torch.no_grad()
    def start_heads(self, pooled: list[Tensor], wanted: Tensor, last: Tensor) -> None:
        """Let each head be the ridge regression of the teacher's vectors on its layer's; the last is `last` itself."""
        for layer, rows in enumerate(pooled[:-1]):
            rows = rows.double()
            moments = rows.T @ rows
            moments += (
                1e-3 * moments.diagonal().mean() * torch.eye(len(moments), dtype=torch.float64, device=rows.device)
            )
            self.heads[layer] = torch.linalg.solve(moments, rows.T @ wanted.double()).float()
        self.heads[-1] = last

    def _pool(self, tokens: Tensor, features: Features) -> Tensor:
        pooled: Tensor = self._pooling({**features, "token_embeddings": tokens})["sentence_embedding"]
        return pooled

    @contextmanager
    def _stopping_at(self, layers: int) -> Iterator[None]:
        """Let the encoder read its first layers only."""
        encoder, config = self.bert.encoder, self.bert.config
        encoder.layer, config.num_hidden_layers = self._stack[:layers], layers
        try:
            yield
        finally:
            encoder.layer, config.num_hidden_layers = self._stack, self.depth


def _find_pooling(base: SentenceTransformer) -> Any:  # noqa: ANN401 - a module of sentence-transformers
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    middle = [module for module in list(base)[1:] if not isinstance(module, Normalize)]
    if len(middle) != 1 or not isinstance(middle[0], Pooling):
        kinds = ", ".join(type(module).__name__ for module in base)
        raise ModelError(f"Layers are learnt for a transformer with one pooling, and this model is {kinds}.")
    return middle[0]


def _add_lora(base: SentenceTransformer, rank: int) -> None:
    from peft import LoraConfig

    targets = list(lora_targets(base))
    base.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets, exclude_modules=r".*pooler.*"))
