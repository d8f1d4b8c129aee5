"""The model between what a run started from and what it trained: any share of the way, without training again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class Blend:
    """Moves the weights of `start` towards those in `trained` by any share: weight averaging (arXiv 2203.05482).

    Weights that training left alone are not held twice.

    >>> from sentence_transformers import SentenceTransformer
    >>> start = SentenceTransformer(modules=[torch.nn.Linear(1, 1, bias=False)], device="cpu")
    >>> half = Blend(start, {"0.weight": start[0].weight.detach() + 2.0}, 1.0).at(0.5)
    >>> float(half[0].weight.detach() - Blend(start, {}, 1.0).at(0.0)[0].weight.detach())
    0.0
    """

    def __init__(self, start: SentenceTransformer, trained: Mapping[str, Tensor], share: float = 1.0) -> None:
        """`trained` are weights by name, of which `share` (above 0) of what was trained is kept already."""
        self._model = start
        self._steps: dict[str, tuple[Tensor, Tensor]] = {}
        for name, weight in start.state_dict().items():
            if name in trained and weight.is_floating_point():
                step = (trained[name].to(weight.device).float() - weight.float()) / share
                if bool(step.any()):
                    self._steps[name] = (weight.detach().clone(), step)

    def at(self, share: float) -> SentenceTransformer:
        """The one model that this blend has, its weights now at that share."""
        weights = self._model.state_dict()
        with torch.no_grad():
            for name, (start, step) in self._steps.items():
                weights[name].copy_(start + share * step)
        return self._model
