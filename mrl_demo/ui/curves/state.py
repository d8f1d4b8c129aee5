"""What one visitor has chosen and measured in the Curves tab, free of Gradio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mrl_demo.evaluation.speed import SpeedResult
from mrl_demo.lab.curves import CurveSet

#: Metric -> what the menu calls it. Agreement is called agreement.
METRIC_LABELS = {
    "ndcg@10": "nDCG@10",
    "mrr@10": "MRR@10",
    "recall@10": "Recall@10",
    "map@100": "MAP@100",
    "overlap@10": "Agreement: overlap@10 with the full ranking",
    "rbo@100": "Agreement: rank-biased overlap with the full ranking",
}
#: How a figure is shown: as it is, or as a share of the arm's own at full length.
VALUE, SHARE = "value", "share"
#: What quality is set against.
BYTES, LATENCY = "bytes", "latency"
FIRST_SIZE = 100_000


@dataclass(frozen=True)
class Choice:
    """What the controls of the tab say."""

    corpus: str
    metric: str = "ndcg@10"
    scale: str = VALUE
    arms: tuple[str, ...] = ()
    published: bool = True
    cost_arm: str = "base"
    cost: str = BYTES
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
        return METRIC_LABELS.get(self.metric, self.metric)


@dataclass(frozen=True)
class Seen:
    """What one visitor has measured: sweeps by corpus, times by number of vectors."""

    sweeps: Mapping[str, CurveSet] = field(default_factory=dict)
    speeds: Mapping[int, SpeedResult] = field(default_factory=dict)


@dataclass(frozen=True)
class CurvesState:
    """All that a handler of the tab is told."""

    choice: Choice
    seen: Seen = field(default_factory=Seen)


def curves_state(
    *,
    seen: Seen | None,
    corpus: str,
    metric: str,
    scale: str,
    arms: Sequence[str] | None,
    published: bool,
    cost_arm: str,
    cost: str,
    lost_arm: str,
    size: float,
) -> CurvesState:
    """The state behind the values that the controls send; each control has its name here."""
    choice = Choice(corpus, metric, scale, tuple(arms or ()), bool(published), cost_arm, cost, lost_arm, int(size))
    return CurvesState(choice, seen or Seen())
