"""What a training run tells while it lives: one JSON line an event, written by training and read by the page.

`events.jsonl` has the base model's quality, steps and validations; `messages.jsonl` notes, progress and problems.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

ByDim: TypeAlias = dict[int, float]


@dataclass(frozen=True)
class BaseQuality:
    """Mean nDCG@10 of the base model on the validation queries, by prefix."""

    kind: ClassVar[str] = "base"
    ndcg: ByDim


@dataclass(frozen=True)
class StepDone:
    """One optimiser step of `of`; `task` names the data the batch came from, `loss_by_dim` the loss of each prefix."""

    kind: ClassVar[str] = "step"
    step: int
    of: int
    seconds_left: float
    loss: float
    task: str = ""
    loss_by_dim: ByDim = field(default_factory=dict)


@dataclass(frozen=True)
class ValidationDone:
    """Mean nDCG@10 by prefix on the validation queries after a step of `of`."""

    kind: ClassVar[str] = "validation"
    step: int
    of: int
    seconds_left: float
    ndcg: ByDim


@dataclass(frozen=True)
class ShareMeasured:
    """A share of the training kept: mean nDCG@10 by prefix on the run's validation queries (`own`), the tax on others.

    `tax` is the share of the base model's nDCG@10 lost at full length, by the name of the collection.

    >>> ShareMeasured(0.5, {8: 0.4}, {"Python reference": 0.01, "topics": -0.02}).highest_tax
    0.01
    """

    kind: ClassVar[str] = "share"
    share: float
    own: ByDim
    tax: dict[str, float] = field(default_factory=dict)

    @property
    def highest_tax(self) -> float:
        """The tax on the collection that pays most, 0 without any."""
        return max(self.tax.values(), default=0.0)


@dataclass(frozen=True)
class DataRead:
    """What a run will learn from: `pairs` to train on, `queries` to judge by over `documents`, and its first `rows`.

    A row has the texts of its query, positive and perhaps negative.
    """

    kind: ClassVar[str] = "data"
    pairs: int
    queries: int
    documents: int
    rows: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class WaitExpected:
    """How long a run is expected to take here: seconds by the name of each stage, in their order."""

    kind: ClassVar[str] = "wait"
    stages: dict[str, float]

    @property
    def seconds(self) -> float:
        """The whole wait."""
        return sum(self.stages.values())


@dataclass(frozen=True)
class Message:
    """Something to read: `kind` is "note", "progress" or "error".

    `field` names the setting that an error is about ("query_column", "weights", ...), "" for none; `share` is what
    progress has done, in 0..1, and `seconds_left` how long the whole run still takes, None if nobody knows.

    >>> Message.from_dict(Message("error", "no such column", "query_column").to_dict()).field
    'query_column'
    """

    kind: str
    text: str
    field: str = ""
    share: float = 0.0
    seconds_left: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Message:
        """Read what `to_dict` wrote; raises what a malformed one raises."""
        left = raw.get("seconds_left")
        share = float(raw.get("share", 0.0))
        return cls(
            str(raw["kind"]),
            str(raw["text"]),
            str(raw.get("field", "")),
            share,
            None if left is None else float(left),
        )


Event: TypeAlias = BaseQuality | StepDone | ValidationDone | ShareMeasured | DataRead | WaitExpected
_Stepped = TypeVar("_Stepped", StepDone, ValidationDone)
_KINDS: dict[str, type[Event]] = {
    kind.kind: kind for kind in (BaseQuality, StepDone, ValidationDone, ShareMeasured, DataRead, WaitExpected)
}


def event_to_dict(event: Event) -> dict[str, Any]:
    """Plain JSON types, with the kind."""
    return {"kind": event.kind, **asdict(event)}


def event_from_dict(raw: Mapping[str, Any]) -> Event:
    """Read what `event_to_dict` wrote (JSON has made text of the prefixes); raises `ValueError` for anything else."""
    kind = _KINDS.get(str(raw.get("kind")))
    if kind is None:
        raise ValueError(f"There is no event of kind {raw.get('kind')!r}.")
    values: dict[str, Any] = {name: value for name, value in raw.items() if name != "kind"}
    for name in {"ndcg", "loss_by_dim", "own"} & set(values):
        pairs = sorted((int(dim), float(value)) for dim, value in dict(values[name]).items())
        values[name] = dict(pairs)
    if "rows" in values:
        values["rows"] = tuple(dict(row) for row in values["rows"])
    return kind(**values)


@dataclass(frozen=True)
class RunProgress:
    """What a run has reported so far.

    >>> RunProgress.of([StepDone(1, 10, 9.0, 0.5), ValidationDone(1, 10, 9.0, {8: 0.4})]).step
    1
    """

    steps: tuple[StepDone, ...] = ()
    validations: tuple[ValidationDone, ...] = ()
    shares: tuple[ShareMeasured, ...] = ()
    base: BaseQuality | None = None
    total_steps: int = 0
    seconds_left: float | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> RunProgress:
        """Everything that some events say; of a run that went on after a break, what it said again takes over."""
        steps: list[StepDone] = []
        validations: list[ValidationDone] = []
        shares: dict[float, ShareMeasured] = {}
        progress = cls()
        for event in events:
            if isinstance(event, BaseQuality):
                progress = replace(progress, base=event)
            elif isinstance(event, ShareMeasured):
                shares[event.share] = event
            elif isinstance(event, StepDone | ValidationDone):
                progress = replace(progress, total_steps=event.of, seconds_left=event.seconds_left)
                if isinstance(event, StepDone):
                    _take_over(steps, event)
                else:
                    _take_over(validations, event)
        return replace(
            progress,
            steps=tuple(steps),
            validations=tuple(validations),
            shares=tuple(shares.values()),
        )

    @property
    def step(self) -> int:
        """Steps done."""
        return self.steps[-1].step if self.steps else 0


def _take_over(told: list[_Stepped], event: _Stepped) -> None:
    """Append `event`, in the place of what a run said of this step and later ones before a break."""
    while told and told[-1].step >= event.step:
        told.pop()
    told.append(event)


@dataclass(frozen=True)
class DataCheck:
    """What a dry run says: `notes`, the data that a run would learn from, and how long it would take."""

    notes: tuple[str, ...] = ()
    data: DataRead | None = None
    wait: WaitExpected | None = None

    @classmethod
    def of(cls, notes: tuple[str, ...], events: Iterable[Event]) -> DataCheck:
        """The notes with what the events say of data and wait."""
        check = cls(notes)
        for event in events:
            if isinstance(event, DataRead):
                check = replace(check, data=event)
            elif isinstance(event, WaitExpected):
                check = replace(check, wait=event)
        return check


class LineWriter:
    """Appends one JSON line a call, flushed, so that a reader sees whole lines.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     LineWriter(Path(folder) / "events.jsonl").event(BaseQuality({8: 0.5}))
    ...     list(read_events(Path(folder) / "events.jsonl"))
    [BaseQuality(ndcg={8: 0.5})]
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def event(self, event: Event) -> None:
        """Append an event."""
        self._append(event_to_dict(event))

    def message(self, message: Message) -> None:
        """Append a message."""
        self._append(message.to_dict())

    def _append(self, raw: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(raw) + "\n")


def read_events(path: Path) -> Iterator[Event]:
    """Whole events of a file that is still written to; lines that are none are left out."""
    for raw in read_json_lines(path):
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            yield event_from_dict(raw)


def read_messages(path: Path) -> Iterator[Message]:
    """Whole messages of a file that is still written to; lines that are none are left out."""
    for raw in read_json_lines(path):
        with suppress(ValueError, TypeError, KeyError):
            yield Message.from_dict(raw)


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole JSON objects of a file, nothing if it is not there."""
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            with suppress(ValueError):
                if isinstance(raw := json.loads(line), dict):
                    yield raw
