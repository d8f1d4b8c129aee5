"""How much there is to gain at all: rotations fitted elsewhere, to this corpus, and to its judged pairs.

The last is scored on queries that its fit never saw (five-fold cross-validation by query), so it is what labels of this
kind could buy, not what they were learnt to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mrl_demo.adapt import Rotation
from mrl_demo.adapt.judged import JudgedPairs, fit_judged
from mrl_demo.advisor.consult import Consultation
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import ArmVectors, load_vectors
from mrl_demo.core.errors import LabError, ModelError
from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.evaluation.judging.judged import JudgedSet, judged_set
from mrl_demo.evaluation.judging.metrics import Relevant, parse_metric
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.measure import FLOAT32, measure_vectors

ELSEWHERE, CORPUS, JUDGED = "fitted elsewhere", "fitted to this corpus", "fitted to judged pairs, cross-validated"
FOLDS = 5


@dataclass(frozen=True)
class CeilingPoint:
    """The share of the reference kept with `dim` float32 numbers, and its 95% interval."""

    dim: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class CeilingCurve:
    """One way to fit a rotation: `kind` says on what, `arm` which arm it is ("" for none of the menu's)."""

    kind: str
    arm: str
    points: tuple[CeilingPoint, ...]


@dataclass(frozen=True)
class Ceiling:
    """The three curves over the same queries, each at the same lengths."""

    metric: str
    reference: str
    n_queries: int
    curves: tuple[CeilingCurve, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "sentence": self.sentence()}

    def sentence(self) -> str:
        """What fitting to the corpus and to labels buys at a short length, in words."""
        lengths = [point.dim for point in self.curves[0].points]
        dim = min(lengths, key=lambda length: abs(length - 64))
        said = []
        for curve in self.curves:
            point = next(point for point in curve.points if point.dim == dim)
            said.append(f"{point.share:.1%} ({point.low:.1%} to {point.high:.1%}) if {curve.kind}")
        return f"At {dim} numbers a rotation keeps {'; '.join(said)}. {self.n_queries:,} queries, {self.metric}."


def measure_ceiling(builder: SpaceBuilder, consultation: Consultation, progress: Progress | None = None) -> Ceiling:
    """Fit and score the three rotations of the reference's model; a minute or two for a large collection.

    Raises `LabError` if no query is judged or the judged pairs are too few, and whatever `progress` raises.
    """
    advised, plan, corpus = consultation.recommendation, consultation.plan, consultation.corpus
    if advised.kind == "agreement":
        raise LabError("Without judged queries there is no ceiling to measure: agreement is 100% at full length.")
    judged = judged_set(corpus, plan.split, plan.queries, plan.seed)
    reference = _limited(builder, resolve_arm(advised.advice.reference, builder.menu), plan.max_tokens)
    others = {
        ELSEWHERE: _elsewhere(builder, reference),
        CORPUS: resolve_arm(f"{reference.encoder}+adapted", builder.menu)
        if reference.name != "base"
        else resolve_arm("adapted", builder.menu),
    }
    say = progress or (lambda _share, _line: None)
    dims = plan.dims_of(builder.encoders.encoder(reference.encoder).dimension)
    full = _values(
        next(load_vectors(builder, reference, corpus, judged.queries, progress)), judged, dims, advised.advice.metric
    )
    whole = full[max(full)]
    bootstrap = PairedBootstrap(len(judged.queries))
    curves = []
    for place, (kind, arm) in enumerate(others.items()):
        say(0.1 + 0.2 * place, f"A rotation {kind}")
        vectors = next(load_vectors(builder, _limited(builder, arm, plan.max_tokens), corpus, judged.queries, progress))
        curves.append(_curve(kind, arm.name, _values(vectors, judged, dims, advised.advice.metric), whole, bootstrap))
    start = _rotation(builder, consultation, _limited(builder, others[CORPUS], plan.max_tokens))
    raw = next(load_vectors(builder, _plain(reference), corpus, judged.queries))
    crossed = _cross_validated(raw, judged, dims, advised.advice.metric, start, say)
    curves.append(_curve(JUDGED, "", crossed, whole, bootstrap))
    return Ceiling(advised.advice.metric, reference.name, len(judged.queries), tuple(curves))


def _limited(builder: SpaceBuilder, arm: Arm, max_tokens: int) -> Arm:
    return builder.with_token_limit(arm, max_tokens)


def _plain(arm: Arm) -> Arm:
    """The arm's model, cut as it is."""
    from mrl_demo.arms.transforms.cut import Cut

    return replace(arm, transform=Cut())


def _elsewhere(builder: SpaceBuilder, reference: Arm) -> Arm:
    """The shipped rotation for base; other models have none, so their own order of numbers stands for it."""
    return resolve_arm("base-pca", builder.menu) if reference.name == "base" else reference


def _rotation(builder: SpaceBuilder, consultation: Consultation, arm: Arm) -> Rotation:
    fitted = builder.space(arm, consultation.corpus).transform
    if not isinstance(fitted, Rotation):
        raise ModelError(f"{arm.name} is fitted by {type(fitted).__name__}, which is no rotation to start from.")
    return fitted


def _values(
    vectors: ArmVectors, judged: JudgedSet, dims: tuple[int, ...], metric: str, rows: IntMatrix | None = None
) -> Mapping[int, FloatMatrix]:
    """Values by length, `(queries,)`, of all queries or of some rows of them."""
    relevant, queries, excluded = judged.relevant, vectors.queries, judged.own_document
    if rows is not None:
        relevant, queries, excluded = _part(judged.relevant, rows), queries[rows], excluded[rows]
    part = ArmVectors(queries, vectors.documents)
    measured = measure_vectors(part, relevant, dims, [FLOAT32], [parse_metric(metric)], excluded=excluded)
    return {int(key[0] or 0): values for key, values in measured.values.items()}


def _part(relevant: Relevant, rows: IntMatrix) -> Relevant:
    """The pairs of some queries, renumbered."""
    place = np.full(relevant.n_queries, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    kept = place[relevant.query] >= 0
    return Relevant(place[relevant.query[kept]], relevant.document[kept], relevant.grade[kept], len(rows))


def _cross_validated(
    vectors: ArmVectors, judged: JudgedSet, dims: tuple[int, ...], metric: str, start: Rotation, say: Progress
) -> Mapping[int, FloatMatrix]:
    n = len(judged.queries)
    fold_of = np.empty(n, dtype=np.int64)
    fold_of[canonical_order(judged.queries)] = np.arange(n) % FOLDS
    values = {dim: np.zeros(n, dtype=np.float32) for dim in {*dims, vectors.documents.shape[1]}}
    known = judged.relevant.document >= 0
    pairs = np.stack([judged.relevant.query[known], judged.relevant.document[known]], axis=1)
    for fold in range(FOLDS):
        say(0.5 + 0.5 * fold / FOLDS, f"A rotation {JUDGED}: part {fold + 1} of {FOLDS}")
        train = pairs[fold_of[pairs[:, 0]] != fold]
        rotation = fit_judged(JudgedPairs(vectors.queries, vectors.documents, train), start, seed=fold)
        rows = np.flatnonzero(fold_of == fold)
        turned = ArmVectors(rotation.apply(vectors.queries), rotation.apply(vectors.documents))
        for dim, part in _values(turned, judged, dims, metric, rows).items():
            values[dim][rows] = part
    return values


def _curve(
    kind: str, arm: str, values: Mapping[int, FloatMatrix], whole: FloatMatrix, bootstrap: PairedBootstrap
) -> CeilingCurve:
    dims = sorted(values)
    columns = np.stack([values[dim] for dim in dims], axis=1)
    shares = bootstrap.ratios(columns, np.repeat(whole[:, None], len(dims), axis=1))
    points = [CeilingPoint(dim, s.value, s.low, s.high) for dim, s in zip(dims, shares, strict=True)]
    return CeilingCurve(kind, arm, tuple(points))
