"""What a sweep found: frozen rows with intervals, differences, notes, and their JSON and CSV forms."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.evaluation.stats import MARGIN, WIDEST_TELLING, verdict_of
from mrl_demo.search.quantised import bytes_per_vector

#: arm, dimension (None for dimension-free arms), precision, metric.
RowKey: TypeAlias = tuple[str, int | None, str, str]
#: What dimension-free arms have instead of a precision.
NO_PRECISION = "none"


@dataclass(frozen=True)
class SweepRow:
    """One figure: the mean over `n_queries` queries and its 95% interval `low`..`high`.

    `dim` is None and `precision` "none" for a dimension-free arm (bm25). `band_low` and `band_high` are the
    least and greatest mean over the seeds of a random arm, None for the others.
    """

    arm: str
    dim: int | None
    precision: str
    metric: str
    value: float
    low: float
    high: float
    n_queries: int
    band_low: float | None = None
    band_high: float | None = None

    @property
    def key(self) -> RowKey:
        """Arm, dimension, precision and metric."""
        return (self.arm, self.dim, self.precision, self.metric)

    @property
    def bytes_per_vector(self) -> int | None:
        """Exact bytes that a search keeps for one vector, None for a dimension-free arm."""
        return None if self.dim is None else bytes_per_vector(self.precision, self.dim)


@dataclass(frozen=True)
class DifferenceRow:
    """A paired difference over the same queries, with its 95% interval `low`..`high`.

    `against` is "base" (the base arm at the same dimension and precision) or "full" (the same arm, uncut
    float32), or any other arm of the plan's `against`. `p_holm` is the p value corrected over the dimensions of the
    arm, precision and metric; `verdict` is that of `stats.verdict_of`.
    """

    arm: str
    dim: int
    precision: str
    metric: str
    against: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    verdict: str

    @property
    def key(self) -> RowKey:
        """Arm, dimension, precision and metric of the row that is compared."""
        return (self.arm, self.dim, self.precision, self.metric)

    @property
    def is_as_good(self) -> bool:
        """Whether it is at most `MARGIN` lower, and by all its interval allows at most `WIDEST_TELLING`."""
        return self.difference >= -MARGIN and self.low >= -WIDEST_TELLING


@dataclass(frozen=True)
class RetentionRow:
    """The share of its arm's float32 value at full dimension that a figure keeps, with the share's 95% interval."""

    arm: str
    dim: int
    precision: str
    metric: str
    value: float
    low: float
    high: float

    @property
    def key(self) -> RowKey:
        """Arm, dimension, precision and metric."""
        return (self.arm, self.dim, self.precision, self.metric)


@dataclass(frozen=True)
class ClassTask:
    """What a metric of classes was measured on: how many `classes` and texts, and its value by `chance`.

    By chance is what always naming the class most common in training would have. Texts that share their `apart_by` (a
    field such as "topic", "" for none) were never on both sides.
    """

    metric: str
    classes: int
    n_train: int
    n_test: int
    chance: float
    apart_by: str = ""


@dataclass(frozen=True)
class SweepArm:
    """An arm that was measured: its full dimension (None if it has none) and the lengths it was trained at."""

    name: str
    label: str
    full_dim: int | None
    trained_dims: tuple[int, ...] = ()


@dataclass(frozen=True)
class SweepResult:
    """Everything a sweep measured on one corpus.

    `date` is ISO 8601 in UTC; `seconds` the wall time (of which encoding and fitting `preparing_seconds`).
    `full` has one float32 row at full dimension for each arm and metric, whether asked for or not. `stand_ins` names
    what stood in for judged queries, as `Corpus.stand_ins` does: figures are then estimates. Only in
    memory: `query_ids`, `per_query` and `full_values` (values `(n_queries,)` float32 by row key, the latter uncut), and
    `first_ranks` (arm -> `(n_queries, dims)` int64 rank of the best relevant document at the arm's `rank_dims`).
    """

    corpus: str
    hardware: str
    date: str
    seconds: float
    n_queries: int
    n_documents: int
    arms: tuple[SweepArm, ...]
    rows: tuple[SweepRow, ...]
    full: tuple[SweepRow, ...] = ()
    differences: tuple[DifferenceRow, ...] = ()
    retentions: tuple[RetentionRow, ...] = ()
    notes: tuple[str, ...] = ()
    preparing_seconds: float = 0.0
    tasks: tuple[ClassTask, ...] = ()
    stand_ins: str = ""
    query_ids: tuple[str, ...] = field(default=(), compare=False, repr=False)
    per_query: Mapping[RowKey, NDArray[np.float32]] = field(default_factory=dict, compare=False, repr=False)
    full_values: Mapping[RowKey, NDArray[np.float32]] = field(default_factory=dict, compare=False, repr=False)
    rank_dims: Mapping[str, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)
    first_ranks: Mapping[str, IntMatrix] = field(default_factory=dict, compare=False, repr=False)

    def row(self, arm: str, dim: int | None, metric: str, precision: str = "float32") -> SweepRow | None:
        """The figure of that key, None if it was not measured."""
        return next((row for row in self.rows if row.key == (arm, dim, precision, metric)), None)

    def retention(self, row: SweepRow) -> float | None:
        """The row's value as a share of its arm's float32 value at full dimension; None if there is no such."""
        full = next((each for each in self.full if (each.arm, each.metric) == (row.arm, row.metric)), None)
        return row.value / full.value if full is not None and full.value > 0 else None

    def retention_row(self, row: SweepRow) -> RetentionRow | None:
        """The same share with its interval, for metrics of quality; None if there is none."""
        return next((retention for retention in self.retentions if retention.key == row.key), None)

    def of_arms(self, names: Collection[str]) -> SweepResult:
        """The figures of some arms and the differences between them; without what is only in memory."""
        others = {arm.name for arm in self.arms} - set(names)
        return replace(
            self,
            arms=tuple(arm for arm in self.arms if arm.name in names),
            rows=tuple(row for row in self.rows if row.arm in names),
            full=tuple(row for row in self.full if row.arm in names),
            differences=tuple(row for row in self.differences if row.arm in names and row.against not in others),
            retentions=tuple(row for row in self.retentions if row.arm in names),
            query_ids=(),
            per_query={},
            full_values={},
            rank_dims={},
            first_ranks={},
        )

    def task(self, metric: str) -> ClassTask | None:
        """What a metric of classes was measured on, None for other metrics."""
        return next((task for task in self.tasks if task.metric == metric), None)

    def difference(self, row: SweepRow, against: str) -> DifferenceRow | None:
        """The paired difference of that row against "base" or "full", None if there is none."""
        key = (*row.key, against)
        return next((d for d in self.differences if (d.arm, d.dim, d.precision, d.metric, d.against) == key), None)

    def values(self, key: RowKey) -> FloatMatrix:
        """The value of every query, `(n_queries,)` float32; raises `KeyError` if it was not measured or not kept."""
        return self.per_query[key]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; without what is only in memory."""
        raw = {each.name: getattr(self, each.name) for each in fields(self) if each.repr}
        for name in ("rows", "full"):
            raw[name] = [_row_dict(row) for row in raw[name]]
        for name in ("arms", "differences", "retentions", "tasks"):
            raw[name] = [asdict(each) for each in raw[name]]
        return raw

    def to_json(self) -> str:
        """One JSON object with "corpus", "hardware", "rows" (one object a `SweepRow`) and all the rest."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> SweepResult:
        """Read what `to_json` wrote; raises `CorpusError` if it is something else."""
        try:
            raw = json.loads(text)
            raw["arms"] = tuple(
                SweepArm(**{**each, "trained_dims": tuple(each["trained_dims"])}) for each in raw["arms"]
            )
            for row in raw.get("differences", ()):  # Words are of today, whenever the figures were stored.
                row["verdict"] = verdict_of(row["difference"], row["low"], row["high"], row["p_holm"])
            for name, kind in _ROW_KINDS.items():
                if name in raw:
                    raw[name] = tuple(kind(**each) for each in raw[name])
            return cls(**{**raw, "notes": tuple(raw["notes"])})
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"These are no sweep results ({error}): measure them again.") from error

    def to_csv(self) -> str:
        """The rows with a header line; with bytes a vector, retention and gain over base (95% intervals) if there."""
        out = io.StringIO()
        names = [each.name for each in fields(SweepRow)]
        writer = csv.writer(out, lineterminator="\n")
        bounds = (
            "retention",
            "retention_low",
            "retention_high",
            "gain_over_base",
            "gain_low",
            "gain_high",
            "gain_p_holm",
        )
        writer.writerow([*names, "bytes_per_vector", *bounds])
        full = {(each.arm, each.metric): each.value for each in self.full}
        kept = {each.key: each for each in self.retentions}
        gains = {d.key: (d.difference, d.low, d.high, d.p_holm) for d in self.differences if d.against == "base"}
        for row in self.rows:
            whole, share = full.get((row.arm, row.metric), 0.0), kept.get(row.key)
            interval = (share.low, share.high) if share else (None, None)
            shown = (row.value / whole if whole > 0 else None, *interval, *gains.get(row.key, (None,) * 4))
            writer.writerow([*(getattr(row, name) for name in names), row.bytes_per_vector, *shown])
        return out.getvalue()


_ROW_KINDS: dict[str, type[SweepRow] | type[DifferenceRow] | type[RetentionRow] | type[ClassTask]] = {
    "rows": SweepRow,
    "full": SweepRow,
    "differences": DifferenceRow,
    "retentions": RetentionRow,
    "tasks": ClassTask,
}


def _row_dict(row: SweepRow) -> dict[str, Any]:
    raw = asdict(row)
    if row.band_low is None:
        del raw["band_low"], raw["band_high"]
    return raw
