"""How an elastic encoder is trained, as one checked value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from training.errors import ConfigError


@dataclass(frozen=True)
class ElasticSettings:
    """Settings of `train_elastic`; the defaults made the shipped `tuned-2d`.

    A step reads `batch_size` pairs, both texts cut at `max_tokens`. `prefixes` are the lengths taught at every layer,
    `temperature` that of the softmax over cosines, `rank` that of the LoRA on every linear layer; `head_rate` is the
    step of the layers' heads, `learning_rate` that of the LoRA.

    >>> ElasticSettings(steps=0)
    Traceback (most recent call last):
        ...
    training.errors.ConfigError: steps is 0: it must be above 0.
    """

    steps: int = 260
    batch_size: int = 32
    max_tokens: int = 56
    rank: int = 32
    learning_rate: float = 1e-3
    head_rate: float = 5e-4
    temperature: float = 0.05
    prefixes: tuple[int, ...] = (16, 32, 64, 128, 384)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "seed" and isinstance(value, int | float) and not value > 0:
                raise ConfigError(f"{name} is {value!r}: it must be above 0.").about(name)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a card or a file."""
        return asdict(self)
