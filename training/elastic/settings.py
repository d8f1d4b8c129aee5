"""How an elastic encoder is trained, as one checked value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from training.errors import ConfigError


@dataclass(frozen=True)
class ElasticSettings:
    """Settings of `train_elastic`; the defaults made the shipped `tuned-2d`.

    First the heads alone are learnt, `head_steps` over the layers of texts read once; then `steps` of a LoRA and heads
    together, none by default: each reads `batch_size` pairs, both texts cut at `max_tokens`. `prefixes` are the lengths
    taught at every layer, `temperature` that of the softmax over cosines, `rank` that of the LoRA on every linear
    layer; `head_rate` is the step of the layers' heads, `learning_rate` that of the LoRA.

    >>> ElasticSettings(rank=0)
    Traceback (most recent call last):
        ...
    training.errors.ConfigError: rank is 0: it must be above 0.
    """

    steps: int = 0
    head_steps: int = 300
    batch_size: int = 32
    max_tokens: int = 96
    rank: int = 32
    learning_rate: float = 1e-3
    head_rate: float = 5e-4
    temperature: float = 0.05
    prefixes: tuple[int, ...] = (16, 32, 64, 128, 384)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name not in {"seed", "steps"} and isinstance(value, int | float) and not value > 0:
                raise ConfigError(f"{name} is {value!r}: it must be above 0.").about(name)
        if self.steps < 0:
            raise ConfigError(f"steps is {self.steps}: it must be 0 (heads alone) or more.").about("steps")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a card or a file."""
        return asdict(self)
