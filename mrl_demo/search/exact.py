"""Exact search by the faster way: a scan of the float32 vectors, or, if there are many, a sketch of them first."""

from __future__ import annotations

import itertools
import logging
import threading

from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.prefix import PrefixIndex
from mrl_demo.search.sketch import SketchIndex
from mrl_demo.search.topk import TopK

logger = logging.getLogger(__name__)

#: From so many documents on the sketch is faster at every length from 8 numbers, real and random vectors alike: 1.2 to
#: 6 times at 20,000. At 10,000 random vectors it is slower at 8 to 32 numbers, and what it gains elsewhere is under
#: half a millisecond: no reason to compile.
SKETCH_FROM = 20_000
#: Searches that are answered by the scan before the sketch is made: who asks once, on the command line, is done long
#: before the compiler would be.
_SCANS_FIRST = 8


class ExactIndex:
    """The documents nearest to a query, exactly, by the faster way that is ready.

    `scan` compares a query with every float32 vector; it also has the rank of any document. From `SKETCH_FROM`
    documents on, a sketch is made in the background once an index has been searched a few times, and takes over: same
    results, a quarter more memory, 3 s of compiling in a process's first. Safe to share between threads.

    >>> import numpy as np
    >>> index = ExactIndex(np.eye(3, dtype=np.float32))
    >>> index.search(np.array([0, 1, 0.5], np.float32), dim=3, k=2).indices.tolist()
    [[1, 2]]
    """

    is_exact = True

    def __init__(self, vectors: FloatMatrix, sketch_from: int = SKETCH_FROM) -> None:
        """Copy `(n, D)` float vectors; raises `LabError` for an empty or non-finite matrix."""
        self.scan = PrefixIndex(vectors)
        self.n, self.dimension = self.scan.n, self.scan.dimension
        self._is_large = self.n >= sketch_from
        self._sketch: SketchIndex | None = None
        self._searches = itertools.count()
        self._making = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors, and of the sketch once there is one."""
        return self._engine.nbytes

    def bytes_read(self, dim: object) -> int:
        """Bytes that a search for one query goes through at prefix `dim`, by the way that is ready."""
        return self._engine.bytes_read(dim)

    def search(self, queries: FloatMatrix, dim: object, k: int) -> TopK:
        """As `Engine.search` has it."""
        if self._is_large and self._sketch is None and next(self._searches) == _SCANS_FIRST:
            # No daemon: a process that ends meanwhile must wait, or the compiler is torn down while it runs.
            threading.Thread(target=self._make_sketch, name="sketch", daemon=False).start()
        return self._engine.search(queries, dim, k)

    def warm_up(self) -> None:
        """Make the sketch now if this index is large enough for one: what is timed must not wait for the compiler."""
        with self._making:
            if self._is_large and self._sketch is None:
                self._sketch = SketchIndex(self.scan)

    @property
    def _engine(self) -> PrefixIndex | SketchIndex:
        return self._sketch or self.scan

    def _make_sketch(self) -> None:
        try:
            self.warm_up()
        except Exception:
            logger.exception("No sketch of %s vectors could be made: searches go on by the full scan.", self.n)
