"""What a training run is: one frozen, checked configuration, saved beside the weights, and the presets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import TRAINED_DIMS, Reading
from training.columns import Columns
from training.errors import ConfigError

#: Goes up when the recipe's result changes: part of every cache key.
TRAINING_RECIPE_VERSION = "4"
LOSSES = ("mnrl", "cached-mnrl", "none")
NEGATIVES = ("mined", "siblings", "none")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run's result.

    `base` is "minilm" (the packaged files), a folder or a Hub id (`revision` pins it). `data` is "builtin", a file or
    folder, or "hub:REPO[:SUBSET[:SPLIT]]". `dims` rise and end at or below the model's length; `weights` go with them
    (empty: all 1). With `matryoshka` off every loss sees the full vectors only and no rotation is put in: the
    control.

    `loss` is the contrastive one over (query, positive, hard negative); `distillation` is the share of steps that
    teach every prefix the base model's full-dimension neighbours of broad text, at `distillation_temperature`.
    `rotation` starts from axes learnt on the training text. `lora_rank` 0 trains all weights. `adapter_scale`
    multiplies the trained LoRA at the end: a weight average of base and tuned (arXiv 2203.05482). `steps` 0 means one
    epoch. `cached_batch` is the mini-batch of CachedMNRL (arXiv 2101.06983).
    """

    name: str
    base: str = "minilm"
    revision: str = ""
    data: str = "builtin"
    max_rows: int = 0
    dims: tuple[int, ...] = TRAINED_DIMS
    weights: tuple[float, ...] = ()
    matryoshka: bool = True
    rotation: bool = True
    loss: str = "mnrl"
    negatives: str = "mined"
    similarity_scale: float = 20.0
    distillation: bool = True
    distillation_temperature: float = 0.05
    distillation_weight: float = 1.0
    broad_texts: int = 4000
    lora_rank: int = 16
    lora_alpha: int = 16
    adapter_scale: float = 1.0
    learning_rate: float = 2e-4
    warmup: float = 0.1
    steps: int = 0
    batch_size: int = 64
    cached_batch: int = 16
    max_tokens: int = 128
    evaluations: int = 4
    patience: int = 2
    seed: int = 20250101
    query_prompt: str = ""
    document_prompt: str = ""

    def __post_init__(self) -> None:
        _check_dims(self.dims, self.weights)
        _require(bool(self.name) and "/" not in self.name, "name", self.name, "a word without slashes")
        _require(self.loss in LOSSES, "loss", self.loss, f"one of {', '.join(LOSSES)}")
        _require(self.negatives in NEGATIVES, "negatives", self.negatives, f"one of {', '.join(NEGATIVES)}")
        _require(self.loss != "none" or self.distillation, "loss", self.loss, "given if distillation is off")
        for name in ("lora_rank", "steps", "evaluations", "broad_texts", "max_rows"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name in ("batch_size", "cached_batch", "patience", "lora_alpha"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        _require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more: the other rows are the negatives")
        _require(8 <= self.max_tokens <= 8192, "max_tokens", self.max_tokens, "from 8 to 8192")
        _require(0 < self.learning_rate <= 0.1, "learning_rate", self.learning_rate, "above 0 and at most 0.1")
        _require(0 <= self.warmup < 1, "warmup", self.warmup, "a share from 0 to below 1")
        _require(0 < self.adapter_scale <= 1, "adapter_scale", self.adapter_scale, "above 0 and at most 1")
        for name in ("similarity_scale", "distillation_temperature", "distillation_weight"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "above 0")

    @property
    def dim_weights(self) -> tuple[float, ...]:
        """The weight of each of `dims`."""
        return self.weights or (1.0,) * len(self.dims)

    @property
    def query_reading(self) -> Reading:
        """How queries are read."""
        return Reading("query", self.query_prompt)

    @property
    def document_reading(self) -> Reading:
        """How documents are read."""
        return Reading("document", self.document_prompt)

    @property
    def fingerprint(self) -> str:
        """Sha256 over every field and the recipe's version."""
        return sha256_text(TRAINING_RECIPE_VERSION, json.dumps(asdict(self), sort_keys=True))

    def checked_against(self, dimension: int) -> TrainConfig:
        """A copy whose dims include the model's full length; raises `ConfigError` for a dim above it."""
        above = [dim for dim in self.dims if dim > dimension]
        if above:
            message = f"dims {above} are above the model's {dimension}: choose from 1 to {dimension}."
            raise ConfigError(message).about("dims")
        if self.dims[-1] == dimension:
            return self
        weights = (*self.weights, self.weights[-1]) if self.weights else ()
        return replace(self, dims=(*self.dims, dimension), weights=weights)

    def to_json(self) -> str:
        """Indented JSON that `from_json` reads."""
        return json.dumps({"recipe_version": TRAINING_RECIPE_VERSION, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "config") -> TrainConfig:
        """Read `to_json`; raises `ConfigError` naming unknown fields."""
        try:
            return cls.from_dict(json.loads(text), where)
        except ValueError as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{where} is not JSON: {error}.") from error

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], where: str = "config") -> TrainConfig:
        """Read fields by name, defaults for those left out; raises `ConfigError` naming unknown ones."""
        raw = {name: value for name, value in given.items() if name != "recipe_version"}
        unknown = sorted(set(raw) - {known.name for known in fields(cls)})
        if unknown:
            raise ConfigError(f"{where} has unknown fields {unknown}: known are {[f.name for f in fields(cls)]}.")
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in raw.items()}
        return cls(**values)


def load_config(path: Path) -> TrainConfig:
    """The configuration saved in `path`; raises `ConfigError` naming the file."""
    try:
        return TrainConfig.from_json(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error


def _check_dims(dims: tuple[int, ...], weights: tuple[float, ...]) -> None:
    _require(bool(dims), "dims", dims, "at least one prefix length")
    whole = all(isinstance(dim, int) and not isinstance(dim, bool) and dim >= 1 for dim in dims)
    _require(whole, "dims", dims, "whole numbers from 1")
    _require(len(set(dims)) == len(dims), "dims", dims, "without repeats")
    _require(list(dims) == sorted(dims), "dims", dims, f"in rising order, as in {tuple(sorted(dims))}")
    if weights:
        _require(len(weights) == len(dims), "weights", weights, f"as many as dims ({len(dims)}), not {len(weights)}")
        _require(
            all(weight >= 0 for weight in weights) and sum(weights) > 0, "weights", weights, "0 or more, not all 0"
        )


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value!r}: it must be {expected}.").about(name)


@dataclass(frozen=True)
class RunOptions:
    """What does not decide the result: where it goes, whether to go on, what to show."""

    out: Path
    resume: bool = False
    force: bool = False
    report_to: str = "none"
    model_out: Path | None = None
    columns: Columns = field(default_factory=Columns)
    events: Path | None = None
