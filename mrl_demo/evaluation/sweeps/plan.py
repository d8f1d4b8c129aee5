"""What an evaluation measures: one frozen value, the same from page, command line, training and scripts."""

from __future__ import annotations

from dataclasses import dataclass

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus
from mrl_demo.core.vectors import check_dimension
from mrl_demo.evaluation.judging.metrics import Metric, parse_metric
from mrl_demo.evaluation.probes import ProbeMetric, parse_probe_metric
from mrl_demo.evaluation.stats import RESAMPLES
from mrl_demo.search.quantised import PRECISIONS, RESCORE, RESCORE_INT8, Precision, parse_precision

DEFAULT_METRICS = ("ndcg@10", "mrr@10", "recall@10", "map@100", "overlap@10", "rbo@100")
DEFAULT_DIMS = (8, 16, 32, 64, 96, 128, 192, 256, 384)
_LONGER_DIMS = (512, 768, 1024, 1536, 2048, 3072)
#: What a byte buys: every way to store a number, and each coarse one with what rescores it to most effect.
BYTE_PRECISIONS = (
    *PRECISIONS,
    *(f"{stored}{RESCORE}" for stored in ("int8", "int4", "binary", "binary-mean", "pq", "rabitq")),
    *(f"{stored}{RESCORE_INT8}" for stored in ("binary-mean", "rabitq")),
)
_MANY_CLASSES = 30
#: Examples a class of the few-shot classifiers that are measured if nothing is named.
_FEW_SHOTS = (1, 2, 5, 10)
#: What `SweepPlan.against` takes besides names of arms: base at its full length.
UNCUT_BASE = "uncut base"


@dataclass(frozen=True)
class SweepPlan:
    """Arms x dimensions x precisions x metrics on one corpus.

    `arms` are names that `resolve_arm` takes. `dims` None means `default_dims` of each arm. `split` "" is the test
    split, or the only one there is. `queries` draws so many of the judged queries by `seed` (0: all). `max_tokens`
    cuts texts at so many tokens (0: each model's own limit). `against` are the arms that differences are taken to, at
    the same dimension, and "uncut base". Raises `LabError` kinds for whatever is not known.

    >>> SweepPlan(arms=("base", "tuned"), dims=(64, 8, 64)).dims
    (8, 64)
    >>> SweepPlan(arms=("base",), metrics=("precision@5",))
    Traceback (most recent call last):
        ...
    mrl_demo.evaluation.judging.metrics.MetricError: There is no metric 'precision@5': choose among ndcg@10, mrr@10, ...
    """

    arms: tuple[str, ...]
    dims: tuple[int, ...] | None = None
    precisions: tuple[str, ...] = ("float32",)
    metrics: tuple[str, ...] = DEFAULT_METRICS
    split: str = ""
    queries: int = 0
    max_tokens: int = 0
    against: tuple[str, ...] = ("base",)
    seed: int = 0
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        if not self.arms:
            raise LabError("No arm is named: name one or more, as in base,tuned.")
        for name in ("queries", "max_tokens"):
            if getattr(self, name) < 0:
                raise LabError(f"{name} is {getattr(self, name)}: it must be 0 (no limit) or more.")
        if self.dims is not None:
            dims = tuple(sorted({check_dimension(dim, 2**31 - 1) for dim in self.dims}))
            object.__setattr__(self, "dims", dims)
        self.parsed_precisions()
        self.ranking_metrics()

    def parsed_precisions(self) -> tuple[Precision, ...]:
        """`precisions` as values, each once."""
        return tuple(dict.fromkeys(parse_precision(name) for name in self.precisions))

    def ranking_metrics(self) -> tuple[Metric, ...]:
        """The metrics of rankings, each once."""
        return tuple(dict.fromkeys(parse_metric(name) for name in self.metrics if parse_probe_metric(name) is None))

    def probe_metrics(self) -> tuple[ProbeMetric, ...]:
        """The metrics of labels and of scored pairs, each once."""
        return tuple(dict.fromkeys(filter(None, map(parse_probe_metric, self.metrics))))

    def dims_of(self, full: int) -> tuple[int, ...]:
        """The dimensions to measure for an arm of `full` numbers: those asked for that it has."""
        return default_dims(full) if self.dims is None else tuple(dim for dim in self.dims if dim <= full)


def default_dims(full: int) -> tuple[int, ...]:
    """The lengths measured if none are named: nine up to 384, the usual ones above, and the full one."""
    return (*(dim for dim in (*DEFAULT_DIMS, *_LONGER_DIMS) if dim < full), full)


def metrics_for(corpus: Corpus, rankings: tuple[str, ...] = DEFAULT_METRICS) -> tuple[str, ...]:
    """What can be measured on a corpus if nothing is named: `rankings` of its queries, its labels and scored pairs.

    A logistic probe of a hundred classes takes a minute an arm, so those of many classes are left to neighbours. For a
    corpus without any of this, `rankings`: measuring them says what is missing.
    """
    metrics: tuple[str, ...] = rankings if corpus.queries else ()
    classes = {
        label: {getattr(document, label) for document in corpus.documents} - {""} for label in ("domain", "topic")
    }
    for label, names in classes.items():
        if len(names) > 1:
            kind = "accuracy" if len(names) <= _MANY_CLASSES else "knn-accuracy"
            metrics += (f"{kind}@{label}" if classes["domain"] else kind,)
            few = _FEW_SHOTS if label == "domain" or not classes["domain"] else _FEW_SHOTS[-1:]
            metrics += tuple(f"{k}-shot-accuracy@{label}" if classes["domain"] else f"{k}-shot-accuracy" for k in few)
    return metrics + (("spearman",) if corpus.pairs else ()) or rankings
