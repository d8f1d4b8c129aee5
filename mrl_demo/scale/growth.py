"""What each length keeps as a collection grows: measured on nested parts of it, and how the measured trend goes on.

More documents crowd the same few numbers, so a short vector keeps less of full quality in a larger collection. The
trend is a straight line over the logarithm of the number of documents through each length's measured shares. It says
little far beyond the collection: docs/scale.md has what such lines got right and wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.core.storage import sha256_bytes
from mrl_demo.core.types import Corpus, FloatMatrix, IntMatrix, Progress
from mrl_demo.core.vectors import check_dimension
from mrl_demo.evaluation.judging.metrics import Metric, parse_metric
from mrl_demo.evaluation.judging.ranked import MeasuredArm, QueryDraw, load_measured
from mrl_demo.evaluation.sweeps.measure import FLOAT32, Values
from mrl_demo.evaluation.sweeps.plan import default_dims
from mrl_demo.scale.questions import ShardQuestions
from mrl_demo.scale.scan import ShardScan, rescored_by_float32
from mrl_demo.scale.scorer import BlockScorer
from mrl_demo.search.quantised import parse_precision

#: Parts of the collection that are measured besides the whole: every fourth document, every sixteenth, ...
_PARTS = (64, 16, 4, 1)
#: A smaller part says nothing.
_FEWEST_DOCUMENTS = 100
_RESAMPLES = 1_000
_LARGEST = 10**12


@dataclass(frozen=True)
class GrowthQuestion:
    """An arm in one precision, the length of interest, and how large the collection may become (0: no matter).

    Raises `LabError` for a size that is none, and for a precision that cannot be measured in one pass.

    >>> GrowthQuestion("base", grow_to=-5)
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: -5 documents are no size to grow to: give 0 (none) to 1,000,000,000,000.
    """

    arm: str
    dim: int = 64
    precision: str = "float32"
    grow_to: int = 0
    draw: QueryDraw = field(default_factory=QueryDraw)

    def __post_init__(self) -> None:
        if not 0 <= self.grow_to <= _LARGEST:
            says = f"{self.grow_to:,} documents are no size to grow to: give 0 (none) to {_LARGEST:,}."
            raise LabError(says).about("grow_to")
        rescored_by_float32([parse_precision(self.precision)])


@dataclass(frozen=True)
class KeptShare:
    """A share of the full float32 length's value with its 95% interval (resampled queries)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LengthGrowth:
    """One length: the shares it keeps at each size, and of the line through them the slope and the end.

    `per_tenfold` is the change for ten times as many documents, `then` the share at the size asked for.
    """

    dim: int
    kept: tuple[KeptShare, ...]
    per_tenfold: KeptShare
    then: KeptShare | None


@dataclass(frozen=True)
class Growth:
    """What lengths keep at rising `sizes`, the last of which is the whole collection; `then` is at `grow_to`.

    >>> lengths = tuple(LengthGrowth(dim, (KeptShare(.9, .8, 1),) * 2, KeptShare(0, 0, 0), None) for dim in (8, 16))
    >>> Growth("base", "float32", "ndcg@10", 300, (150, 600), lengths, 0, 16, "").shortest(0.85)
    8
    """

    arm: str
    precision: str
    metric: str
    n_queries: int
    sizes: tuple[int, ...]
    lengths: tuple[LengthGrowth, ...]
    grow_to: int
    dim: int
    stand_ins: str

    @property
    def chosen(self) -> LengthGrowth:
        """The length of interest."""
        return next(length for length in self.lengths if length.dim == self.dim)

    def shortest(self, target: float) -> int | None:
        """The shortest length that keeps `target` in the whole collection, or at `grow_to` by its line; None if none.

        Every longer one has to keep it too.
        """
        kept = [(length.dim, (length.then or length.kept[-1]).value >= target) for length in self.lengths]
        holding = [dim for i, (dim, _) in enumerate(kept) if all(holds for _, holds in kept[i:])]
        return holding[0] if holding else None

    def sentence(self) -> str:
        """The answer for the length of interest in words."""
        length = self.chosen
        amounts = [f"{share.value:.1%} among {n:,}" for n, share in zip(self.sizes, length.kept, strict=True)]
        trend = length.per_tenfold
        says = (
            f"{self.arm} at {length.dim} numbers, {self.precision}, keeps {', '.join(amounts)} documents of what its "
            f"full length has of {self.metric} there ({self.n_queries:,} {self.stand_ins or 'queries'}): "
            f"{_points(trend.value)} points ({_points(trend.low)} to {_points(trend.high)}) when the collection grows "
            "tenfold."
        )
        return f"{says} {self._then_text(length.then)}" if length.then else says

    def target_sentence(self, target: float) -> str:
        """The shortest length that keeps `target`, now or at the end of its line."""
        where = f"at {self.grow_to:,} documents, by its line," if self.chosen.then else f"among {self.sizes[-1]:,}"
        shortest = self.shortest(target)
        if shortest is None:
            return f"No length keeps {target:.0%} {where.rstrip(',')}."
        return f"The shortest length that keeps {target:.0%} {where} is {shortest}."

    def _then_text(self, then: KeptShare) -> str:
        further = np.log10(self.grow_to / self.sizes[-1])
        return (
            f"A straight line from there to {self.grow_to:,} documents ends at {then.value:.0%} ({then.low:.0%} to "
            f"{then.high:.0%}): {further:.1f} tenfolds beyond what was measured, so a warning and no measurement."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the answer in words."""
        return {**asdict(self), "sentence": self.sentence()}


def measure_growth(
    builder: SpaceBuilder, corpus: Corpus, question: GrowthQuestion, progress: Progress | None = None
) -> Growth:
    """Measure all lengths of an arm on parts of a collection; documents judged to answer a question are in all parts.

    Without judgements it is agreement with the full ranking (overlap@10). Raises `LabError` for a collection of too few
    documents to have parts, and as `load_measured` does.
    """
    measured = load_measured(builder, corpus, question.arm, question.draw, progress)
    n, dim = len(measured.documents), check_dimension(question.dim, measured.full_dim)
    sizes = tuple(dict.fromkeys(size for part in _PARTS if (size := n // part) >= _FEWEST_DOCUMENTS))
    if len(sizes) < 2:
        fewest = _FEWEST_DOCUMENTS * _PARTS[-2]
        raise LabError(f"{n:,} documents have no parts worth measuring: it takes {fewest:,} or more.")
    dims = tuple(sorted({*default_dims(measured.full_dim), dim}))
    metric = parse_metric(question.draw.metric if measured.judged.is_judged else "overlap@10")
    values = _scan_parts(measured, question, dims, sizes, metric, progress)
    lengths = _lengths(values, dims, measured.full_dim, question, metric, sizes)
    return Growth(
        measured.arm,
        question.precision,
        metric.name,
        len(measured.vectors.queries),
        sizes,
        lengths,
        question.grow_to,
        dim,
        measured.stand_ins,
    )


def _scan_parts(
    measured: MeasuredArm,
    question: GrowthQuestion,
    dims: tuple[int, ...],
    sizes: tuple[int, ...],
    metric: Metric,
    progress: Progress | None,
) -> dict[int, Values]:
    vectors, judged = measured.vectors, measured.judged
    rows = _RowsInMemory(measured.arm, vectors.documents)
    ids = tuple(query.id for query in judged.queries)
    questions = ShardQuestions(vectors.queries, judged.relevant, ids, judged.own_document)
    precision = parse_precision(question.precision)
    scorer = BlockScorer.fit(vectors.queries, dims, [precision], rows.read_rows, rows.n, question.draw.seed)
    scan = ShardScan(rows, questions, scorer, (metric,), rescored_by_float32([precision]), sizes)
    return scan.run(progress)


def _lengths(
    values: dict[int, Values],
    dims: tuple[int, ...],
    full: int,
    question: GrowthQuestion,
    metric: Metric,
    sizes: tuple[int, ...],
) -> tuple[LengthGrowth, ...]:
    """Shares and lines of every length, from the same resampled queries."""
    precision = parse_precision(question.precision).name
    by_size = [[values[size][dim, precision, metric.name] for dim in dims] for size in sizes]
    wholes = [values[size][full, FLOAT32.name, metric.name] for size in sizes]
    n_queries = len(wholes[0])
    random = np.random.default_rng(question.draw.seed)
    draws = random.multinomial(n_queries, np.full(n_queries, 1 / n_queries), size=_RESAMPLES) / n_queries
    weights = np.concatenate([np.full((1, n_queries), 1 / n_queries), draws])
    whole = np.stack([weights @ each for each in wholes])  # (sizes, 1 + resamples)
    kept = np.stack([[weights @ each for each in one] for one in by_size])  # (sizes, dims, 1 + resamples)
    shares = np.divide(kept, whole[:, None], out=np.zeros_like(kept), where=whole[:, None] > 0)
    x = np.log10(sizes) - np.mean(np.log10(sizes))
    slopes = np.einsum("s,sdr->dr", x / (x @ x), shares)
    ahead = np.log10(question.grow_to / sizes[-1]) if question.grow_to > sizes[-1] else 0.0
    ends = np.clip(shares[-1] + slopes * ahead, 0, 1)
    return tuple(
        LengthGrowth(
            dim,
            tuple(_share(shares[size, row]) for size in range(len(sizes))),
            _share(slopes[row]),
            _share(ends[row]) if ahead else None,
        )
        for row, dim in enumerate(dims)
    )


def _share(resampled: NDArray[np.float64]) -> KeptShare:
    """The measured value (first) and the span of the resampled ones."""
    low, high = np.quantile(resampled[1:], [0.025, 0.975])
    return KeptShare(float(resampled[0]), float(low), float(high))


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\u2212")


@dataclass(frozen=True)
class _RowsInMemory:
    """Vectors at hand, read as shards are."""

    name: str
    vectors: FloatMatrix

    @property
    def n(self) -> int:
        """Number of vectors."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return int(self.vectors.shape[1])

    @property
    def fingerprint(self) -> str:
        """A hash of all vectors."""
        return sha256_bytes(self.vectors)

    def blocks(self, rows: int, start: int = 0, stops: Sequence[int] = ()) -> Iterator[tuple[int, FloatMatrix]]:
        """Places and vectors of `rows` at a time, with an edge at every stop."""
        edges = sorted({*range(start, self.n, rows), *(stop for stop in stops if start < stop < self.n), self.n})
        for first, last in pairwise(edges):
            yield first, self.vectors[first:last]

    def read_rows(self, indices: Sequence[int] | IntMatrix) -> FloatMatrix:
        """The vectors at these places."""
        return self.vectors[np.asarray(indices, dtype=np.int64)]
