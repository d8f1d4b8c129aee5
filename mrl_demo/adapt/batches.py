"""What a step of the fit looks at: documents with their near misses, and queries with the documents nearest to them."""

from __future__ import annotations

import torch

from mrl_demo.adapt.objective import Questions
from mrl_demo.adapt.settings import AdaptSettings
from mrl_demo.core.hardware import has_bf16

_QUERIES_AT_ONCE = 1_024


class Batches:
    """Draws `Questions` from a pool of documents `(n, d)` and, if there are any, queries `(m, d)`; unit rows.

    >>> batches = Batches(torch.eye(8), torch.empty(0, 8), AdaptSettings(batch_size=4, neighbours=2))
    >>> batches.draw(torch.Generator().manual_seed(0)).candidates.shape[1]
    8
    """

    def __init__(self, pool: torch.Tensor, queries: torch.Tensor, settings: AdaptSettings) -> None:
        self.pool, self.queries, self.settings = pool, queries, settings
        # Near documents only have to be near: half the bytes and a quarter of the time do.
        self._coarse = pool.bfloat16() if has_bf16() else pool
        blocks = [self._near(block, settings.query_neighbours) for block in queries.split(_QUERIES_AT_ONCE)]
        self._near_queries = torch.cat(blocks)

    def draw(self, generator: torch.Generator) -> Questions:
        """The questions of one step; no document is twice among its candidates."""
        size = self.settings.batch_size
        if not len(self.queries):
            documents = self._documents(size, generator)
            return Questions.of(self.pool[documents], len(documents), self.queries, 0.0)
        documents = self._documents(size // 2, generator)
        documents = documents[torch.randperm(len(documents), generator=generator)]
        chosen = torch.randperm(len(self.queries), generator=generator)[: max(1, size // 4)]
        candidates = _with(documents, self._near_queries[chosen])
        asking = min(len(documents), max(1, size // 4))
        return Questions.of(self.pool[candidates], asking, self.queries[chosen], self.settings.query_share)

    def judges(self, documents: torch.Tensor, queries: torch.Tensor, beside: int) -> Questions:
        """Questions of rows that no step sees, `beside` documents of the pool and those nearest to the queries."""
        neighbours = _with(
            torch.arange(min(beside, len(self.pool))), self._near(queries, self.settings.query_neighbours)
        )
        candidates = torch.cat([documents, self.pool[neighbours]])
        return Questions.of(candidates, len(documents), queries, self.settings.query_share)

    def _documents(self, size: int, generator: torch.Generator) -> torch.Tensor:
        """Places of random documents, and of some with their nearest ones; none twice."""
        size, neighbours = min(size, len(self.pool)), self.settings.neighbours
        if size == len(self.pool) or neighbours == 1:
            return torch.randperm(len(self.pool), generator=generator)[:size]
        drawn = torch.randint(len(self.pool), (size // 2,), generator=generator)
        seeds = drawn[: max(1, size // (2 * neighbours))]
        return torch.cat([drawn, self._near(self.pool[seeds], neighbours).flatten()]).unique()

    def _near(self, rows: torch.Tensor, count: int) -> torch.Tensor:
        """Places `(n, count)` of the documents nearest to each row, fewer if the pool is smaller."""
        cosines = rows.to(self._coarse.dtype) @ self._coarse.T
        return cosines.topk(min(count, len(self.pool)), dim=1).indices


def _with(documents: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
    """Places of documents and of those near the queries; none twice."""
    near = near.unique()
    return torch.cat([documents, near[~torch.isin(near, documents)]])
