"""How an elastic encoder is trained, as one checked value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from training.errors import ConfigError

_MAY_BE_ZERO = frozenset({"seed", "steps", "minutes", "shallow_share"})


@dataclass(frozen=True)
class ElasticSettings:
    """Settings of `train_elastic`.

    First the heads alone are learnt, `head_steps` over the layers of texts read once; then `steps` of a LoRA and heads
    together: each reads `batch_size` pairs, both texts cut at `max_tokens`. `shallow_share` of these steps, drawn, read
    the first half of the layers only, which costs half as much and is where most is lost. `minutes` ends the steps
    early, the rate falling to 0 all the same (0: no limit; a run that it ends does not repeat bit for bit).
    `prefixes` are the lengths taught at every layer, `temperature` that of the softmax over cosines, `lora_rank` that
    of the LoRA on every linear layer; `head_rate` is the step of the layers' heads, `learning_rate` that of the LoRA.

    >>> ElasticSettings(lora_rank=0)
    Traceback (most recent call last):
        ...
    training.errors.ConfigError: lora_rank is 0: it must be above 0.
    """

    steps: int = 0
    head_steps: int = 300
    batch_size: int = 32
    max_tokens: int = 96
    lora_rank: int = 64
    learning_rate: float = 1e-3
    head_rate: float = 5e-4
    temperature: float = 0.05
    prefixes: tuple[int, ...] = (16, 32, 64, 128, 384)
    shallow_share: float = 0.5
    minutes: float = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name not in _MAY_BE_ZERO and isinstance(value, int | float) and not value > 0:
                raise ConfigError(f"{name} is {value!r}: it must be above 0.").about(name)
        for name in ("steps", "minutes"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be 0 or more.").about(name)
        if not 0 <= self.shallow_share <= 1:
            raise ConfigError(f"shallow_share is {self.shallow_share}: it must be from 0 to 1.").about("shallow_share")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a card or a file."""
        return asdict(self)
