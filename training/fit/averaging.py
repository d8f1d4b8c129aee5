"""What a run carries beside its weights: their mean over the last steps, learnt weights of lengths; kept on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import TrainerCallback

_FILE = "carried.pt"


class Carried(Protocol):
    """A state that a run which goes on takes up again; `state` is of tensors and plain JSON types."""

    def state(self) -> Any:  # noqa: ANN401 - its own business
        """What to keep."""

    def restore(self, state: Any) -> None:  # noqa: ANN401 - its own business
        """Go on from what `state` gave."""


class WeightMean:
    """The mean of a model's trained weights over the steps in which it is told them (arXiv 1803.05407).

    >>> layer, mean = nn.Linear(1, 1, bias=False), WeightMean()
    >>> for value in (1.0, 3.0):
    ...     _ = layer.weight.data.fill_(value)
    ...     mean.hear(layer)
    >>> mean.put_into(layer)
    >>> float(layer.weight.detach())
    2.0
    """

    def __init__(self) -> None:
        self.count = 0
        self.means: dict[str, Tensor] = {}

    def hear(self, model: nn.Module) -> None:
        """Take the weights as they are now into the mean."""
        self.count += 1
        for name, weight in _trained_weights(model).items():
            mean = self.means.setdefault(name, torch.zeros_like(weight, dtype=torch.float32))
            mean += (weight.float() - mean) / self.count

    def put_into(self, model: nn.Module) -> None:
        """Make the model's weights the mean; they stay as they are if there is none yet."""
        weights = _trained_weights(model)
        for name, mean in self.means.items():
            weights[name].copy_(mean)

    def state(self) -> dict[str, Any]:
        """Count and means."""
        return {"count": self.count, "means": self.means}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.count, self.means = int(state["count"]), dict(state["means"])


def _trained_weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


class AverageTeller(TrainerCallback):
    """Lets `mean` hear the weights of the last `share` of a run's steps, and puts it into the model at the end."""

    def __init__(self, mean: WeightMean, share: float) -> None:
        self._mean, self._share = mean, share

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """One of the last steps is done."""
        if state.global_step > math.floor((1 - self._share) * state.max_steps):
            self._mean.hear(model)

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """All steps are done, and the best validation's weights are back: the mean takes their place."""
        self._mean.put_into(model)


class CarriedKeeper(TrainerCallback):
    """Writes carried states into every checkpoint, and reads those of the checkpoint from which a run goes on."""

    def __init__(self, carried: Mapping[str, Carried]) -> None:
        self._carried = carried

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """A checkpoint has been written."""
        kept = {name: each.state() for name, each in self._carried.items()}
        torch.save(kept, _checkpoint(args, state) / _FILE)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """The run begins, or goes on."""
        path = _checkpoint(args, state) / _FILE
        if state.global_step and path.is_file():
            kept = torch.load(path, weights_only=True, map_location="cpu")
            for name, each in self._carried.items():
                each.restore(kept[name])


def _checkpoint(args: Any, state: Any) -> Path:  # noqa: ANN401 - the trainer's
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
