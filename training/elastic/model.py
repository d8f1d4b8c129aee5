"""The encoder while it trains: pooled vectors of every layer, each through a linear head of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mrl_demo.core.hardware import has_bf16
from mrl_demo.models.reading import Features
from training.bases import lora_targets

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class ElasticModel(nn.Module):
    """A BERT with mean pooling after every layer and a bias-free head `(d, d)` each.

    `rank` is that of the LoRA put on its linear layers, 0 for none; its other weights are frozen. Dropout is off, so
    that the student can reach its teacher and runs repeat.
    """

    def __init__(self, base: SentenceTransformer, rank: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        first: Any = base[0]
        base.requires_grad_(False)
        if rank:
            _add_lora(base, rank)
        for module in base.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        self.base = base
        self.bert: Any = first.model
        width, depth = int(self.bert.config.hidden_size), int(self.bert.config.num_hidden_layers)
        self.heads = nn.Parameter(torch.eye(width).repeat(depth, 1, 1))

    def pooled(self, features: Features) -> list[Tensor]:
        """Mean of the tokens after every layer, `(n, d)` float32 each."""
        products = torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bf16())
        mask = features["attention_mask"]
        with products:
            read = self.bert(input_ids=features["input_ids"], attention_mask=mask, output_hidden_states=True)
        weights = (mask / mask.sum(1, keepdim=True)).unsqueeze(1)
        return [(weights @ hidden.float()).squeeze(1) for hidden in read.hidden_states[1:]]

    def forward(self, features: Features) -> list[Tensor]:
        """Vectors of every layer, `(n, d)` each, not yet of length 1."""
        return [rows @ head for rows, head in zip(self.pooled(features), self.heads, strict=True)]

    @torch.no_grad()
    def start_heads(self, pooled: list[Tensor], wanted: Tensor, last: Tensor) -> None:
        """Let each head be the ridge regression of the teacher's vectors on its layer's; the last is `last` itself."""
        for layer, rows in enumerate(pooled[:-1]):
            rows = rows.double()
            moments = rows.T @ rows
            moments += 1e-3 * moments.diagonal().mean() * torch.eye(len(moments), dtype=torch.float64)
            self.heads[layer] = torch.linalg.solve(moments, rows.T @ wanted.double()).float()
        self.heads[-1] = last


def _add_lora(base: SentenceTransformer, rank: int) -> None:
    from peft import LoraConfig

    targets = list(lora_targets(base))
    base.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets, exclude_modules=r".*pooler.*"))
