"""What every engine that keeps vectors outside this process can do, and the values that it is told and gives."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.engines.errors import EngineError, EngineMismatchError

_FORMAT = 1
LOADING, READY = "loading", "ready"
#: What the codes of a coarse index may be; a shortlist of them is rescored by float32.
INDEX_PRECISIONS = ("float32", "float16", "int8", "binary")


@dataclass(frozen=True)
class CollectionLayout:
    """How vectors of `dimension` numbers lie in an engine.

    `dims` are lengths that have an index or a field of their own, the full one among them. With `is_approximate` the
    engine builds its graph (HNSW), whose codes may be of a coarser `precision`; without, it compares every vector.
    `parts` are shards or partitions.

    >>> CollectionLayout(384, (64,)).dims
    (64, 384)
    """

    dimension: int
    dims: tuple[int, ...] = ()
    is_approximate: bool = False
    precision: str = "float32"
    parts: int = 1

    def __post_init__(self) -> None:
        dims = tuple(sorted({*(int(dim) for dim in self.dims), self.dimension}))
        if dims[0] < 1 or dims[-1] != self.dimension:
            raise EngineError(f"Lengths {self.dims} do not fit vectors of {self.dimension} numbers: give shorter ones.")
        if self.precision not in INDEX_PRECISIONS:
            raise EngineError(f"No engine's index has {self.precision!r}: choose among {', '.join(INDEX_PRECISIONS)}.")
        if self.precision != "float32" and not self.is_approximate:
            raise EngineError(f"Codes of {self.precision} are those of an approximate index: add --hnsw.")
        if not 1 <= self.parts <= 1_024:
            raise EngineError(f"{self.parts} parts are not possible: choose 1 to 1024 shards or partitions.")
        object.__setattr__(self, "dims", dims)


@dataclass(frozen=True)
class CollectionCard:
    """What a collection says of itself, kept beside its vectors.

    `model` is the encoder's fingerprint, `rotation` the key of what turned its vectors ("" for none), `fingerprint`
    that of the documents; `state` is "ready" once an upload came to its end. `recall` is the share of the exact first
    ten that it finds, by length, measured after loading; empty if it searches exactly.

    >>> card = CollectionCard("builtin", "f00d", "base", "beef", "", CollectionLayout(384, (64,)), count=2400)
    >>> CollectionCard.from_json(card.to_json()) == card
    True
    """

    corpus: str
    fingerprint: str
    arm: str
    model: str
    rotation: str
    layout: CollectionLayout
    count: int
    state: str = LOADING
    recall: Mapping[int, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """One JSON object, read again by `from_json`."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> CollectionCard:
        """Read what `to_json` wrote; raises `EngineMismatchError` if it is something else."""
        try:
            raw: dict[str, Any] = json.loads(text)
            if raw.pop("format") != _FORMAT:
                raise ValueError("of another version")
            layout = raw.pop("layout")
            layout = CollectionLayout(**{**layout, "dims": tuple(layout["dims"])})
            recall = {int(dim): float(share) for dim, share in raw.pop("recall").items()}
            return cls(layout=layout, recall=recall, **raw)
        except (ValueError, KeyError, TypeError, AttributeError, EngineError) as error:
            raise EngineMismatchError(
                f"This collection was not made by the lab ({error}): name another one, which `mrl index` makes."
            ) from error

    def check_same_vectors(self, other: CollectionCard, fix: str) -> None:
        """Raise `EngineMismatchError`, ending in `fix`, unless model, rotation and layout are those of `other`."""
        for what, mine, theirs in (
            ("vectors of the arm", self.arm, other.arm),
            ("vectors of", f"{self.layout.dimension:,} numbers", f"{other.layout.dimension:,} numbers"),
            ("vectors of another model called", self.model[:12], other.model[:12]),
            ("another rotation,", self.rotation[:12] or "none", other.rotation[:12] or "none"),
            ("another layout,", self.layout, other.layout),
        ):
            if mine != theirs:
                raise EngineMismatchError(f"The collection holds {what} {_said(mine)}, not {_said(theirs)}: {fix}")

    def with_state(self, state: str) -> CollectionCard:
        """The same with another state."""
        return replace(self, state=state)


def _said(value: object) -> str:
    if not isinstance(value, CollectionLayout):
        return str(value)
    kind = "HNSW" if value.is_approximate else "exact"
    return f"{','.join(map(str, value.dims))} {value.precision} {kind} in {value.parts}"


@dataclass(frozen=True)
class VectorBatch:
    """Rows to be kept: `keys` (UUIDs), `vectors` `(m, D)` float32 unit rows, and `attributes` to filter by.

    >>> import numpy as np
    >>> batch = VectorBatch([content_key("d1", "Bees")], np.eye(1, 4, dtype=np.float32), [{"topic": "bees"}])
    >>> len(batch)
    1
    """

    keys: Sequence[str]
    vectors: FloatMatrix
    attributes: Sequence[Mapping[str, str]]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Nearest:
    """What an engine found for one query: `keys` and cosines, best first.

    >>> Nearest(["a", "b"], [0.9, 0.1]).scores
    [0.9, 0.1]
    """

    keys: list[str]
    scores: list[float]


@dataclass(frozen=True)
class EngineBytes:
    """Bytes that a collection takes: `vectors` with their keys and attributes, and `indexes`; None if not told.

    >>> EngineBytes(10, None).total
    10
    """

    vectors: int | None
    indexes: int | None

    @property
    def total(self) -> int | None:
        """Both, None if neither is known."""
        known = [size for size in (self.vectors, self.indexes) if size is not None]
        return sum(known) if known else None


class VectorEngine(Protocol):
    """Keeps one collection's vectors and searches them; shared by threads.

    Rows are immutable: a key is a hash of its document, so that sending one twice changes nothing. Every method raises
    `EngineDownError`, `EngineRefusedError`, `EngineFullError` or `EngineMismatchError` in words that name no password.
    """

    @property
    def name(self) -> str:
        """The product for anybody's eyes, as "PostgreSQL (pgvector 0.8.1)"."""
        ...

    @property
    def most_workers(self) -> int:
        """Uploads that it takes at once."""
        ...

    @property
    def has_all_lengths(self) -> bool:
        """Whether it compares any prefix itself, or only lengths of its layout, others by a shortlist rescored here."""
        ...

    def read_card(self) -> CollectionCard | None:
        """What the collection says of itself, None if there is none of that name."""
        ...

    def check_loading(self, layout: CollectionLayout) -> None:
        """Raise, before anything is encoded, for a layout it cannot keep and for a user who may not write here."""
        ...

    def create(self, card: CollectionCard) -> None:
        """Make the collection with its schema; there must be none of that name."""
        ...

    def write_card(self, card: CollectionCard) -> None:
        """Change what the collection says of itself."""
        ...

    def keys(self) -> set[str]:
        """Keys of all rows."""
        ...

    def count(self) -> int:
        """Rows."""
        ...

    def upload(self, batch: VectorBatch) -> None:
        """Keep rows: all of them once this returns, and none twice however often they are sent."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Remove rows; those that are not there do not matter."""
        ...

    def finish(self) -> None:
        """Make what was uploaded searchable: build and flush indexes."""
        ...

    def search(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None = None) -> list[Nearest]:
        """The `k` nearest rows to each of `(q, D)` queries by cosine at prefix `dim`, fewer if there are fewer.

        With `where` only rows that have these attributes. Any length from 1 to D will do.
        """
        ...

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """The `k` best of `(q, D)` queries by the last stage's cosine after all float32 stages of `cascade`."""
        ...

    def stats(self) -> EngineBytes:
        """Bytes that the collection takes."""
        ...

    def drop(self) -> None:
        """Remove the collection with everything in it; nothing happens if there is none."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def content_key(*parts: str) -> str:
    """A row's key: the UUID form of a hash of what it is made from, so that a changed document is another row."""
    return str(uuid.UUID(hex=sha256_text(*parts)[:32]))


def check_cascade(cascade: Cascade) -> None:
    """Raise `EngineError` for stages that engines do not run: coarse codes in the first."""
    if not cascade.is_float32:
        raise EngineError(
            f"{cascade.name} begins with coarse codes, which the lab has only in its own index: begin with numbers."
        )
