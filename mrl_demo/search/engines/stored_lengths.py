"""What the lab does itself for engines that compare whole fields only: lengths without a field, stages of a funnel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.search.cascade import Cascade, FunnelStage
from mrl_demo.search.engines.adapter import ClientAdapter, ClientT
from mrl_demo.search.engines.vector_engine import Nearest, check_cascade

#: Rows that are fetched to be rescored at a length without a field of its own, besides ten times those wanted.
_LEAST_FETCHED = 400


@dataclass(frozen=True)
class FieldSearch:
    """A search over the field of `length` numbers for `limit` rows, each with its `fetched` first numbers (0: none).

    >>> FieldSearch(64, limit=10).fetched
    0
    """

    length: int
    limit: int
    fetched: int = 0


@dataclass(frozen=True)
class FieldHits:
    """What one query found in a field, best first, and the `(m, fetched)` numbers that were asked for."""

    nearest: Nearest
    vectors: Sequence[Sequence[float]] = ()


class FieldAdapter(ClientAdapter[ClientT]):
    """An adapter for a product that keeps a field for each length of the layout and compares nothing else.

    Another length is searched by queries padded with zeros over the next longer field, whose rows are fetched and
    compared here; so are the stages of a funnel after its first.

    >>> from mrl_demo.search.engines.opening import open_engine
    >>> open_engine("qdrant:///:memory:?collection=bees").has_all_lengths
    False
    """

    has_all_lengths = False

    @property
    def scores_are_of_codes(self) -> bool:
        """Whether the lists of its fields are not yet rescored by float32 numbers: no."""
        return False

    @abstractmethod
    def search_field(
        self, queries: FloatMatrix, wanted: FieldSearch, where: Mapping[str, str] | None
    ) -> list[FieldHits]:
        """The rows nearest to each of `(q, length)` queries, one or more, by the cosine of one field."""

    def search(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None = None) -> list[Nearest]:
        """As `VectorEngine` has it."""
        stored = stored_length(self.layout.dims, dim)
        if stored != dim or self.scores_are_of_codes:
            return self._refined(queries, (FunnelStage(dim, k),), stored, k, where)
        if not len(queries):
            return []
        return [hits.nearest for hits in self.search_field(queries[:, :dim], FieldSearch(dim, k), where)]

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """As `VectorEngine` has it."""
        check_cascade(cascade)
        return self._refined(queries, cascade.stages, self.layout.dimension, k)

    def _refined(
        self,
        queries: FloatMatrix,
        stages: Sequence[FunnelStage],
        fetched: int,
        k: int,
        where: Mapping[str, str] | None = None,
    ) -> list[Nearest]:
        """A shortlist by the first stage's numbers, `fetched` numbers of each row, and the stages done here."""
        if not len(queries):
            return []
        first = stages[0]
        length = first.dim if first.dim in self.layout.dims else fetched
        is_settled = length == first.dim and not self.scores_are_of_codes
        wanted = FieldSearch(length, first.keep if is_settled else rows_to_fetch(first.keep), fetched)
        padded = np.stack([pad_query(query, first.dim, length) for query in queries])
        return [
            refine(query[:fetched], hits.nearest.keys, _matrix(hits, fetched), stages, k)
            for query, hits in zip(queries, self.search_field(padded, wanted, where), strict=True)
        ]


def stored_length(dims: Sequence[int], dim: int) -> int:
    """The shortest of the stored lengths that holds `dim` numbers.

    >>> stored_length((64, 384), 16), stored_length((64, 384), 64), stored_length((64, 384), 65)
    (64, 64, 384)
    """
    return min(stored for stored in dims if stored >= dim)


def rows_to_fetch(k: int) -> int:
    """How many rows by the padded query's product are looked at again to find the best `k` at its length."""
    return max(10 * k, _LEAST_FETCHED)


def pad_query(query: FloatMatrix, dim: int, stored: int) -> FloatMatrix:
    """`(stored,)` numbers of which those from `dim` on are 0: its product with a vector is that of the prefixes.

    >>> pad_query(np.ones(4, np.float32), dim=1, stored=2).tolist()
    [1.0, 0.0]
    """
    padded: FloatMatrix = np.zeros(stored, dtype=np.float32)
    padded[:dim] = query[:dim]
    return padded


def refine(
    query: FloatMatrix, keys: Sequence[str], vectors: FloatMatrix, stages: Sequence[FunnelStage], k: int
) -> Nearest:
    """The best `k` of fetched rows, their `vectors` `(m, d)`, by the last stage's cosine after all stages."""
    order, scores = np.arange(len(keys)), np.zeros(len(keys), np.float32)
    for stage in stages:
        scores = truncate(vectors[order], stage.dim) @ truncate(query, stage.dim)
        best = np.argsort(-scores, kind="stable")[: stage.keep]
        order, scores = order[best], scores[best]
    return Nearest([keys[row] for row in order[:k].tolist()], scores[:k].tolist())


def _matrix(hits: FieldHits, fetched: int) -> FloatMatrix:
    return np.array(hits.vectors, dtype=np.float32).reshape(len(hits.nearest.keys), fetched)
