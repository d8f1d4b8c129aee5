"""What one visitor has chosen and measured in the Funnel tab, free of Gradio."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.evaluation.judging.ranked import QueryDraw
from mrl_demo.funnels.cheapest import CheapestCascade
from mrl_demo.funnels.measure import FunnelReport
from mrl_demo.funnels.proof import ProofReport
from mrl_demo.gating.allocation import GateQuestion, GateReport

#: What the menu of presets puts into the stages; "full" is the method's own length.
FUNNEL_PRESETS = {
    "The paper's cascade": "16:400,32:200,64:100,128:50,full:10",
    "64 numbers, then all": "64:200,full:10",
    "32, 96, then all": "32:300,96:60,full:10",
    "One bit a number at the mean, then all": "binary-mean@full:100,full:10",
    "64 numbers in int8, then all": "int8@64:100,full:10",
}
#: What the menu says of stages that no preset has; chosen by hand it leaves them as they are.
OWN_STAGES = "own"
KEEPS = ("0.9", "0.95", "0.98", "0.99", "0.995")
FUNNEL_METRICS = {"ndcg@10": "nDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10"}
#: Queries that a page measures: an answer must come within half a minute.
_PROVEN, _GATED = 240, 800


@dataclass(frozen=True)
class FunnelSeen:
    """What one visitor has measured."""

    funnel: FunnelReport | None = None
    cheapest: CheapestCascade | None = None
    proof: ProofReport | None = None
    gate: GateReport | None = None


@dataclass(frozen=True)
class FunnelState:
    """All that a handler of the tab is told."""

    seen: FunnelSeen
    corpus: str
    arm: str
    metric: str = "ndcg@10"
    stages: str = FUNNEL_PRESETS["The paper's cascade"]
    keep: str = "0.99"
    dims: str = "16,32,64,96,128,192,256"
    target: float | None = 0.98
    bytes_a_vector: float | None = 256
    budget_ms: str = ""
    load: str = ""

    @property
    def draw(self) -> QueryDraw:
        """The queries of a funnel."""
        return QueryDraw(self.metric)

    @property
    def proof_draw(self) -> QueryDraw:
        """The queries of a proof."""
        return QueryDraw(self.metric, queries=_PROVEN)

    @property
    def gate_draw(self) -> QueryDraw:
        """The queries of a gate, half of them to fit it on."""
        return QueryDraw(self.metric, queries=_GATED)

    @property
    def kept_share(self) -> float:
        """The share that the cheapest cascade has to keep."""
        return float(self.keep)

    @property
    def question(self) -> GateQuestion:
        """What the gate is asked; raises `LabError` kinds for what cannot be."""
        memory, target = _number(self.bytes_a_vector, "memory"), _number(self.target, "target")
        if memory is None or not math.isfinite(memory) or memory != int(memory) or memory < 1:
            raise LabError(f"The memory is {'empty' if memory is None else memory}: write whole bytes, 1 or more.")
        if target is None:
            raise LabError("The target is empty: write a share such as 0.98.")
        return GateQuestion(
            _lengths(self.dims), target, int(memory), _number(self.budget_ms, "time"), _number(self.load, "load")
        )


def funnel_state(
    *,
    seen: FunnelSeen | None,
    corpus: str,
    arm: str,
    metric: str,
    stages: str,
    keep: str,
    dims: str,
    target: float | None,
    bytes_a_vector: float | None,
    budget_ms: str,
    load: str,
) -> FunnelState:
    """The state behind the values that the controls send; each control has its name here."""
    return FunnelState(
        seen=seen or FunnelSeen(),
        corpus=corpus,
        arm=arm,
        metric=metric,
        stages=stages,
        keep=keep,
        dims=dims,
        target=target,
        bytes_a_vector=bytes_a_vector,
        budget_ms=budget_ms,
        load=load,
    )


def _number(given: object, name: str) -> float | None:
    """A number that may be left out: an empty field of Gradio's own would send 0."""
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise LabError(f"The {name} is {text!r}: write a number, or leave it empty.") from None


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise LabError(f"The lengths are {text!r}: write whole numbers with commas, as in 16,64.") from None
