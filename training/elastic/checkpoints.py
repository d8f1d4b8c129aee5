"""Where a run of `training elastic` stands after a step, kept so that a killed run goes on with the same bits."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch
from safetensors.torch import load_file, save_file

from training.elastic.model import ElasticModel
from training.result.folder import CHECKPOINT_STATE, RunWork

_WEIGHTS, _OPTIMISER = "model.safetensors", "optimizer.pt"
_KEPT = 2


@dataclass(frozen=True)
class ElasticPlace:
    """How far the steps are: the `seconds` they took, and each layer's loss at every step that read it.

    >>> ElasticPlace(3.5, ((0.9, 0.7), (0.8,))).step
    2
    """

    seconds: float
    losses: tuple[tuple[float, ...], ...]

    @property
    def step(self) -> int:
        """Steps done: every one of them reads the first layer."""
        return len(self.losses[0])


@dataclass(frozen=True)
class ElasticCheckpoints:
    """The checkpoints of a run in the folder of its `work`; the last two are kept."""

    work: RunWork

    @property
    def is_resumed(self) -> bool:
        """Whether there is one to go on from."""
        return self.work.last_checkpoint((_OPTIMISER,)) is not None

    def save(self, model: ElasticModel, optimiser: torch.optim.Optimizer, place: ElasticPlace) -> None:
        """Write one, whole or not at all; raises `CacheError` if it cannot be written."""
        with self.work.new_checkpoint(place.step) as folder:
            weights = {name: weight.detach().cpu().contiguous() for name, weight in _trained(model)}
            save_file(weights, folder / _WEIGHTS)
            torch.save(optimiser.state_dict(), folder / _OPTIMISER)
            state = {"seconds": place.seconds, "losses": place.losses}
            (folder / CHECKPOINT_STATE).write_text(json.dumps(state), encoding="utf-8")
        self.work.keep_checkpoints(_KEPT)

    @torch.no_grad()
    def restore(self, model: ElasticModel, optimiser: torch.optim.Optimizer) -> ElasticPlace | None:
        """Let model and optimiser be as the last one has them, and say where that was; None without one."""
        folder = self.work.last_checkpoint((_OPTIMISER,))
        if folder is None:
            return None
        weights = load_file(folder / _WEIGHTS)
        for name, weight in _trained(model):
            weight.copy_(weights[name])
        optimiser.load_state_dict(torch.load(folder / _OPTIMISER, weights_only=True, map_location=model.device))
        state = json.loads((folder / CHECKPOINT_STATE).read_text(encoding="utf-8"))
        return ElasticPlace(float(state["seconds"]), tuple(map(tuple, state["losses"])))


def _trained(model: ElasticModel) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
