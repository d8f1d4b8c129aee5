"""What was decided as figures: for the page, and for the report."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from mrl_demo.advisor.ceiling import CORPUS, ELSEWHERE, JUDGED, Ceiling
from mrl_demo.advisor.recommend import Recommendation, Setting, setting_name
from mrl_demo.advisor.report import frontier_of
from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.costs.model import CostComparison
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.plots.curves import Axes, Curve, Point, quality_figure
from mrl_demo.plots.decide import CeilingLine, ScoreSide, money_figure, score_figure, settings_figure
from mrl_demo.thresholds.measure import ScoreDensity, TranslatedThreshold

_CEILING_COLOURS = {ELSEWHERE: "#8b93a1", CORPUS: "#5f7fd6", JUDGED: "#a98200"}


def recommendation_figure(recommendation: Recommendation, ceiling: Ceiling | None = None) -> go.Figure:
    """Every setting by bytes and share, the frontier drawn, the recommended one ringed, behind them the ceiling."""
    frontier = frontier_of(recommendation.settings)
    rest = [setting for setting in recommendation.settings if setting not in frontier]
    best = recommendation.best
    ringed = _setting_points([best])[0] if best else None
    target = recommendation.advice.target
    points = _setting_points(rest), _setting_points(frontier)
    return settings_figure(*points, ringed, target, _ceiling_lines(ceiling))


def threshold_figure(translated: TranslatedThreshold) -> go.Figure:
    """Both distributions with the cut-offs."""
    answer = translated.equal_precision.cutoff
    short = [("unchanged", translated.given), *([("translated", answer)] if answer is not None else [])]
    title = f"{translated.full_arm}, {translated.full_dim} numbers"
    short_title = f"{translated.arm}, {translated.dim} numbers, {translated.precision}"
    now = [("now", translated.given)]
    return score_figure((_side(title, translated.full, now), _side(short_title, translated.short, short)))


def costs_figure(costs: CostComparison) -> go.Figure:
    """The three ways to serve as bars."""
    memory, disk = ([getattr(way, f"{kind}_money") for way in costs.ways] for kind in ("memory", "disk"))
    return money_figure([way.label for way in costs.ways], memory, disk, costs.prices.currency)


def curves_figure(result: SweepResult, metric: str) -> go.Figure:
    """Quality of float32 vectors against their length, with intervals, a line for each arm."""
    styles = arm_styles([arm.name for arm in result.arms])
    curves = []
    for arm in result.arms:
        rows = [row for row in result.rows if (row.arm, row.metric, row.precision) == (arm.name, metric, "float32")]
        points = tuple(
            Point(row.dim or 0, row.value, row.low, row.high) for row in sorted(rows, key=lambda r: r.dim or 0)
        )
        if points:
            curves.append(Curve(arm.name, arm.label, points, arm.trained_dims, styles[arm.name]))
    return quality_figure(curves, Axes("numbers kept", metric))


def _ceiling_lines(ceiling: Ceiling | None) -> list[CeilingLine]:
    """The three fits as float32 vectors: four bytes a number."""
    lines = []
    for curve in ceiling.curves if ceiling else ():
        points = tuple(
            Point(4 * p.dim, p.share, p.low, p.high, f"{curve.kind}\n{p.dim} float32 numbers: {p.share:.1%}")
            for p in curve.points
        )
        lines.append(CeilingLine(f"float32, {curve.kind}", _CEILING_COLOURS[curve.kind], points))
    return lines


def _setting_points(settings: Sequence[Setting]) -> list[Point]:
    return [
        Point(
            setting.bytes_searched,
            setting.share,
            setting.lower,
            note=f"{setting_name(setting)}\n{setting.bytes_searched:,} bytes: {setting.share:.1%}, "
            f"at least {setting.lower:.1%}",
        )
        for setting in settings
    ]


def _side(title: str, density: ScoreDensity, cutoffs: list[tuple[str, float]]) -> ScoreSide:
    return ScoreSide(title, density.edges, density.related, density.unrelated, tuple(cutoffs))
