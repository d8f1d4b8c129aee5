"""What one visitor has chosen and measured in the Decide tab, free of Gradio."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mrl_demo.advisor.blind import BlindPair, BlindVerdict, Preference
from mrl_demo.advisor.ceiling import Ceiling
from mrl_demo.advisor.consult import Consultation
from mrl_demo.advisor.recommend import PRECISION_SETS, Advice, Recommendation
from mrl_demo.core.errors import LabError
from mrl_demo.costs.model import Deployment, UnitPrices
from mrl_demo.evaluation.judging.ranked import QueryDraw
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.scale.growth import Growth, GrowthQuestion
from mrl_demo.search.quantised import SHORTLIST, with_shortlist
from mrl_demo.thresholds.measure import ThresholdQuestion, TranslatedThreshold

DECIDE_METRICS = {"ndcg@10": "nDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10", "overlap@10": "Agreement"}
PRECISION_LABELS_OF_SETS = {"usual": "Usual six", "more": "More (int4, RaBitQ, ...)", "all": "All (minutes)"}
TARGETS = ("0.8", "0.9", "0.95", "0.97", "0.98", "0.99", "1.0")


@dataclass(frozen=True)
class Decided:
    """What one visitor has measured: a consultation, pairs with what was said of them, a cut-off, a ceiling.

    `engine` is what the engine that the lab searches by takes at the recommended length.
    """

    consultation: Consultation | None = None
    pairs: tuple[BlindPair, ...] = ()
    verdicts: tuple[BlindVerdict, ...] = ()
    threshold: TranslatedThreshold | None = None
    by_bytes: SweepResult | None = None
    ceiling: Ceiling | None = None
    engine: EngineSpeed | None = None
    growth: Growth | None = None

    @property
    def advised(self) -> Consultation | None:
        """The consultation with the verdicts put in."""
        if self.consultation is None or not self.verdicts:
            return self.consultation
        return self.consultation.again(self.verdicts)

    @property
    def readable(self) -> Recommendation | None:
        """The recommendation with methods and metric as the page's menus call them."""
        advised = self.advised
        if advised is None:
            return None
        metric = advised.recommendation.advice.metric
        return advised.recommendation.labelled(advised.labels, DECIDE_METRICS.get(metric, metric))

    @property
    def next_pair(self) -> BlindPair | None:
        """The first pair that nobody has judged yet."""
        said = {verdict.query_id for verdict in self.verdicts}
        return next((pair for pair in self.pairs if pair.query_id not in said), None)

    def judged(self, preferred: Preference) -> Decided:
        """The same with a verdict on the next pair."""
        pair = self.next_pair
        if pair is None:
            return self
        return replace(self, verdicts=(*self.verdicts, BlindVerdict(pair.query_id, pair.setting, preferred)))


@dataclass(frozen=True)
class DecideState:
    """All that a handler of the tab is told."""

    decided: Decided
    corpus: str
    metric: str
    target: str
    arms: tuple[str, ...]
    precisions: str = "usual"
    cutoff: float | None = 0.5
    cut_arm: str = "base"
    cut_dim: float | None = 64
    cut_precision: str = "float32"
    vectors: float | None = 1_000_000
    replicas: float | None = 1
    index_bytes: float | None = 136
    shortlist: float | None = 100
    memory_price: float | None = None
    disk_price: float | None = None
    currency: str = ""
    budget: int = 96
    rescored: float | None = SHORTLIST
    most_bytes: float | None = 0
    grow_to: float | None = 10_000_000

    @property
    def advice(self) -> Advice:
        """What is asked of the advisor; raises `LabError` for a target or a number of bytes that is none."""
        most_bytes = _whole(self.most_bytes or 0, "The number of bytes")
        return Advice(_number(self.target, "target"), self.metric, most_bytes=most_bytes)

    @property
    def precisions_measured(self) -> tuple[str, ...]:
        """The chosen set with the chosen shortlist; raises `LabError` kinds for one that cannot be."""
        return tuple(self.with_rescored(name) for name in PRECISION_SETS[self.precisions])

    def with_rescored(self, precision: str) -> str:
        """A precision with the chosen shortlist, if it rescores one."""
        return with_shortlist(precision, self.shortlist_rescored)

    @property
    def shortlist_rescored(self) -> int:
        """How many documents are rescored; raises `LabError` for a number that is none."""
        return _whole(self.rescored, "The shortlist")

    @property
    def stored_as(self) -> str:
        """The precision of the setting to translate, price and export."""
        return self.with_rescored(self.cut_precision)

    @property
    def question(self) -> ThresholdQuestion:
        """The cut-off to translate; raises `LabError` kinds for what cannot be."""
        dim = _whole(self.cut_dim, "The length")
        return ThresholdQuestion(_number(self.cutoff, "cut-off"), self.cut_arm, dim, self.stored_as)

    @property
    def growth_question(self) -> GrowthQuestion:
        """What is to be measured on parts of the collection; raises `LabError` kinds for what cannot be."""
        dim, grow_to = _whole(self.cut_dim, "The length"), _whole(self.grow_to or 0, "The number of documents")
        draw = QueryDraw("ndcg@10" if self.metric == "overlap@10" else self.metric)
        return GrowthQuestion(self.cut_arm, dim, self.stored_as, grow_to, draw)

    def deployment(self, full_dim: int) -> Deployment:
        """What the costs are reckoned for; raises `LabError` kinds for what cannot be."""
        return Deployment(
            vectors=_whole(self.vectors, "The number of vectors"),
            full_dim=full_dim,
            dim=_whole(self.cut_dim, "The length"),
            precision=self.stored_as,
            replicas=_whole(self.replicas, "The number of replicas"),
            index_bytes=_number(self.index_bytes, "index"),
            shortlist=_whole(self.shortlist, "The shortlist"),
        )

    @property
    def prices(self) -> UnitPrices:
        """The default prices with the visitor's own put in; raises `LabError` for one that is no number."""
        return UnitPrices().edited(self.memory_price, self.disk_price, self.currency)


def decide_state(
    *,
    decided: Decided | None,
    corpus: str,
    metric: str,
    target: str,
    arms: Sequence[str] | None,
    precisions: str,
    cutoff: float | None,
    cut_arm: str,
    cut_dim: float | None,
    cut_precision: str,
    vectors: float | None,
    replicas: float | None,
    index_bytes: float | None,
    shortlist: float | None,
    memory_price: float | None,
    disk_price: float | None,
    currency: str,
    budget: float | None,
    rescored: float | None,
    most_bytes: float | None,
    grow_to: float | None,
) -> DecideState:
    """The state behind the values that the controls send; each control has its name here."""
    return DecideState(
        decided=decided or Decided(),
        corpus=corpus,
        metric=metric,
        target=target,
        arms=tuple(dict.fromkeys(arms or ())),
        precisions=precisions,
        cutoff=cutoff,
        cut_arm=cut_arm,
        cut_dim=cut_dim,
        cut_precision=cut_precision,
        vectors=vectors,
        replicas=replicas,
        index_bytes=index_bytes,
        shortlist=shortlist,
        memory_price=memory_price,
        disk_price=disk_price,
        currency=currency,
        budget=int(budget or 0),
        rescored=rescored,
        most_bytes=most_bytes,
        grow_to=grow_to,
    )


def _number(value: object, name: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise LabError(f"The {name} is {value or 'empty'}: write a number.") from None
    except OverflowError:
        raise LabError(f"The {name} is {reprlib.repr(value)}: write a smaller number.") from None


def _whole(value: object, name: str) -> int:
    if not isinstance(value, (int, float)) or not _number(value, name).is_integer():
        raise LabError(f"{name} is {'empty' if value is None else reprlib.repr(value)}: write a whole number.")
    return int(value)
