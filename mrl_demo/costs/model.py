"""Memory, disk and money a month of three ways to serve a collection: full vectors, cut ones, and a funnel."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from mrl_demo.core.errors import LabError
from mrl_demo.core.vectors import check_dimension
from mrl_demo.search.quantised import bytes_per_vector, parse_precision, rescore_bytes_per_vector, rescore_bytes_read

FULL, CUT, FUNNEL = "full", "cut", "funnel"
_GIB, _GB = 2**30, 10**9
#: A graph of 16 links (HNSW with M = 16): 32 neighbours of 4 bytes at the ground floor, about 8 bytes above.
HNSW_BYTES = 136


@dataclass(frozen=True)
class UnitPrices:
    """What a GiB of memory and a GB of disk cost a month; `source` and `date` say where the numbers are from.

    Raises `LabError` for a price that is no number from 0.

    >>> UnitPrices(memory_gib_month=-1)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: memory_gib_month is -1: a price is a number from 0, as in 7.45.
    """

    memory_gib_month: float = 7.45
    disk_gb_month: float = 0.08
    currency: str = "USD"
    source: str = (
        "list prices of AWS, us-east-1: memory as m7g.large on demand (8 GiB for 0.0816 an hour, 730 hours), disk a "
        "round figure for network SSDs, not looked up; other clouds, reserved or larger machines cost less or more"
    )
    date: str = "2026-06-17"

    def __post_init__(self) -> None:
        for name, example in (("memory_gib_month", "7.45"), ("disk_gb_month", "0.08")):
            _check_number(name, getattr(self, name), f"a price is a number from 0, as in {example}")

    def edited(self, memory: float | None = None, disk: float | None = None, currency: str = "") -> UnitPrices:
        """The prices with those that are named put in; their source is then you."""
        changes = {"memory_gib_month": memory, "disk_gb_month": disk, "currency": currency or None}
        named = {name: value for name, value in changes.items() if value not in (None, getattr(self, name))}
        return replace(self, **named, source="as you gave them", date="today") if named else self  # type: ignore[arg-type]


@dataclass(frozen=True)
class Deployment:
    """What is served: so many `vectors` in so many `replicas`, each with `index_bytes` of graph or lists beside it.

    `full_dim` float32 numbers are what the model gives; `dim` numbers in `precision` what is searched; `shortlist`
    documents a query are read in full by the funnel. Raises `LabError` kinds for what cannot be.

    >>> Deployment(vectors=1_000_000, full_dim=384, dim=64).searched_bytes
    256
    """

    vectors: int = 1_000_000
    full_dim: int = 384
    dim: int = 64
    precision: str = "float32"
    replicas: int = 1
    index_bytes: float = HNSW_BYTES
    shortlist: int = 100

    def __post_init__(self) -> None:
        for name in ("vectors", "full_dim", "replicas", "shortlist"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise LabError(f"{name} is {value}: it must be a whole number from 1.").about(name)
        _check_number("index_bytes", self.index_bytes, "it must be a number of bytes a vector from 0, as in 136")
        check_dimension(self.dim, self.full_dim)
        parse_precision(self.precision)

    @property
    def searched_bytes(self) -> int:
        """Bytes of one vector as it is searched, in memory."""
        return bytes_per_vector(self.precision, self.dim)

    @property
    def rescored_bytes(self) -> int:
        """Bytes of the copy that rescoring at the cut length reads, on disk; 0 without rescoring."""
        return rescore_bytes_per_vector(self.precision, self.dim)


@dataclass(frozen=True)
class ServingCost:
    """One way to serve: bytes of all replicas in memory and on disk, bytes read from disk a query, money a month."""

    way: str
    label: str
    memory_bytes: float
    disk_bytes: float
    read_bytes: float
    memory_money: float
    disk_money: float

    @property
    def money(self) -> float:
        """Memory and disk together, a month."""
        return self.memory_money + self.disk_money


@dataclass(frozen=True)
class CostComparison:
    """The ways side by side, with the prices they were reckoned from."""

    deployment: Deployment
    prices: UnitPrices
    ways: tuple[ServingCost, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; each way with its `money` a month."""
        return {**asdict(self), "ways": [{**asdict(way), "money": way.money} for way in self.ways]}

    def sentence(self) -> str:
        """The answer in words."""
        full, cheapest = self.ways[0], min(self.ways, key=lambda way: way.money)
        if cheapest is full or cheapest.money == 0:
            return "Full vectors are the cheapest here: cutting saves nothing at these prices."
        return (
            f"{cheapest.label}: {cheapest.money:,.2f} {self.prices.currency} a month instead of {full.money:,.2f}, "
            f"{full.money / cheapest.money:.1f} times less."
        )


def compare_costs(deployment: Deployment, prices: UnitPrices | None = None) -> CostComparison:
    """What full, cut and funnelled vectors cost.

    Every way keeps on disk what it has in memory, to start from. The funnel searches the cut vectors and re-ranks its
    shortlist by full float32 vectors that stay on disk.
    """
    prices = prices or UnitPrices()
    full, searched, rescored = 4 * deployment.full_dim, deployment.searched_bytes, deployment.rescored_bytes
    short = f"{deployment.dim} numbers, {deployment.precision}"
    sizes = {
        FULL: (f"Full: {deployment.full_dim} numbers, float32", full, full, 0),
        CUT: (f"Cut: {short}", searched, searched + rescored, rescore_bytes_read(deployment.precision, deployment.dim)),
        FUNNEL: (f"Funnel: {short}, then full", searched, searched + full, deployment.shortlist * full),
    }
    ways = (_cost(way, *size, deployment, prices) for way, size in sizes.items())
    return CostComparison(deployment, prices, tuple(ways))


def _cost(
    way: str, label: str, memory: int, disk: int, read: int, deployment: Deployment, prices: UnitPrices
) -> ServingCost:
    """`memory` and `disk` are bytes of one vector, `read` those that a query reads from disk."""
    copies = deployment.vectors * deployment.replicas
    memory_bytes, disk_bytes = (copies * (size + deployment.index_bytes) for size in (memory, disk))
    memory_money = memory_bytes / _GIB * prices.memory_gib_month
    disk_money = disk_bytes / _GB * prices.disk_gb_month
    return ServingCost(way, label, memory_bytes, disk_bytes, read, memory_money, disk_money)


def _check_number(name: str, value: object, expected: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise LabError(f"{name} is {value}: {expected}.").about(name)
