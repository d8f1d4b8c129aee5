"""The encoder that learns: a transformer whose linear layers carry a low-rank update, and a fixed rotation behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from training.broad.tokens import TokenRows


class LowRankUpdate(nn.Module):
    """`W + share * scale * B @ A`, a LoRA (arXiv 2106.09685) that is added to the weights rather than run beside them.

    One matrix product instead of three, which a GPU with big batches likes; `share` 0 is the base.
    """

    def __init__(self, weight: Tensor, rank: int, scale: float, generator: torch.Generator) -> None:
        super().__init__()
        out, inside = weight.shape
        start = torch.rand(rank, inside, generator=generator) * 2 - 1
        self.lora_A = nn.Parameter((start / math.sqrt(inside)).to(weight.device))
        self.lora_B = nn.Parameter(torch.zeros(out, rank, device=weight.device))
        self.scale, self.share = scale, 1.0

    def delta(self) -> Tensor:
        """The whole update, `(out, in)` float32."""
        return self.scale * (self.lora_B @ self.lora_A)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight as it is used."""
        return weight + self.share * self.delta()


class FullUpdate(nn.Module):
    """`W + share * D`: every weight of the layer learns."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.update = nn.Parameter(torch.zeros_like(weight))
        self.share = 1.0

    def delta(self) -> Tensor:
        """The whole update, `(out, in)` float32."""
        return self.update

    def forward(self, weight: Tensor) -> Tensor:
        """The weight as it is used."""
        return weight + self.share * self.update


class Student(nn.Module):
    """`encoder` (a Hugging Face transformer) with mean pooling and `rotation` `(d, d)`; `rank` 0 trains layers whole."""

    def __init__(self, encoder: Any, rotation: Tensor, rank: int, scale: float = 1.0, seed: int = 0) -> None:  # noqa: ANN401
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.register_buffer("rotation", rotation)
        generator = torch.Generator().manual_seed(seed)
        for name, layer in linear_layers(encoder):
            update = LowRankUpdate(layer.weight, rank, scale, generator) if rank else FullUpdate(layer.weight)
            parametrize.register_parametrization(layer, "weight", update)
            assert name

    def updates(self) -> dict[str, Any]:
        """The updates by the name of their layer."""
        return {name: layer.parametrizations.weight[0] for name, layer in linear_layers(self.encoder)}

    def set_share(self, share: float) -> None:
        """Keep `share` (0 to 1) of what was learnt."""
        for update in self.updates().values():
            update.share = share

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Rotated mean-pooled vectors `(n, d)` float32, of any length."""
        kind, half = ids.device.type, torch.bfloat16
        with torch.autocast(kind, dtype=half):
            states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        pooled = (states.float() * weights).sum(1) / weights.sum(1)
        return pooled @ self.rotation

    def embed(self, texts: TokenRows, rows: Tensor, parts: int = 4) -> Tensor:
        """Vectors of the texts at `rows`, in their order; `parts` chunks by length keep padding low."""
        orders = texts.by_length(rows, parts)
        with parametrize.cached():
            vectors = torch.cat([self(*texts.padded(rows[order])) for order in orders])
        return vectors[torch.cat(orders).argsort()]


def linear_layers(encoder: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """The linear layers inside the transformer's blocks, by name; embeddings and pooler stay as they are."""
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Linear) and "layer." in name:
            yield name, module
