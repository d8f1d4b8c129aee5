"""One arm's values for every query, at every dimension and precision, from its vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrl_demo.arms.vectors import ArmCodes, ArmVectors
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.evaluation.judging.agreement import LeadingDocuments, agreement, joined, leading_documents, place_leading
from mrl_demo.evaluation.judging.metrics import Metric, Relevant, quality
from mrl_demo.evaluation.judging.places import NOT_RETRIEVED, Places, empty_places, place_relevant
from mrl_demo.evaluation.sweeps.scoring import Block, score_blocks, sparse_blocks
from mrl_demo.search.quantised import Precision

#: dimension (None without one), precision, metric.
ValueKey: TypeAlias = tuple[int | None, str, str]
Values: TypeAlias = dict[ValueKey, NDArray[np.float32]]
FLOAT32 = Precision("float32")


@dataclass(frozen=True)
class Measured:
    """Values of every query by key, and ranks of the best relevant document, `(n_queries, rank_dims)`.

    A rank is the last that its ties allow: what the document is sure of. float32 at full dimension is always among the
    values of an arm that has dimensions.
    """

    full_dim: int | None
    values: Values
    rank_dims: tuple[int, ...]
    first_ranks: IntMatrix


def measure_vectors(
    vectors: ArmVectors,
    relevant: Relevant,
    dims: Sequence[int],
    precisions: Sequence[Precision],
    metrics: Sequence[Metric],
    tick: Callable[[], None] = lambda: None,
    seed: int = 0,
    excluded: IntMatrix | None = None,
) -> Measured:
    """Score, rank and measure at rising `dims` of at most D.

    `excluded` `(n_queries,)` names the document row that a query must not find, -1 for none. `tick` is called after
    every block and may raise to cancel.
    """
    full = vectors.documents.shape[1]
    scanned = sorted({*dims, full}) if FLOAT32 in precisions else [full]
    others = [precision for precision in precisions if precision != FLOAT32]
    depth = max((metric.k or 0 for metric in metrics if metric.is_agreement), default=0)
    standings = _Standings(relevant, _reference(vectors, depth, seed, excluded) if depth else None)
    standings.read(score_blocks(vectors.queries, vectors.documents, scanned, [FLOAT32], seed, excluded), tick)
    standings.read(score_blocks(vectors.queries, vectors.documents, dims, others, seed, excluded), tick)
    values = standings.values(metrics)
    ranks = np.stack([_first(relevant, standings.places[FLOAT32, dim]) for dim in scanned], axis=1)
    return Measured(full, values, tuple(scanned), ranks)


def measure_codes(
    codes: ArmCodes,
    relevant: Relevant,
    dims: Sequence[int],
    metrics: Sequence[Metric],
    tick: Callable[[], None] = lambda: None,
    excluded: IntMatrix | None = None,
) -> Measured:
    """The same for sparse codes, whose rising `dims` are the units that a row keeps.

    Figures go by float32's name: a unit takes as many bytes as a float32 number (`BYTES_A_VALUE`).
    """
    full = codes.documents.dimension
    scanned = sorted({*dims, full})
    depth = max((metric.k or 0 for metric in metrics if metric.is_agreement), default=0)
    reference = None
    if depth:
        blocks = ((b.start, leading_documents(b.scores, depth)) for b in sparse_blocks(codes, [full], excluded))
        starts, parts = zip(*blocks, strict=True)
        reference = joined(list(parts), list(starts))
    standings = _Standings(relevant, reference)
    standings.read(sparse_blocks(codes, scanned, excluded), tick)
    ranks = np.stack([_first(relevant, standings.places[FLOAT32, dim]) for dim in scanned], axis=1)
    return Measured(full, standings.values(metrics), tuple(scanned), ranks)


def measure_scores(
    blocks: Iterable[tuple[int, FloatMatrix]],
    relevant: Relevant,
    metrics: Sequence[Metric],
    precision: str,
    tick: Callable[[], None] = lambda: None,
) -> Measured:
    """The same for a scorer without dimensions; metrics of agreement do not apply and are left out.

    A document that was not retrieved has a score of minus infinity.
    """
    places = empty_places(len(relevant.query))
    for start, scores in blocks:
        _fill_places(places, relevant, start, scores)
        tick()
    values: Values = {
        (None, precision, metric.name): quality(metric, relevant, places).astype(np.float32)
        for metric in metrics
        if not metric.is_agreement
    }
    return Measured(None, values, (), np.empty((relevant.n_queries, 0), dtype=np.int64))


def mean_of(measured: Sequence[Measured]) -> Measured:
    """The mean of several seeds, query by query; ranks are those of the first seed."""
    first = measured[0]
    values: Values = {
        key: np.stack([each.values[key] for each in measured]).mean(axis=0).astype(np.float32) for key in first.values
    }
    return Measured(first.full_dim, values, first.rank_dims, first.first_ranks)


def _reference(vectors: ArmVectors, depth: int, seed: int, excluded: IntMatrix | None) -> LeadingDocuments:
    """The full ranking that agreement is with: its leading documents, those tied at the edge included."""
    full = vectors.documents.shape[1]
    blocks = score_blocks(vectors.queries, vectors.documents, [full], [FLOAT32], seed, excluded)
    parts, starts = zip(*((leading_documents(block.scores, depth), block.start) for block in blocks), strict=True)
    return joined(list(parts), list(starts))


class _Standings:
    """Where the relevant documents and, for agreement, the reference's stand at each precision and dimension."""

    def __init__(self, relevant: Relevant, reference: LeadingDocuments | None) -> None:
        self._relevant, self._reference = relevant, reference
        self.places: dict[tuple[Precision, int], Places] = {}
        self._leading: dict[tuple[Precision, int], Places] = {}

    def read(self, blocks: Iterable[Block], tick: Callable[[], None]) -> None:
        """Take the places out of every block; scores are not kept."""
        for block in blocks:
            key = (block.precision, block.dim)
            if key not in self.places:
                self.places[key] = empty_places(len(self._relevant.query))
            _fill_places(self.places[key], self._relevant, block.start, block.scores)
            if self._reference is not None:
                self._read_leading(self._reference, key, block)
            tick()

    def _read_leading(self, reference: LeadingDocuments, key: tuple[Precision, int], block: Block) -> None:
        if key not in self._leading:
            self._leading[key] = empty_places(len(reference.query))
        pairs = reference.of_queries(block.start, block.start + len(block.scores))
        rows, documents = reference.query[pairs] - block.start, reference.document[pairs]
        places = place_leading(block.scores, rows, documents, reference.depth)
        self._leading[key].ahead[pairs], self._leading[key].tied[pairs] = places.ahead, places.tied

    def values(self, metrics: Sequence[Metric]) -> Values:
        """Every metric at every precision and dimension read."""
        values: Values = {}
        for key, places in self.places.items():
            for metric in metrics:
                if not metric.is_agreement:
                    value = quality(metric, self._relevant, places)
                elif self._reference is not None:
                    value = agreement(metric, self._reference, self._leading[key], self._relevant.n_queries)
                values[key[1], key[0].name, metric.name] = value.astype(np.float32)
        return values


def _fill_places(places: Places, relevant: Relevant, start: int, scores: FloatMatrix) -> None:
    first, last = np.searchsorted(relevant.query, [start, start + len(scores)])
    pairs = slice(int(first), int(last))
    block = place_relevant(scores, relevant.query[pairs] - start, relevant.document[pairs])
    places.ahead[pairs], places.tied[pairs] = block.ahead, block.tied


def _first(relevant: Relevant, places: Places) -> IntMatrix:
    """Rank that the best relevant document of each query is sure of; `NOT_RETRIEVED` for a query without any."""
    best = np.full(relevant.n_queries, NOT_RETRIEVED)
    np.minimum.at(best, relevant.query, places.worst)
    return best
