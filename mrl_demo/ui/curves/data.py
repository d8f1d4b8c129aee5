"""A sweep as the Curves tab reads it: chosen figures by key, and the curves drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.style import Style
from mrl_demo.evaluation.probes import parse_probe_metric
from mrl_demo.evaluation.speed.searches import SpeedResult
from mrl_demo.evaluation.sweeps.results import NO_PRECISION, DifferenceRow, SweepArm, SweepRow
from mrl_demo.lab.curves import CurveSet
from mrl_demo.plots.curves import Curve, Point
from mrl_demo.plots.style import precision_style
from mrl_demo.ui.curves.state import LATENCY, Choice, unit_label

_FLOAT32 = "float32"
PRECISION_LABELS = {
    "float32": "float32",
    "float16": "float16",
    "int8": "int8",
    "int4": "int4",
    "binary": "binary",
    "binary-mean": "binary at the mean",
    "pq": "product codes",
    "rabitq": "RaBitQ",
    "int8+rescore": "int8, first 40 rescored",
    "int4+rescore": "int4, first 40 rescored",
    "binary+rescore": "binary, first 40 rescored",
    "binary-mean+rescore": "binary at the mean, first 40 rescored",
    "binary-mean+rescore-int8": "binary at the mean, first 40 rescored by int8",
    "pq+rescore": "product codes, first 40 rescored",
    "rabitq+rescore": "RaBitQ, first 40 rescored",
    "rabitq+rescore-int8": "RaBitQ, first 40 rescored by int8",
}


@dataclass(frozen=True)
class Figures:
    """A curve set with its rows by key."""

    curves: CurveSet
    rows: dict[tuple[str, int | None, str, str], SweepRow] = field(default_factory=dict)
    full: dict[tuple[str, str], SweepRow] = field(default_factory=dict)
    differences: dict[tuple[str, int, str, str, str], DifferenceRow] = field(default_factory=dict)

    @classmethod
    def of(cls, curves: CurveSet) -> Figures:
        """Sort the rows of a curve set by what they are looked up by."""
        sweep = curves.sweep
        return cls(
            curves,
            {row.key: row for row in sweep.rows},
            {(row.arm, row.metric): row for row in sweep.full},
            {(d.arm, d.dim, d.precision, d.metric, d.against): d for d in sweep.differences},
        )

    @property
    def arms(self) -> tuple[SweepArm, ...]:
        """The arms that were measured, in their order."""
        return self.curves.sweep.arms

    @property
    def styles(self) -> dict[str, Style]:
        """How each of the measured arms is drawn, whichever of them are switched on."""
        return arm_styles([arm.name for arm in self.arms])

    @property
    def class_metrics(self) -> tuple[str, ...]:
        """Measured metrics of classes and of scored pairs, in their order."""
        metrics = dict.fromkeys(row.metric for row in self.rows.values())
        return tuple(metric for metric in metrics if parse_probe_metric(metric))

    @property
    def group_fields(self) -> tuple[str, ...]:
        """The columns that group the queries, in their order."""
        return tuple(dict.fromkeys(row.field for row in self.curves.groups))

    def count(self, metric: str) -> int:
        """How many queries, texts or pairs the figures of a metric are means over."""
        return next((row.n_queries for row in self.rows.values() if row.metric == metric), 0)

    def unit(self, metric: str) -> str:
        """What a metric's figures are means over; texts that only stand in for queries are called that."""
        unit, stand_ins = unit_label(metric), self.curves.sweep.stand_ins
        return f"{stand_ins} standing in for queries" if stand_ins and unit == "queries" else unit

    def label(self, arm: str) -> str:
        """What an arm is called on the page."""
        return next((each.label for each in self.arms if each.name == arm), arm)

    def dims(self, arms: tuple[str, ...] | None = None) -> tuple[int, ...]:
        """All lengths measured for these arms (all where None), rising."""
        lengths = {row.dim for row in self.rows.values() if row.dim and (arms is None or row.arm in arms)}
        return tuple(sorted(lengths))

    def row(self, arm: str, dim: int | None, metric: str) -> SweepRow | None:
        """The float32 figure, or the only one of an arm without dimensions."""
        return self.rows.get((arm, dim, _FLOAT32, metric)) or self.rows.get((arm, None, NO_PRECISION, metric))

    def against(self, row: SweepRow, other: str) -> DifferenceRow | None:
        """The paired float32 difference of a row from "base" or from its own "full"."""
        return self.differences.get((row.arm, row.dim or 0, row.precision, row.metric, other))

    def share(self, row: SweepRow) -> Point | None:
        """The row as a share of its arm's full figure, with the interval of the paired difference from it."""
        full = self.full.get((row.arm, row.metric))
        if full is None or row.dim is None or full.value <= 0:
            return None
        paired = self.against(row, "full")
        low, high = (row.low / full.value, row.high / full.value)
        if paired is not None:
            low, high = 1 + paired.low / full.value, 1 + paired.high / full.value
        elif row.key == full.key:
            low = high = 1.0
        return Point(row.dim, row.value / full.value, low, high)


def quality_curves(figures: Figures, choice: Choice) -> list[Curve]:
    """One curve for each arm that is switched on and has the metric."""
    curves = []
    styles = figures.styles
    for arm in figures.arms:
        if arm.name not in choice.arms:
            continue
        rows = [
            row
            for row in figures.rows.values()
            if row.arm == arm.name and row.metric == choice.metric and row.precision in (_FLOAT32, NO_PRECISION)
        ]
        points = [_point(figures, row, choice.as_share) for row in sorted(rows, key=lambda each: each.dim or 0)]
        kept = tuple(point for point in points if point is not None)
        if kept:
            curves.append(Curve(arm.name, arm.label, kept, arm.trained_dims, styles[arm.name]))
    return curves


def _point(figures: Figures, row: SweepRow, as_share: bool) -> Point | None:
    shown = figures.share(row) if as_share else Point(row.dim or 0, row.value, row.low, row.high)
    if shown is None:
        return None
    return Point(shown.x, shown.y, shown.low, shown.high, _hover(figures, row, shown, as_share))


def _hover(figures: Figures, row: SweepRow, shown: Point, as_share: bool) -> str:
    low, high = shown.low or 0.0, shown.high or 0.0
    bounds = f"{low:.1%} to {high:.1%}" if as_share else f"{low:.3f} to {high:.3f}"
    lines = [f"95% interval {bounds}, {row.n_queries:,} {figures.unit(row.metric)}"]
    if row.band_low is not None and row.band_high is not None:
        lines.append(f"mean of 5 seeds, which range from {row.band_low:.3f} to {row.band_high:.3f}")
    difference = figures.against(row, "base")
    if difference is not None:
        lines.append(
            f"against base {difference.difference:+.3f} ({difference.low:+.3f} to {difference.high:+.3f}): "
            f"{difference.verdict}"
        )
    return "\n".join(lines)


def cost_clouds(figures: Figures, choice: Choice, speed: SpeedResult | None) -> list[Curve]:
    """Every length of one arm at every precision: cost against the metric; latency where it was timed."""
    clouds: dict[str, list[Point]] = {}
    for row in figures.rows.values():
        if (row.arm, row.metric) != (choice.cost_arm, choice.metric) or row.dim is None:
            continue
        cost: float | None = row.bytes_per_vector
        unit = "bytes a vector"
        if choice.cost == LATENCY:
            timed = speed.row(row.dim, row.precision) if speed else None
            cost, unit = (timed.median_ms if timed else None), "ms"
        if cost is None:
            continue
        note = (
            f"{row.dim} numbers, {PRECISION_LABELS.get(row.precision, row.precision)}\n"
            f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f}), {cost:,.4g} {unit}"
        )
        clouds.setdefault(row.precision, []).append(Point(cost, row.value, row.low, row.high, note))
    return [
        Curve(
            name,
            PRECISION_LABELS.get(name, name),
            tuple(sorted(points, key=lambda p: p.x)),
            style=precision_style(name),
        )
        for name, points in clouds.items()
    ]


def speed_curves(speed: SpeedResult) -> tuple[list[Curve], Curve]:
    """Median by length for each precision, p95 as the upper edge, and what reading float32 alone would take."""
    curves = []
    for precision in dict.fromkeys(row.precision for row in speed.rows):
        points = tuple(
            Point(
                row.dim,
                row.median_ms,
                row.median_ms,
                row.p95_ms,
                f"p95 {row.p95_ms:.3g} ms, {row.gb_per_s:.1f} GB/s, {row.n_runs} searches",
            )
            for row in speed.rows
            if row.precision == precision
        )
        label = PRECISION_LABELS.get(precision, precision)
        curves.append(Curve(precision, label, points, style=precision_style(precision)))
    dims = [row.dim for row in speed.rows if row.precision == _FLOAT32]
    limit = tuple(Point(dim, 4 * dim * speed.n / speed.bandwidth_gb_s / 1e6) for dim in dims)
    return curves, Curve("limit", f"float32 read at {speed.bandwidth_gb_s:.1f} GB/s", limit)
