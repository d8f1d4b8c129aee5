"""What decides a run's result: one frozen configuration in groups, checked, and saved flat beside the weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import TRAINED_DIMS, Reading
from training.errors import ConfigError

#: Goes up when the recipe's result changes: part of every cache key.
TRAINING_RECIPE_VERSION = "4"
LOSSES = ("mnrl", "cached-mnrl", "hinge", "none")
WEIGHTINGS = ("given", "equal", "rising", "falling", "learned")
NEGATIVES = ("mined", "none")
BROAD = ("own", "others")


def _setting(default: Any, says: str) -> Any:  # noqa: ANN401 - the type is that of the field
    """A field with its word of help, which the command line shows too."""
    return field(default=default, metadata={"help": says})


def _later_setting(default: Any, says: str) -> Any:  # noqa: ANN401 - the type is that of the field
    """A setting that came after runs were published: left at its default it is no part of a run's key."""
    return field(default=default, metadata={"help": says, "later": True})


@dataclass(frozen=True)
class PairsConfig:
    """What is learnt from: the pairs, their hard negatives and the broad text, and how much of a text is read."""

    data: str = _setting(
        "builtin",
        "builtin, your JSONL, CSV, TSV or Parquet file, a folder of them, a BEIR folder, or hub:REPO[:SUBSET[:SPLIT]]",
    )
    max_rows: int = _setting(0, "at most so many rows of the data, 0 for all")
    negatives: str = _setting(
        "mined", f"hard negatives of pairs that bring none: {' or '.join(NEGATIVES)} (other rows of the batch alone)"
    )
    broad_texts: int = _setting(4000, "texts of many subjects that keep the model general")
    max_tokens: int = _setting(128, "texts are cut at so many tokens while it trains; the model keeps its own limit")
    broad: str = _later_setting(
        "own", "where broad text comes from: own (the data's texts) or others (built-in passages, Python reference)"
    )
    pairs: str = _later_setting(
        "", "folder of broad pairs (JSONL of query and positive, one file a source) learnt from beside the data"
    )
    leave_out: str = _later_setting("", "sources of --pairs that are held out, as in usgov,selqa")
    parallel: str = _later_setting(
        "", "file of texts and their translations: translations are taught the neighbours of what they translate"
    )
    sample: int = _later_setting(
        0, "at most so many pairs, half as many documents and half as many sentences are encoded; 0: no limit"
    )

    def __post_init__(self) -> None:
        _require(self.negatives in NEGATIVES, "negatives", self.negatives, f"one of {', '.join(NEGATIVES)}")
        _require(self.broad in BROAD, "broad", self.broad, f"one of {', '.join(BROAD)}")
        _require_at_least(self, 0, "broad_texts", "max_rows", "sample")
        _require(8 <= self.max_tokens <= 8192, "max_tokens", self.max_tokens, "from 8 to 8192")


@dataclass(frozen=True)
class ObjectiveConfig:
    """What is minimised: a contrastive loss and the distillation of the base model, at every prefix.

    `dims` rise and end at or below the model's length (empty: powers of two from 8 and that length, weights rising
    with the square root); `weights` go with them (empty: all 1). With `matryoshka` off
    every loss sees the full vectors only and no rotation is put in: the control. `distillation` is half of the steps:
    they teach every prefix the base model's full-dimension neighbours of broad text. `cached_batch` is the mini-batch
    of CachedMNRL (arXiv 2101.06983), whose batches may be larger than memory: chunks are encoded without a graph, the
    loss of the whole batch gives the gradients of its vectors, and a second pass brings them to the weights.
    """

    dims: tuple[int, ...] = _setting(TRAINED_DIMS, "prefix lengths, as in 64,128,384")
    weights: tuple[float, ...] = _setting((), "a weight for each of --dims, as in 2,1,1")
    matryoshka: bool = _setting(True, "the losses at every prefix; without it, at the full length alone: a control")
    loss: str = _setting("mnrl", f"contrastive loss over the pairs: {', '.join(LOSSES)}")
    similarity_scale: float = _setting(20.0, "what the contrastive loss multiplies cosines by")
    cached_batch: int = _setting(16, "rows at a time of cached-mnrl, which takes batches larger than memory")
    distillation: bool = _setting(True, "every second step keeps the base model's neighbours of broad text")
    distillation_temperature: float = _setting(0.05, "what the distillation divides cosines by")
    distillation_weight: float = _setting(1.0, "how much the distillation's loss counts")
    teacher: str = _later_setting(
        "",
        "a larger model's folder or OWNER/NAME[@REVISION] on the Hub, whose neighbours of broad text are taught "
        "instead of the base's",
    )
    guided: bool = _later_setting(
        False, "the base model guards the pairs: its neighbours are kept among them, likely answers are no negatives"
    )
    spare_likely: bool = _later_setting(
        False, "answers as near to a query as its own by the base model, or nearly equal to it, are no negatives"
    )
    contrastive_weight: float = _later_setting(1.0, "how much the pairs' contrastive loss counts (guided)")
    anchor_weight: float = _later_setting(0.0, "how much the distance from the base model's full vectors counts")
    margin: float = _later_setting(0.1, "by how much a right answer's cosine is to beat the others', with --loss hinge")
    spread_weight: float = _later_setting(
        0.0, "how much it counts that unrelated texts of a batch lie near each other (spread-out regulariser)"
    )
    hierarchy_weight: float = _later_setting(
        0.0,
        "how much it counts that texts of one coarse label lie together in 8 numbers and those of one label in 16 to "
        "32 (data with labels)",
    )
    weighting: str = _later_setting(
        "given",
        "how the lengths weigh: given (--weights), equal, rising or falling with the length, or learned (those whose "
        "loss falls slowest weigh more)",
    )
    drawn_lengths: int = _later_setting(
        0, "lengths of a step: the full one and the others drawn at random from the shortest on; 0: those of --dims"
    )

    def __post_init__(self) -> None:
        if self.dims or self.weights:
            _check_dims(self.dims, self.weights)
        _require(self.loss in LOSSES, "loss", self.loss, f"one of {', '.join(LOSSES)}")
        _require(self.loss != "none" or self.distillation, "loss", self.loss, "given if distillation is off")
        _require_at_least(self, 1, "cached_batch")
        _require(not self.teacher or self.distillation, "teacher", self.teacher, "without --no-distillation")
        _require(not self.guided or self.loss == "mnrl", "guided", self.guided, "with --loss mnrl alone")
        for name in ("contrastive_weight", "anchor_weight", "spread_weight", "hierarchy_weight"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        can_order = self.matryoshka and self.loss != "none" and not self.guided
        says = "0 without prefixes or pairs, and with --guided"
        _require(can_order or not self.hierarchy_weight, "hierarchy_weight", self.hierarchy_weight, says)
        for name in ("similarity_scale", "distillation_temperature", "distillation_weight", "margin"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        _require(self.weighting in WEIGHTINGS, "weighting", self.weighting, f"one of {', '.join(WEIGHTINGS)}")
        _require(self.drawn_lengths in (0, *range(2, 65)), "drawn_lengths", self.drawn_lengths, "0, or from 2 to 64")
        needs_prefixes = self.drawn_lengths or self.weighting == "learned"
        _require(self.matryoshka or not needs_prefixes, "matryoshka", self.matryoshka, "on, to draw or learn lengths")

    @property
    def dim_weights(self) -> tuple[float, ...]:
        """The weight of each of `dims`: `weights`, unless `weighting` says otherwise (learned ones start from these).

        >>> ObjectiveConfig(dims=(8, 32, 128), weighting="falling").dim_weights
        (4.0, 2.0, 1.0)
        """
        if self.weighting == "equal":
            return (1.0,) * len(self.dims)
        if self.weighting in ("rising", "falling"):
            rising = rising_weights(self.dims)
            return rising if self.weighting == "rising" else tuple(round(rising[-1] / each, 2) for each in rising)
        return self.weights or (1.0,) * len(self.dims)

    @property
    def prefix_shares(self) -> tuple[tuple[int, float], ...]:
        """Each of `dims` with its share of the weights, which sum to 1."""
        return tuple(
            (dim, weight / sum(self.dim_weights)) for dim, weight in zip(self.dims, self.dim_weights, strict=True)
        )

    def up_to(self, dimension: int) -> ObjectiveConfig:
        """A copy whose dims include the model's full length; raises `ConfigError` for a dim above it."""
        if not self.dims:
            dims = (*(2**power for power in range(3, 16) if 2**power < dimension), dimension)
            return replace(self, dims=dims, weights=rising_weights(dims))
        above = [dim for dim in self.dims if dim > dimension]
        if above:
            message = f"dims {above} are above the model's {dimension}: choose from 1 to {dimension}."
            raise ConfigError(message).about("dims")
        if self.dims[-1] == dimension:
            return self
        weights = (*self.weights, self.weights[-1]) if self.weights else ()
        return replace(self, dims=(*self.dims, dimension), weights=weights)


@dataclass(frozen=True)
class AdapterConfig:
    """Which weights learn: a rotation learnt first and then frozen, and LoRA (rank 0: all weights instead).

    `adapter_scale` multiplies the trained update at the end: a weight average of base and tuned (arXiv 2203.05482).
    With `shares`, the run measures several after its steps; with `most_tax` it then keeps the best that the limit
    allows instead of `adapter_scale`.
    """

    rotation: bool = _setting(True, "start from axes learnt on the training text (with --matryoshka)")
    map_steps: int = _later_setting(
        0, "steps in which the rotation learns on as a free map of the base model's vectors; 0: it stays a rotation"
    )
    lora_rank: int = _setting(16, "rank of the LoRA update, 0 to train all weights")
    lora_alpha: int = _setting(16, "scale of the LoRA update")
    axes: str = _later_setting(
        "", "a finished run, or an adapter that ships, whose rotation replaces the learnt one in the result"
    )
    adapter_scale: float = _setting(1.0, "share of what was trained that is kept, 0 to 1")
    shares: tuple[float, ...] = _later_setting(
        (), "shares to measure after training, on your queries and on text of others, as in 0,0.5,1"
    )
    most_tax: float = _later_setting(
        0.0,
        "keep the share that is best for the data and costs text of others at most so much, as in 0.015; 0: off",
    )

    def __post_init__(self) -> None:
        _require_at_least(self, 0, "lora_rank", "map_steps")
        _require_at_least(self, 1, "lora_alpha")
        can_turn = self.rotation and self.lora_rank and not self.map_steps
        _require(bool(can_turn) or not self.axes, "axes", self.axes, "with a rotation and LoRA, and without map_steps")
        _require(0 <= self.adapter_scale <= 1, "adapter_scale", self.adapter_scale, "from 0 to 1")
        _require(all(0 <= share <= 1 for share in self.shares), "shares", self.shares, "numbers from 0 to 1")
        _require(0 <= self.most_tax < 1, "most_tax", self.most_tax, "a share from 0 to below 1")
        _require(not self.most_tax or bool(self.shares), "shares", self.shares, "given, to choose by most_tax")


@dataclass(frozen=True)
class ScheduleConfig:
    """How long and how fast: steps (0: from the data's size), batches, learning rate, validations."""

    steps: int = _setting(0, "optimiser steps, 0 for as many as --passes and --most-steps make")
    batch_size: int = _setting(64, "rows of a step (of each process under torchrun)")
    learning_rate: float = _setting(2e-4, "the highest learning rate")
    warmup: float = _setting(0.1, "share of the steps in which the learning rate rises")
    evaluations: int = _setting(4, "how often the run is validated, 0 for never")
    patience: int = _setting(2, "validations without a gain before the run stops")
    seed: int = _setting(20250101, "seed of everything drawn")
    passes: float = _later_setting(1.0, "passes over the pairs, if --steps is 0")
    most_steps: int = _later_setting(0, "never more steps than this, if --steps is 0; 0: no limit")
    averaged: float = _later_setting(
        0.0, "share of the steps, the last ones, whose weights are averaged; 0: those of the best validation are kept"
    )

    def __post_init__(self) -> None:
        _require_at_least(self, 0, "steps", "evaluations", "most_steps")
        _require(self.passes > 0, "passes", self.passes, "above 0")
        _require_at_least(self, 1, "batch_size", "patience")
        _require(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more: the other rows are the negatives")
        _require(0 < self.learning_rate <= 0.1, "learning_rate", self.learning_rate, "above 0 and at most 0.1")
        _require(0 <= self.warmup < 1, "warmup", self.warmup, "a share from 0 to below 1")
        _require(0 <= self.averaged < 1, "averaged", self.averaged, "a share from 0 to below 1")


@dataclass(frozen=True)
class PromptConfig:
    """What stands before a text; both empty: what the base model says."""

    query_prompt: str = _setting("", "what stands before every query; none given: the base model's own")
    document_prompt: str = _setting("", "what stands before every document; none given: the base model's own")

    @property
    def query_reading(self) -> Reading:
        """How queries are read."""
        return Reading("query", self.query_prompt)

    @property
    def document_reading(self) -> Reading:
        """How documents are read."""
        return Reading("document", self.document_prompt)


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run's result, in groups; saved and named on the command line by field alone.

    `base` is "minilm" (the packaged files), a folder or a Hub id (`revision` pins it).

    >>> TrainConfig("mine").changed(dims=(8, 64), steps=20).schedule.steps
    20
    """

    name: str = _setting("", "name of the model; with --data, that of the data's file")
    base: str = _setting("minilm", "minilm (the packaged files), a model's folder, or OWNER/NAME on the Hub")
    revision: str = _setting("", "branch, tag or commit of a base on the Hub")
    pairs: PairsConfig = field(default_factory=PairsConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    prompts: PromptConfig = field(default_factory=PromptConfig)

    def __post_init__(self) -> None:
        _require(bool(self.name) and "/" not in self.name, "name", self.name, "a word without slashes")
        is_taught = self.objective.distillation or not self.pairs.parallel
        _require(is_taught, "parallel", self.pairs.parallel, "without --no-distillation")

    def flat(self) -> dict[str, Any]:
        """Every setting by its name, groups taken apart."""
        values: dict[str, Any] = {}
        for name, value in asdict(self).items():
            values |= value if isinstance(value, dict) else {name: value}
        return values

    def changed(self, **changes: Any) -> TrainConfig:  # noqa: ANN401 - of any setting's type
        """A copy with other values for settings of any group; raises `ConfigError` for values that cannot be."""
        by_group: dict[str, dict[str, Any]] = {}
        groups = {setting.name: setting.group for setting in train_settings()}
        for name, value in changes.items():
            by_group.setdefault(groups[name], {})[name] = value
        new: dict[str, Any] = by_group.pop("", {})
        return replace(self, **new, **{group: replace(getattr(self, group), **own) for group, own in by_group.items()})

    @property
    def fingerprint(self) -> str:
        """Sha256 over every setting and the recipe's version; groups make no difference to it."""
        usual = {setting.name: setting.usual for setting in train_settings() if setting.is_later}
        values = {name: value for name, value in self.flat().items() if name not in usual or value != usual[name]}
        return sha256_text(TRAINING_RECIPE_VERSION, json.dumps(values, sort_keys=True))

    def to_json(self) -> str:
        """Indented JSON that `from_json` reads."""
        return json.dumps({"recipe_version": TRAINING_RECIPE_VERSION, **self.flat()}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "config") -> TrainConfig:
        """Read `to_json`; raises `ConfigError` naming unknown settings."""
        try:
            return cls.from_dict(json.loads(text), where)
        except ValueError as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{where} is not JSON: {error}.") from error

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], where: str = "config") -> TrainConfig:
        """Read settings by name, defaults for those left out; raises `ConfigError` naming unknown ones."""
        raw = {name: value for name, value in given.items() if name != "recipe_version"}
        settings = train_settings()
        known = [setting.name for setting in settings]
        unknown = sorted(set(raw) - set(known))
        if unknown:
            raise ConfigError(f"{where} has unknown fields {unknown}: known are {known}.")
        values = {setting.name: setting.read(raw[setting.name]) for setting in settings if setting.name in raw}
        return cls(values.pop("name", "")).changed(**values)


@dataclass(frozen=True)
class TrainSetting:
    """A field of `TrainConfig`: its name, its group ("" for the run's own), its type, its word of help, its default.

    `is_later` ones came after runs were published: at their default they are no part of a run's key.
    """

    name: str
    group: str
    kind: Any
    says: str
    usual: Any = None
    is_later: bool = False

    @property
    def item_kind(self) -> Any:  # noqa: ANN401 - a type, of the items if the setting is a list of them
        """`int`, `float`, `str` or `bool`; `is_list` says whether there are several."""
        return get_args(self.kind)[0] if self.is_list else self.kind

    @property
    def is_list(self) -> bool:
        """Whether the setting is a list of numbers."""
        return get_origin(self.kind) is tuple

    def read(self, value: Any) -> Any:  # noqa: ANN401 - as JSON has it
        """A value out of JSON; raises `ConfigError` if it is of another type."""
        items = value if self.is_list and isinstance(value, (list, tuple)) else (value,)
        allowed = (int, float) if self.item_kind is float else self.item_kind
        is_right = all(isinstance(item, allowed) and isinstance(item, bool) == (allowed is bool) for item in items)
        _require(is_right and self.is_list == isinstance(value, (list, tuple)), self.name, value, self._expected)
        return tuple(items) if self.is_list else value

    @property
    def _expected(self) -> str:
        words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        return f"a list of {words[self.item_kind].split()[-1]}s" if self.is_list else words[self.item_kind]


@cache
def train_settings() -> tuple[TrainSetting, ...]:
    """Every setting, in the order of the groups."""
    return tuple(_settings_of(TrainConfig, ""))


def _settings_of(kind: type, group: str) -> Iterator[TrainSetting]:
    types = get_type_hints(kind)
    for setting in fields(kind):
        if is_dataclass(types[setting.name]):
            yield from _settings_of(types[setting.name], setting.name)
        else:
            says, is_later = setting.metadata["help"], setting.metadata.get("later", False)
            yield TrainSetting(setting.name, group, types[setting.name], says, setting.default, is_later)


def rising_weights(dims: Iterable[int]) -> tuple[float, ...]:
    """Weights that grow with the square root of the length: equal ones let the short prefixes drown the rest.

    >>> rising_weights((8, 32, 128))
    (1.0, 2.0, 4.0)
    """
    return tuple(round((dim / 8) ** 0.5, 2) for dim in dims)


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


def _require_at_least(group: object, least: int, *names: str) -> None:
    for name in names:
        _require(getattr(group, name) >= least, name, getattr(group, name), f"{least} or more")


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value!r}: it must be {expected}.").about(name)
