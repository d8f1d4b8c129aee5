"""One pass over a folder of shards: every block is read once, and gives the first documents of every ranking.

What is done is kept beside the way, so that a pass that was killed goes on at its last kept block.
"""

from __future__ import annotations

import json
import logging
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import CacheError, LabError
from mrl_demo.core.shards import ShardFolder
from mrl_demo.core.storage import atomic_path, sha256_bytes, sha256_text
from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.evaluation.agreement import agreement
from mrl_demo.evaluation.measure import ValueKey, Values
from mrl_demo.evaluation.metrics import Metric, quality
from mrl_demo.scale.leaders import Leaders
from mrl_demo.scale.questions import ShardQuestions
from mrl_demo.scale.scorer import FULL_PRECISION, BlockScorer, ScanKey

logger = logging.getLogger(__name__)
#: Rows of a block: 3 MB of float32 at 384 numbers, which a core's cache holds.
_BLOCK_ROWS = 2_048
#: Places kept beyond the deepest metric, for scores that rounding moves.
_SPARE = 28
#: No metric may look deeper: every ranking keeps so many documents of every query.
DEEPEST = 1_000
_KEEP_EVERY_S = 20.0


@dataclass
class ShardScan:
    """The pass over one folder for some questions: `run` gives every metric's values at every size of the collection.

    `sizes` are row counts at which the collection is measured on the way, as if it ended there (documents judged to
    answer a question are in it all the same). `keep_in` is where an unfinished pass is kept, None to keep nothing.
    """

    shards: ShardFolder
    questions: ShardQuestions
    scorer: BlockScorer
    metrics: tuple[Metric, ...]
    sizes: tuple[int, ...] = ()
    keep_in: Path | None = None
    first_row: int = 0
    leaders: dict[ScanKey, Leaders] = field(default_factory=dict)
    measured: dict[int, Values] = field(default_factory=dict)
    _kept_at: float = 0.0

    def run(self, progress: Progress | None = None) -> dict[int, Values]:
        """Values `(q,)` float32 by metric, precision and length, for each of `sizes` and for all rows.

        Raises what `progress` raises, `ShardError` for rows that are not finite, `LabError` for a metric too deep.
        """
        depth = scan_depth(self.metrics)
        self._resume()
        pace = _ScanPace(self.shards, self.first_row, progress)
        stops = sorted({*(size for size in self.sizes if 0 < size < self.shards.n), self.shards.n})
        known = self._pair_values(self.questions.relevant.query, self.questions.relevant.document)
        self._kept_at = time.monotonic()
        for start, block in self.shards.blocks(_BLOCK_ROWS, self.first_row, stops):
            for key, scores in self.scorer.score(block):
                self._leave_out_own(scores, start)
                if key not in self.leaders:
                    self.leaders[key] = Leaders.empty(len(scores), depth + _SPARE)
                self.leaders[key].offer(scores, start)
            end = start + len(block)
            if end in stops:
                self.measured[end] = self._values(end, known)
            self._keep(end)
            pace.tell(end)
        self._forget()
        return self.measured

    def _leave_out_own(self, scores: FloatMatrix, start: int) -> None:
        own = self.questions.own_row - start
        rows = np.flatnonzero((own >= 0) & (own < scores.shape[1]))
        scores[rows, own[rows]] = -np.inf

    def _values(self, size: int, known: dict[ScanKey, FloatMatrix]) -> Values:
        """Every metric of the collection's first `size` rows."""
        relevant = self.questions.relevant
        values: Values = {}
        extra = relevant.document >= size
        for key, leaders in self.leaders.items():
            places = leaders.place(relevant.query, known[key], extra)
            for metric in self.metrics:
                if not metric.is_agreement:
                    named = key[1], key[0].name, metric.name
                    values[named] = quality(metric, relevant, places).astype(np.float32)
        return values | self._agreement()

    def _agreement(self) -> Values:
        """How far each ranking agrees with that of uncut float32 vectors."""
        metrics = [metric for metric in self.metrics if metric.is_agreement]
        if not metrics:
            return {}
        reference = self.leaders[FULL_PRECISION, self.shards.dimension].leading(scan_depth(metrics))
        scores = self._pair_values(reference.query, reference.document)
        values: Values = {}
        for key, leaders in self.leaders.items():
            places = leaders.place(reference.query, scores[key])
            for metric in metrics:
                value = agreement(metric, reference, places, len(self.questions.vectors))
                values[key[1], key[0].name, metric.name] = value.astype(np.float32)
        return values

    def _pair_values(self, query: IntMatrix, document: IntMatrix) -> dict[ScanKey, FloatMatrix]:
        """Scores `(pairs,)` of single documents by key; minus infinity for a document of -1."""
        values: dict[ScanKey, FloatMatrix] = {}
        wanted = np.unique(document[document >= 0])
        for start in range(0, max(1, len(wanted)), _BLOCK_ROWS):
            rows = wanted[start : start + _BLOCK_ROWS]
            pairs = np.flatnonzero(np.isin(document, rows))
            columns = np.searchsorted(rows, document[pairs])
            block = self.shards.read_rows(rows) if len(rows) else self.shards.read_rows([0])
            for key, scores in self.scorer.score(block):
                values.setdefault(key, np.full(len(document), -np.inf, np.float32))
                values[key][pairs] = scores[query[pairs], columns]
        return values

    def _path(self) -> Path | None:
        """Where this very pass is kept: the name changes with shards, questions, settings and metrics."""
        if self.keep_in is None:
            return None
        keys = [f"{dim} {precision.name}" for precision in self.scorer.precisions for dim in self.scorer.dims]
        vectors, relevant = self.questions.vectors, self.questions.relevant
        judged = sha256_text(
            str(relevant.query.tolist()), str(relevant.document.tolist()), str(relevant.grade.tolist())
        )
        metrics = [metric.name for metric in self.metrics]
        parts = self.shards.fingerprint, sha256_bytes(vectors), judged, str(self.questions.own_row.tolist())
        return self.keep_in / f"{sha256_text(*parts, *keys, *metrics, str(self.sizes))}.npz"

    def _resume(self) -> None:
        path = self._path()
        if path is None or not path.is_file():
            return
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            named = json.loads(str(arrays["about"]))
            self.leaders = {key: Leaders.from_arrays(_part(arrays, name)) for name, key in self._keys(named).items()}
            self.measured = {size: _named_values(_part(arrays, f"at {size}")) for size in named["sizes"]}
            self.first_row = named["rows"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            logger.warning("%s is damaged (%s): the pass begins again.", path, error)
            self.leaders, self.measured, self.first_row = {}, {}, 0

    def _keys(self, named: dict[str, list[str]]) -> dict[str, ScanKey]:
        known = {precision.name: precision for precision in (*self.scorer.precisions, FULL_PRECISION)}
        return {name: (known[name.split("@")[0]], int(name.split("@")[1])) for name in named["keys"]}

    def _keep(self, rows: int) -> None:
        """Keep what is done, if the last time is long enough ago; a folder that cannot be written stops nothing."""
        path = self._path() if time.monotonic() - self._kept_at >= _KEEP_EVERY_S else None
        if path is None:
            return
        names = {f"{precision.name}@{dim}": leaders for (precision, dim), leaders in self.leaders.items()}
        about = {"rows": rows, "keys": list(names), "sizes": list(self.measured)}
        arrays: dict[str, NDArray[np.generic]] = {"about": np.array(json.dumps(about))}
        for name, leaders in names.items():
            arrays |= {f"{name}|{part}": array for part, array in leaders.to_arrays().items()}
        for size, values in self.measured.items():
            arrays |= {f"at {size}|{json.dumps(key)}": value for key, value in values.items()}
        try:
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        except CacheError as error:
            logger.warning("%s", error)
        self._kept_at = time.monotonic()

    def _forget(self) -> None:
        if path := self._path():
            path.unlink(missing_ok=True)


def scan_depth(metrics: Sequence[Metric]) -> int:
    """The deepest rank that the metrics look at; raises `LabError` for one without a depth, or beyond `DEEPEST`."""
    endless = [metric.name for metric in metrics if metric.k is None or metric.k > DEEPEST]
    if endless:
        raise LabError(
            f"{', '.join(endless)} looks deeper than a pass over shards keeps: name a depth up to {DEEPEST:,}, as in "
            "map@100."
        )
    return max((metric.k or 1 for metric in metrics), default=1)


def _part(arrays: dict[str, NDArray[np.generic]], name: str) -> dict[str, NDArray[np.generic]]:
    prefix = f"{name}|"
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _named_values(arrays: dict[str, NDArray[np.generic]]) -> Values:
    values: Values = {}
    for text, value in arrays.items():
        dim, precision, metric = json.loads(text)
        key: ValueKey = (dim, precision, metric)
        values[key] = np.asarray(value, dtype=np.float32)
    return values


class _ScanPace:
    """Progress of a pass: rows done, rows a second, and how long the rest will take."""

    def __init__(self, shards: ShardFolder, first: int, progress: Progress | None) -> None:
        self._shards, self._first, self._progress = shards, first, progress
        self._started = time.monotonic()

    def tell(self, done: int) -> None:
        if self._progress is None:
            return
        n = self._shards.n
        speed = (done - self._first) / max(1e-3, time.monotonic() - self._started)
        line = f"Reading {done:,} of {n:,} vectors of {self._shards.about.arm}, {speed:,.0f} a second"
        self._progress(done / n, f"{line}, about {(n - done) / speed:,.0f} s left")
