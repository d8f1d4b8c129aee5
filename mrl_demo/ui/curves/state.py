"""What one visitor has chosen and measured in the Curves tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mrl_demo.evaluation.probes import parse_probe_metric
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.evaluation.speed.searches import SpeedResult
from mrl_demo.lab.curves import CurveSet
from mrl_demo.layers.grid import LayerGrid
from mrl_demo.ui.shared.visit import OwnArm, Visit

#: Metric -> what the menu calls it. Agreement is called agreement.
METRIC_LABELS = {
    "ndcg@10": "nDCG@10",
    "mrr@10": "MRR@10",
    "recall@10": "Recall@10",
    "map@100": "MAP@100",
    "overlap@10": "Agreement: overlap@10 with the full ranking",
    "rbo@100": "Agreement: rank-biased overlap with the full ranking",
}
_LABELS = {"domain": "Domains", "topic": "Topics", "": "Labels"}
_PROBES = {"logistic": "a linear classifier", "knn": "5 nearest neighbours"}
#: How a figure is shown: as it is, or as a share of the arm's own at full length.
VALUE, SHARE = "value", "share"
#: What quality is set against.
BYTES, LATENCY = "bytes", "latency"
FIRST_SIZE = 100_000
#: The method whose every layer was taught to give usable vectors.
FIRST_LAYER_ARM = "tuned-2d"


@dataclass(frozen=True)
class Choice:
    """What the controls of the tab say; those of a section are named after it, those of Quality after nothing."""

    corpus: str
    metric: str = "ndcg@10"
    scale: str = VALUE
    arms: tuple[str, ...] = ()
    published: bool = True
    task: str = ""
    class_scale: str = VALUE
    class_arms: tuple[str, ...] = ()
    cost_arm: str = "base"
    cost_metric: str = "ndcg@10"
    cost: str = BYTES
    group_arm: str = "base"
    group_metric: str = "ndcg@10"
    group_field: str = ""
    layer_arm: str = FIRST_LAYER_ARM
    lost_arm: str = "base"
    size: int = FIRST_SIZE

    @property
    def as_share(self) -> bool:
        """Whether figures are shown as shares of the arm's own at full length."""
        return self.scale == SHARE

    @property
    def is_agreement(self) -> bool:
        """Whether the chosen metric compares with the full ranking instead of with judgements."""
        return self.metric.startswith(("overlap", "rbo"))

    @property
    def metric_label(self) -> str:
        """What the chosen metric is called on the page."""
        return metric_label(self.metric)


def metric_label(metric: str) -> str:
    """What a metric is called on the page.

    >>> metric_label("ndcg@10"), metric_label("knn-accuracy@topic")
    ('nDCG@10', 'Topics: accuracy of 5 nearest neighbours')
    """
    probe = parse_probe_metric(metric)
    if probe is None:
        return METRIC_LABELS.get(metric, metric)
    if probe.kind == "spearman":
        return "Similarity of scored pairs (Spearman)"
    kind = {"macro-f1": "macro-F1"}.get(probe.kind, probe.kind)
    return f"{_LABELS.get(probe.label, probe.label)}: {kind} of {_classifier(probe.probe)}"


def _classifier(probe: str) -> str:
    if probe in _PROBES:
        return _PROBES[probe]
    shots = probe.removesuffix("-shot")
    return f"the nearest mean of {shots} example{'s' * (shots != '1')} a class"


def unit_label(metric: str) -> str:
    """What a metric's figures are means over."""
    probe = parse_probe_metric(metric)
    if probe is None:
        return "queries"
    return "scored pairs" if probe.kind == "spearman" else "held-out texts"


@dataclass(frozen=True)
class Seen:
    """What one visitor has measured: sweeps by corpus, times by number of vectors, of engines by corpus and method.

    `layers` are by corpus and method.
    """

    sweeps: Mapping[str, CurveSet] = field(default_factory=dict)
    speeds: Mapping[int, SpeedResult] = field(default_factory=dict)
    engines: Mapping[str, Mapping[str, EngineSpeed]] = field(default_factory=dict)
    layers: Mapping[tuple[str, str], LayerGrid] = field(default_factory=dict)


@dataclass(frozen=True)
class CurvesState:
    """All that a handler of the tab is told; `own` are methods that the visitor has brought."""

    choice: Choice
    seen: Seen = field(default_factory=Seen)
    own: tuple[OwnArm, ...] = ()

    @property
    def own_here(self) -> tuple[OwnArm, ...]:
        """The visitor's own methods that can search the chosen collection."""
        return tuple(arm for arm in self.own if arm.serves(self.choice.corpus))


def curves_state(
    *,
    seen: Seen | None,
    visit: Visit | None = None,
    corpus: str,
    metric: str,
    scale: str,
    arms: Sequence[str] | None,
    published: bool,
    task: str | None,
    class_scale: str,
    class_arms: Sequence[str] | None,
    cost_arm: str,
    cost_metric: str,
    cost: str,
    group_arm: str,
    group_metric: str,
    group_field: str | None,
    layer_arm: str | None,
    lost_arm: str,
    size: float,
) -> CurvesState:
    """The state behind the values that the controls send; each control has its name here."""
    choice = Choice(
        corpus=corpus,
        metric=metric,
        scale=scale,
        arms=tuple(dict.fromkeys(arms or ())),
        published=bool(published),
        task=task or "",
        class_scale=class_scale,
        class_arms=tuple(dict.fromkeys(class_arms or ())),
        cost_arm=cost_arm,
        cost_metric=cost_metric,
        cost=cost,
        group_arm=group_arm,
        group_metric=group_metric,
        group_field=group_field or "",
        layer_arm=layer_arm or FIRST_LAYER_ARM,
        lost_arm=lost_arm,
        size=int(size),
    )
    return CurvesState(choice, seen or Seen(), visit.arms if visit else ())
