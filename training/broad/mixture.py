"""Which pairs and texts a step takes: half of the pairs at random, half from neighbourhoods, a share of favoured ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK, _CENTRES = 32, 2000


@dataclass(frozen=True)
class Mixture:
    """`order` `(n,)` are the pairs with like ones beside each other, `favoured` those that are drawn more often.

    Every step's rows follow from seed and step alone, so a run that goes on from a checkpoint sees the same ones.
    """

    order: Tensor
    favoured: Tensor
    texts: int
    seed: int = 0
    near_share: float = 0.5
    favoured_share: float = 0.1

    def draw(self, step: int, pairs: int, texts: int) -> tuple[Tensor, Tensor]:
        """Distinct rows of about `pairs` pairs and of `texts` further texts, int64."""
        device = self.order.device
        generator = torch.Generator(device=device).manual_seed(self.seed * 1_000_003 + step)

        def any_of(high: int, count: int) -> Tensor:
            return torch.randint(high, (count,), generator=generator, device=device)

        near = round(pairs * self.near_share / _BLOCK)
        starts = any_of(max(1, len(self.order) - _BLOCK), near)
        blocks = (starts[:, None] + torch.arange(_BLOCK, device=device)).flatten().clamp(max=len(self.order) - 1)
        liked = self.favoured[any_of(len(self.favoured), round(pairs * self.favoured_share))] if len(self.favoured) else self.favoured
        rest = any_of(len(self.order), max(0, pairs - len(blocks) - len(liked)))
        rows = torch.cat([self.order[blocks], liked, self.order[rest]]).unique()
        return rows, any_of(max(1, self.texts), texts if self.texts else 0)


def like_beside_like(vectors: Tensor, seed: int) -> Tensor:
    """Rows of `vectors` `(n, d)` sorted by the nearest of 2,000 random ones, at random within: int64 `(n,)`."""
    generator = torch.Generator(device=vectors.device).manual_seed(seed)
    shuffled = torch.randperm(len(vectors), generator=generator, device=vectors.device)
    centres = vectors[shuffled[:_CENTRES]]
    nearest = torch.cat([(part @ centres.T).argmax(1) for part in vectors[shuffled].split(16384)])
    return shuffled[nearest.argsort(stable=True)]
