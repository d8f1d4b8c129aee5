"""One pass over a folder of shards: every block is read once, and gives the first documents of every ranking.

What is done is kept beside the way, so that a pass that was killed goes on at its last kept block.
"""

from __future__ import annotations

import json
import logging
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import CacheError, LabError
from mrl_demo.core.storage import atomic_path, sha256_bytes, sha256_text
from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.core.vectors import truncate
from mrl_demo.evaluation.judging.agreement import agreement
from mrl_demo.evaluation.judging.metrics import Metric, quality
from mrl_demo.evaluation.sweeps.measure import ValueKey, Values
from mrl_demo.scale.leaders import Leaders
from mrl_demo.scale.questions import ShardQuestions
from mrl_demo.scale.scorer import FULL_PRECISION, BlockScorer, ScanKey
from mrl_demo.search.quantised import Precision

logger = logging.getLogger(__name__)
#: Rows of a block: 3 MB of float32 at 384 numbers, which a core's cache holds.
_BLOCK_ROWS = 2_048
#: Places kept beyond the deepest metric, for scores that rounding moves.
_SPARE = 28
#: No metric may look deeper: every ranking keeps so many documents of every query.
DEEPEST = 1_000
_KEEP_EVERY_S = 20.0
_PAIRS_AT_ONCE = 16_384


class ScannedRows(Protocol):
    """What a pass reads: a folder of shards, or vectors in memory."""

    @property
    def n(self) -> int:
        """How many rows there are."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers of a row."""
        ...

    @property
    def name(self) -> str:
        """What a report calls them."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hex digest that changes with the rows: a pass goes on only over the same ones."""
        ...

    def blocks(self, rows: int, start: int = 0, stops: Sequence[int] = ()) -> Iterator[tuple[int, FloatMatrix]]:
        """At most `rows` of them at a time from `start` on, each with its first row's number; none spans a stop."""
        ...

    def read_rows(self, indices: Sequence[int] | IntMatrix) -> FloatMatrix:
        """The rows of these numbers, `(len(indices), dimension)` float32."""
        ...


@dataclass(frozen=True)
class _Ranking:
    """The first documents of one precision and length, and the `values` by which some pairs are placed among them."""

    leaders: Leaders
    values: FloatMatrix


@dataclass
class ShardScan:
    """The pass over one folder for some questions: `run` gives every metric's values at every size of the collection.

    `rescored` are precisions whose first documents are read again and ordered by their float32 cosines: of those that
    tie with the last of a shortlist, as many as a list has room for (28).
    `cut_shortlists` says for how many questions there were more, `cut_references` the same of the full ranking that
    agreement is with.
    `sizes` are row counts at which the collection is measured on the way, as if it ended there (documents judged to
    answer a question are in it all the same). `keep_in` is where an unfinished pass is kept, None to keep nothing.
    """

    shards: ScannedRows
    questions: ShardQuestions
    scorer: BlockScorer
    metrics: tuple[Metric, ...]
    rescored: tuple[Precision, ...] = ()
    sizes: tuple[int, ...] = ()
    keep_in: Path | None = None
    first_row: int = 0
    leaders: dict[ScanKey, Leaders] = field(default_factory=dict)
    measured: dict[int, Values] = field(default_factory=dict)
    cut_shortlists: dict[ScanKey, int] = field(default_factory=dict)
    cut_references: int = 0
    _kept_at: float = 0.0

    def run(self, progress: Progress | None = None) -> dict[int, Values]:
        """Values `(q,)` float32 by metric, precision and length, for each of `sizes` and for all rows.

        Raises what `progress` raises, `ShardError` for rows that are not finite, `LabError` for a metric too deep.
        """
        depth = max([scan_depth(self.metrics), *(precision.shortlist for precision in self.rescored)])
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
        relevant, extra = self.questions.relevant, self.questions.relevant.document >= size
        stood = {key: _Ranking(leaders, known[key]) for key, leaders in self.leaders.items()}
        stood |= self._rescored(relevant.query, relevant.document, known)
        values: Values = {}
        for (precision, dim), ranking in stood.items():
            places = ranking.leaders.place(relevant.query, ranking.values, extra)
            for metric in self.metrics:
                if not metric.is_agreement:
                    value = quality(metric, relevant, places)
                    values[dim, precision.name, metric.name] = value.astype(np.float32)
        return values | self._agreement()

    def _agreement(self) -> Values:
        """How far each ranking agrees with that of uncut float32 vectors."""
        metrics = [metric for metric in self.metrics if metric.is_agreement]
        if not metrics:
            return {}
        full, depth = self.leaders[FULL_PRECISION, self.shards.dimension], scan_depth(metrics)
        reference, self.cut_references = full.leading(depth), full.shortlist(depth).n_cut
        scores = self._pair_values(reference.query, reference.document)
        stood = {key: _Ranking(leaders, scores[key]) for key, leaders in self.leaders.items()}
        stood |= self._rescored(reference.query, reference.document, scores)
        values: Values = {}
        for (precision, dim), ranking in stood.items():
            places = ranking.leaders.place(reference.query, ranking.values)
            for metric in metrics:
                value = agreement(metric, reference, places, len(self.questions.vectors))
                values[dim, precision.name, metric.name] = value.astype(np.float32)
        return values

    def _rescored(
        self, query: IntMatrix, document: IntMatrix, coarse: dict[ScanKey, FloatMatrix]
    ) -> dict[ScanKey, _Ranking]:
        """Rankings by float32 of every shortlist, with the values of some pairs; minus infinity is not in it."""
        rankings = {}
        for precision in self.rescored:
            for dim in self.scorer.dims:
                key = Precision(precision.stored), dim
                shortlist = self.leaders[key].shortlist(precision.shortlist)
                self.cut_shortlists[precision, dim] = shortlist.n_cut
                finer = shortlist.reordered(self._cosines(shortlist.query, shortlist.document, dim))
                is_listed = np.isfinite(coarse[key]) & (coarse[key] >= shortlist.floor[query])
                values = np.full(len(query), -np.inf, dtype=np.float32)
                values[is_listed] = self._cosines(query[is_listed], document[is_listed], dim)
                rankings[precision, dim] = _Ranking(finer, values)
        return rankings

    def _cosines(self, query: IntMatrix, document: IntMatrix, dim: int) -> FloatMatrix:
        """Cosines `(pairs,)` of cut vectors."""
        values = np.empty(len(query), dtype=np.float32)
        cut = truncate(self.questions.vectors, dim)
        for start in range(0, len(query), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            rows, place = np.unique(document[part], return_inverse=True)
            vectors = truncate(self.shards.read_rows(rows), dim)
            values[part] = np.einsum("pd,pd->p", vectors[place], cut[query[part]])
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
        metrics = [*(metric.name for metric in self.metrics), *(precision.name for precision in self.rescored)]
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


def rescored_by_float32(precisions: Sequence[Precision]) -> tuple[Precision, ...]:
    """Those that rescore a shortlist; raises `LabError` for one that int8 rescores, or with a list beyond `DEEPEST`."""
    rescored = tuple(precision for precision in precisions if precision.rescored)
    for precision in rescored:
        if precision.rescorer != "float32" or precision.shortlist > DEEPEST:
            raise LabError(
                f"{precision.name} cannot be measured in one pass: rescore by float32 and at most {DEEPEST:,} "
                f"documents, as in {precision.stored}+rescore@100."
            )
    return rescored


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

    def __init__(self, shards: ScannedRows, first: int, progress: Progress | None) -> None:
        self._shards, self._first, self._progress = shards, first, progress
        self._started = time.monotonic()

    def tell(self, done: int) -> None:
        """Say how many vectors are read, and how long the rest takes."""
        if self._progress is None:
            return
        n = self._shards.n
        speed = (done - self._first) / max(1e-3, time.monotonic() - self._started)
        line = f"Reading {done:,} of {n:,} vectors of {self._shards.name}, {speed:,.0f} a second"
        self._progress(done / n, f"{line}, about {(n - done) / speed:,.0f} s left")
