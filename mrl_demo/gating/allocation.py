"""Lengths for queries: by a gate, a fixed length, a budget or the load, compared on the same held-out queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.judging.ranked import MeasuredArm
from mrl_demo.evaluation.stats import Interval, PairedBootstrap
from mrl_demo.gating.ladder import LADDER_DIMS, Ladder, climb
from mrl_demo.gating.signals import WORSE_BY, classifier_signals, margin_signals

GATE_QUERIES = 20
_THRESHOLDS = tuple(np.linspace(0, 1, 41).round(4).tolist())
#: How busy the machine is from query to query if nobody says: from idle to nearly full and back.
_BUSIEST = 0.9


@dataclass(frozen=True)
class GateQuestion:
    """What is allocated: an arm's ladder of lengths, and what each way of choosing is told.

    `target` is the share of full quality that the gate and the length by performance aim at; `bytes_a_vector` the
    memory of the static choice; `budget_ms` the time of the dynamic one (None: half of what the full length takes) at
    a `load` from 0 to below 1 (None: it rises and falls).

    >>> GateQuestion(load=1.0)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: load is 1.0: it must be from 0 (idle) to below 1 (busy), as in 0.7.
    """

    dims: tuple[int, ...] = LADDER_DIMS
    target: float = 0.98
    bytes_a_vector: int = 256
    budget_ms: float | None = None
    load: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.target <= 1:
            raise LabError(f"target is {self.target}: it must be above 0 and at most 1, as in 0.98.").about("target")
        if self.load is not None and not 0 <= self.load < 1:
            raise LabError(f"load is {self.load}: it must be from 0 (idle) to below 1 (busy), as in 0.7.").about("load")
        if self.budget_ms is not None and not self.budget_ms > 0:
            raise LabError(f"budget is {self.budget_ms} ms: it must be above 0.").about("budget_ms")


@dataclass(frozen=True)
class LengthPoint:
    """The quality of some queries at a mean length, with its 95% interval."""

    mean_length: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Allocation:
    """One way to choose lengths on the held-out queries.

    `against_fixed` is its value less that of fixed lengths of the same mean cost (the two nearest, mixed), paired.
    `stopped_wrongly` is the share of queries that the full length ranks better than the one they got; `went_needlessly`
    the share that got a longer one than the shortest that ranks them as well as the full length.
    """

    name: str
    how: str
    point: LengthPoint
    against_fixed: Interval
    stopped_wrongly: float
    went_needlessly: float


@dataclass(frozen=True)
class GateReport:
    """Curves of mean length against quality, and the ways to choose, each on the same `n_test` held-out queries."""

    corpus: str
    arm: str
    metric: str
    dims: tuple[int, ...]
    n_fit: int
    n_test: int
    stand_ins: str
    fixed: tuple[LengthPoint, ...]
    gate: tuple[LengthPoint, ...]
    margin: tuple[LengthPoint, ...]
    choices: tuple[Allocation, ...]
    rung_ms: tuple[float, ...]
    notes: tuple[str, ...]

    def choice(self, name: str) -> Allocation:
        """The way to choose of that name."""
        return next(choice for choice in self.choices if choice.name == name)

    def sentence(self) -> str:
        """Whether the gate is worth it, in words."""
        gate, margin = self.choice("gate"), self.choice("margin")
        gain = gate.against_fixed
        gap = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] against fixed lengths of the same mean cost"
        verdict = (
            "The gate beats a fixed length"
            if gain.low > 0
            else "The gate does worse than a fixed length"
            if gain.high < 0
            else "The gate does not beat a fixed length here"
        )
        return (
            f"{verdict}: {self.metric} {gate.point.value:.3f} with {gate.point.mean_length:.0f} numbers on average, "
            f"{gap} ({self.n_test:,} held-out queries, fitted on {self.n_fit:,} others). It stopped wrongly for "
            f"{gate.stopped_wrongly:.0%} and went on needlessly for {gate.went_needlessly:.0%}. The margin alone: "
            f"{margin.point.value:.3f} with {margin.point.mean_length:.0f} numbers."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the verdict in words."""
        return {**asdict(self), "sentence": self.sentence()}


def measure_gate(
    measured: MeasuredArm, corpus: str, question: GateQuestion, metric_name: str, progress: Progress | None = None
) -> GateReport:
    """Fit gates on one half of the queries and compare all ways to choose on the other half.

    Raises `LabError` for fewer than `GATE_QUERIES` queries and for a budget that no length meets.
    """
    n = len(measured.judged.queries)
    if n < GATE_QUERIES:
        raise LabError(f"{corpus} has {n} queries: a gate needs {GATE_QUERIES} or more, half of them to fit it on.")
    metric = parse_metric(metric_name)
    ladder = climb(measured, question.dims, metric, progress)
    order = np.random.default_rng(0).permutation(n)
    fitting, testing = ladder.part(np.sort(order[: n // 2])), ladder.part(np.sort(order[n // 2 :]))
    trial = _Trial(testing)
    gates = {"gate": classifier_signals(fitting, testing), "margin": margin_signals(fitting, testing)}
    choices = [_by_signal(trial, name, fitting, signals, question.target) for name, signals in gates.items()]
    choices += _by_rule(trial, fitting, question)
    is_quality = measured.judged.is_judged and not metric.is_agreement
    return GateReport(
        corpus=corpus,
        arm=measured.arm,
        metric=metric.name if is_quality else "agreement",
        dims=ladder.dims,
        n_fit=len(fitting.values),
        n_test=len(testing.values),
        stand_ins=measured.stand_ins,
        fixed=tuple(trial.points([np.full(trial.n, rung) for rung in range(len(ladder.dims))])),
        gate=_curve(trial, gates["gate"][1]),
        margin=_curve(trial, gates["margin"][1]),
        choices=tuple(choices),
        rung_ms=ladder.ms,
        notes=measured.notes,
    )


def choose_rungs(signals: FloatMatrix, threshold: float) -> IntMatrix:
    """The rung each query stops at: the first whose signal is at most the threshold, the last if none is."""
    is_sure = np.column_stack([signals <= threshold, np.ones(len(signals), dtype=bool)])
    return is_sure.argmax(axis=1).astype(np.int64)


class _Trial:
    """Values of the held-out queries for any rungs they are given."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._lengths = np.array(ladder.dims, dtype=np.float64)
        self.n = len(ladder.values)
        self._bootstrap = PairedBootstrap(self.n)

    def points(self, choices: Sequence[IntMatrix]) -> list[LengthPoint]:
        """Mean length and value of several choices, resampled together."""
        intervals = self._bootstrap.intervals(np.stack([self._values(rungs) for rungs in choices], axis=1))
        return [
            LengthPoint(float(self._lengths[rungs].mean()), each.value, each.low, each.high)
            for rungs, each in zip(choices, intervals, strict=True)
        ]

    def judge(self, name: str, how: str, rungs: IntMatrix) -> Allocation:
        """All that is said of one way to choose."""
        values, full = self._values(rungs), self._ladder.values[:, -1]
        (point,) = self.points([rungs])
        gain = self._bootstrap.intervals((values - self._fixed_values(point.mean_length))[:, None])[0]
        wrong = float((full > values + WORSE_BY).mean())
        shortest = (self._ladder.values >= full[:, None] - WORSE_BY).argmax(axis=1)
        needless = float((rungs > shortest).mean())
        return Allocation(name, how, point, gain, wrong, needless)

    def _values(self, rungs: IntMatrix) -> FloatMatrix:
        return np.take_along_axis(self._ladder.values, rungs[:, None], 1)[:, 0]

    def _fixed_values(self, mean_length: float) -> FloatMatrix:
        """Each query's value by the two fixed lengths around a mean one, mixed so that they cost as much."""
        upper = int(np.clip(np.searchsorted(self._lengths, mean_length - 1e-9), 1, len(self._lengths) - 1))
        low, high = self._lengths[upper - 1], self._lengths[upper]
        weight = float(np.clip((mean_length - low) / (high - low), 0, 1))
        mixed = (1 - weight) * self._ladder.values[:, upper - 1] + weight * self._ladder.values[:, upper]
        return np.asarray(mixed, dtype=np.float32)


def _by_signal(
    trial: _Trial, name: str, fitting: Ladder, signals: tuple[FloatMatrix, FloatMatrix], target: float
) -> Allocation:
    """A gate at the threshold that costs least among those that keep the target on the fitting queries."""
    own, others = signals
    goal = target * float(fitting.values[:, -1].mean())
    lengths = np.array(fitting.dims)
    best: tuple[float, float] | None = None
    for threshold in _THRESHOLDS:
        rungs = choose_rungs(own, threshold)
        value = float(np.take_along_axis(fitting.values, rungs[:, None], 1).mean())
        cost = float(lengths[rungs].mean())
        if value >= goal and (best is None or cost < best[0]):
            best = (cost, threshold)
    threshold = best[1] if best else 0.0
    says = "probability that the full length is better" if name == "gate" else "share of queries with a larger margin"
    return trial.judge(name, f"stop where the {says} is at most {threshold:.2f}", choose_rungs(others, threshold))


def _by_rule(trial: _Trial, fitting: Ladder, question: GateQuestion) -> list[Allocation]:
    """The choices that look at no query: by memory, by load and time, by what was kept on the fitting queries."""
    n, dims, ms = trial.n, fitting.dims, fitting.ms
    static = _longest(dims, [4 * dim for dim in dims], question.bytes_a_vector, "bytes a vector")
    budget = question.budget_ms or max(ms[-1] / 2, ms[0] / (1 - _BUSIEST))
    loads = np.full(n, question.load) if question.load is not None else _rising_and_falling(n)
    rungs = np.array([_longest(dims, ms, budget * (1 - load), "ms") for load in loads], dtype=np.int64)
    shares = fitting.values.mean(axis=0) / max(1e-12, float(fitting.values[:, -1].mean()))
    enough = int(np.argmax(shares >= question.target))
    load_text = "a load that rises and falls" if question.load is None else f"a load of {question.load:.0%}"
    return [
        trial.judge("static", f"{dims[static]} numbers: {question.bytes_a_vector} bytes", np.full(n, static)),
        trial.judge("dynamic", f"the longest within {budget:.2f} ms under {load_text}", rungs),
        trial.judge(
            "performance", f"{dims[enough]} numbers: the shortest that kept {question.target:.0%}", np.full(n, enough)
        ),
    ]


def _longest(dims: Sequence[int], costs: Sequence[float], budget: float, unit: str) -> int:
    fitting = [rung for rung, cost in enumerate(costs) if cost <= budget]
    if not fitting:
        raise LabError(
            f"A budget of {budget:.3g} {unit} is below the {min(costs):.3g} of the shortest length, {dims[0]} numbers: "
            "give more, or a shorter length."
        )
    return max(fitting)


def _rising_and_falling(n: int) -> NDArray[np.float64]:
    return _BUSIEST * np.abs(np.linspace(-1, 1, n))


def _curve(trial: _Trial, signals: FloatMatrix) -> tuple[LengthPoint, ...]:
    points = {point.mean_length: point for point in trial.points([choose_rungs(signals, t) for t in _THRESHOLDS])}
    return tuple(points[length] for length in sorted(points))
