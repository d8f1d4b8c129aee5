"""A collection in an engine with an index of our own beside it: for ranks beyond a list, and for when it is down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.search.engine import RankedScan, RankingEngine
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.engines.errors import EngineError
from mrl_demo.search.part import PartIndex
from mrl_demo.search.topk import TopK

logger = logging.getLogger(__name__)

#: An engine that failed is not asked again before so many seconds have passed.
REST_SECONDS = 15.0


@dataclass(frozen=True)
class AnsweredTop:
    """Results, and who gave them: `engine` in words ("" for our own index), `problem` why it was not asked.

    >>> import numpy as np
    >>> AnsweredTop(TopK(np.array([[2]]), np.array([[0.9]], np.float32))).engine
    ''
    """

    top: TopK
    engine: str = ""
    problem: str = ""


class AttachedIndex:
    """Searches by an engine if one holds these documents, else, or while that is down, by an index of our own.

    `find` gives the collection, None if no engine holds these documents, and raises `EngineError` if it cannot be used.
    Unless `falls_back`, so does a search then. With `where` it searches only documents that have these labels; our own
    index holds no others then. Safe to share between threads.

    >>> import numpy as np
    >>> from mrl_demo.search.prefix import PrefixIndex
    >>> index = AttachedIndex(lambda: None, PrefixIndex(np.eye(3, dtype=np.float32)), falls_back=True)
    >>> index.search_answered(np.array([0, 1, 0], np.float32), dim=3, k=1).top.indices.tolist()
    [[1]]
    """

    def __init__(
        self,
        find: Callable[[], CollectionIndex | None],
        own: RankingEngine,
        *,
        falls_back: bool,
        where: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._own, self._falls_back, self._now = find, own, falls_back, now
        self._where = where
        self.n, self.dimension = own.n, own.dimension
        self._problem, self._rests_until = "", 0.0

    @property
    def own(self) -> RankingEngine:
        """Our own index of the same documents."""
        return self._own

    @property
    def scan(self) -> RankedScan:
        """Our own scan: it has the rank of any document."""
        return self._own.scan

    def only(self, rows: IntMatrix, where: Mapping[str, str]) -> AttachedIndex:
        """The documents that have these labels alone, and their rows."""
        part = PartIndex(self._own, rows)
        return AttachedIndex(self._find, part, falls_back=self._falls_back, where=where, now=self._now)

    def warm_up(self) -> None:
        """Connect and check now rather than during the first search; raises as `search_answered` does."""
        self.search_answered(np.zeros(self.dimension, np.float32), self.dimension, 1)

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it."""
        return self.search_answered(queries, dim, k).top

    def search_answered(self, queries: FloatMatrix, dim: object, k: int) -> AnsweredTop:
        """As `Engine.search` has it, with who answered; raises `EngineError` unless it falls back."""
        if self._now() < self._rests_until:
            return AnsweredTop(self._own.search(queries, dim, k), problem=self._problem)
        try:
            collection = self._find()
            if collection is None:
                return AnsweredTop(self._own.search(queries, dim, k))
            top = collection.search(queries, dim, k, self._where)
            collection.check_filled(top, dim, min(k, self.n))
            return AnsweredTop(top, collection.describe(dim))
        except Exception as error:
            is_ours = isinstance(error, EngineError)
            if not self._falls_back or (isinstance(error, LabError) and not is_ours):
                raise
            problem = str(error) if is_ours else "The engine failed in a way that nobody foresaw (see the log)."
            if problem != self._problem:
                logger.warning("The page searches its own index: %s", problem, exc_info=not is_ours)
            self._problem, self._rests_until = problem, self._now() + REST_SECONDS
            return AnsweredTop(self._own.search(queries, dim, k), problem=problem)
