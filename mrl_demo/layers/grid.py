"""An arm at every number of layers and every length: quality with intervals, and the time to encode by layer."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

from mrl_demo.arms.arm import at_depth, require_prefixes
from mrl_demo.arms.names import resolve_arm, split_name
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import CorpusError, LabError, ModelError
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.types import Corpus, Encoder, Progress
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.sweep import evaluate
from mrl_demo.models.depth import split_depth

#: Lengths that are measured if none are named, and the model's own.
LAYER_DIMS = (8, 16, 32, 64, 128, 256)
#: Of a deeper model so many depths are measured, evenly apart, if none are named.
_MOST_DEPTHS = 6
_TIMED_QUERIES, _TIMED_DOCUMENTS, _ROUNDS = 16, 48, 3
#: The share of the work that is measuring; the rest is timing.
_MEASURING = 0.9
#: In assets/results: figures that come with the code.
LAYERS_FILE = "layers.json"


@dataclass(frozen=True)
class LayerCell:
    """Quality at `layers` and `dim` with its 95% interval, and the paired difference from all layers at that length."""

    layers: int
    dim: int
    value: float
    low: float
    high: float
    difference: float = 0.0
    difference_low: float = 0.0
    difference_high: float = 0.0


@dataclass(frozen=True)
class LayerTime:
    """How long an encoder of `layers` layers takes: ms of one query, documents a second, both of the clock."""

    layers: int
    query_ms: float
    documents_a_second: float


@dataclass(frozen=True)
class LayerGrid:
    """Everything that `measure_layers` measured of one arm on one corpus; cells rise by layers, then by length.

    `stand_ins` names what stood in for judged queries, "" if they are judged. `fingerprint` is that of the corpus.

    >>> cells = (LayerCell(1, 8, 0.2, 0.1, 0.3), LayerCell(2, 8, 0.4, 0.3, 0.5))
    >>> grid = LayerGrid("base", "Base", "mine", "ndcg@10", 9, 99, cells, (LayerTime(1, 1, 300), LayerTime(2, 2, 150)))
    >>> grid.kept(1, 8), grid.speed_up(1), grid.depths, grid.dims
    (0.5, 2.0, (1, 2), (8,))
    """

    arm: str
    label: str
    corpus: str
    metric: str
    n_queries: int
    n_documents: int
    cells: tuple[LayerCell, ...]
    times: tuple[LayerTime, ...]
    hardware: str = ""
    date: str = ""
    fingerprint: str = ""
    stand_ins: str = ""
    notes: tuple[str, ...] = ()

    @property
    def depths(self) -> tuple[int, ...]:
        """The numbers of layers, rising; the last is all of them."""
        return tuple(sorted({cell.layers for cell in self.cells}))

    @property
    def dims(self) -> tuple[int, ...]:
        """The lengths, rising."""
        return tuple(sorted({cell.dim for cell in self.cells}))

    def cell(self, layers: int, dim: int) -> LayerCell:
        """The figure there; raises `KeyError` for what was not measured."""
        for cell in self.cells:
            if (cell.layers, cell.dim) == (layers, dim):
                return cell
        raise KeyError((layers, dim))

    def kept(self, layers: int, dim: int) -> float:
        """The share of the quality of all layers at the same length, 0 if that is 0."""
        whole = self.cell(self.depths[-1], dim).value
        return self.cell(layers, dim).value / whole if whole else 0.0

    def time_of(self, layers: int) -> LayerTime | None:
        """How long so many layers take, None if it was not timed."""
        return next((each for each in self.times if each.layers == layers), None)

    def speed_up(self, layers: int) -> float | None:
        """How many times the documents a second of all layers, None if it was not timed."""
        own, whole = self.time_of(layers), self.time_of(self.depths[-1])
        return own.documents_a_second / whole.documents_a_second if own and whole else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def to_csv(self) -> str:
        """A line a cell, with bytes of a vector, the share kept and the times of its layers."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = ["layers", "dim", "bytes", "value", "low", "high", "kept", "query_ms", "documents_a_second"]
        writer.writerow(["arm", "metric", *names])
        for cell in self.cells:
            timed = self.time_of(cell.layers)
            times = [timed.query_ms, timed.documents_a_second] if timed else ["", ""]
            kept = round(self.kept(cell.layers, cell.dim), 4)
            figures = [cell.layers, cell.dim, 4 * cell.dim, cell.value, cell.low, cell.high, kept, *times]
            writer.writerow([shown_name(self.arm), self.metric, *figures])
        return out.getvalue()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> LayerGrid:
        """Read what `to_dict` made; raises `CorpusError` for anything else."""
        try:
            cells = tuple(LayerCell(**each) for each in raw["cells"])
            times = tuple(LayerTime(**each) for each in raw["times"])
            return cls(**{**raw, "cells": cells, "times": times, "notes": tuple(raw["notes"])})
        except (KeyError, TypeError) as error:
            raise CorpusError(f"These are no figures by layer ({error}): measure them again.") from error


@dataclass(frozen=True)
class LayerQuestion:
    """What to measure: lengths and layers ((): the usual ones), and how many (0: all) of which judged queries.

    `metric` "" is nDCG@10.
    """

    dims: tuple[int, ...] = ()
    layers: tuple[int, ...] = ()
    queries: int = 0
    split: str = ""
    metric: str = ""
    seed: int = 0


def measure_layers(
    builder: SpaceBuilder,
    corpus: Corpus,
    name: str,
    question: LayerQuestion | None = None,
    progress: Progress | None = None,
) -> LayerGrid:
    """Measure the arm `name` at every depth and length on the corpus' judged queries, and time every depth.

    Each depth encodes the documents once and keeps the vectors. Raises `ModelError` for an arm without layers to leave
    out and for more layers than it has, and as `evaluate` does; whatever `progress` raises cancels.
    """
    question = question or LayerQuestion()
    if (whole_name := split_depth(name)[0]) != name:
        raise ModelError(f"{shown_name(name)} names its layers already: give {shown_name(whole_name)} alone.")
    whole = require_prefixes(resolve_arm(name, builder.menu))
    most = builder.menu.encoders.layers(whole.encoder) if whole.has_vectors else 0
    depths = _depths(shown_name(name), most, question.layers)
    full = builder.menu.encoders.encoder(whole.encoder).dimension
    dims = question.dims or (*(dim for dim in LAYER_DIMS if dim < full), full)
    metric = question.metric or "ndcg@10"
    stem, suffix = split_name(name, {arm.name for arm in builder.menu.contenders()})
    arms = {layers: f"{stem}@{layers}" + (f"+{suffix}" if suffix else "") for layers in depths}
    plan = SweepPlan(
        tuple(arms.values()),
        dims,
        metrics=(metric,),
        split=question.split,
        queries=question.queries,
        seed=question.seed,
        against=(arms[most],),
    )
    result = evaluate(builder, corpus, plan, _within(progress, 0.0, _MEASURING))
    encoders = {layers: builder.menu.encoders.encoder(at_depth(whole, layers).encoder) for layers in depths}
    times = _time_depths(encoders, corpus, _within(progress, _MEASURING, 1.0))
    return LayerGrid(
        arm=shown_name(name),
        label=whole.label,
        corpus=corpus.label or corpus.name,
        metric=metric,
        n_queries=result.n_queries,
        n_documents=result.n_documents,
        cells=_cells(result, arms, dims, metric),
        times=times,
        hardware=result.hardware or describe_hardware(),
        date=result.date,
        fingerprint=corpus.fingerprint,
        stand_ins=result.stand_ins,
        notes=result.notes,
    )


def _depths(name: str, most: int, wanted: Sequence[int]) -> tuple[int, ...]:
    """The numbers of layers to measure, all of them last."""
    if most < 2:
        raise ModelError(
            f"{name} has no layers that can be left out: choose an arm over a BERT-like model, as base or tuned-2d."
        )
    if wrong := [layers for layers in wanted if not 1 <= layers <= most]:
        raise ModelError(f"{name} has {most} layers, not {wrong[0]}: choose from 1 to {most}.")
    if wanted:
        return tuple(sorted({*wanted, most}))
    count = min(most, _MOST_DEPTHS)
    return tuple(sorted({round(most * place / count) for place in range(1, count + 1)} | {most}))


def _cells(result: SweepResult, arms: Mapping[int, str], dims: Sequence[int], metric: str) -> tuple[LayerCell, ...]:
    """Figures of the arms that could be measured, with what all layers have more or less at the same length."""
    whole = arms[max(arms)]
    if not any(row.arm == whole for row in result.rows):
        raise LabError(f"{shown_name(whole)} could not be measured. {' '.join(result.notes)}".strip())
    cells = []
    for layers, name in arms.items():
        for dim in dims:
            row = result.row(name, dim, metric)
            if row is None:
                continue
            other = result.difference(row, whole)
            apart = (other.difference, other.low, other.high) if other else (0.0, 0.0, 0.0)
            figures = (row.value, row.low, row.high, *apart)
            cells.append(LayerCell(layers, dim, *(round(float(figure), 5) for figure in figures)))
    return tuple(cells)


def _time_depths(encoders: Mapping[int, Encoder], corpus: Corpus, progress: Progress | None) -> tuple[LayerTime, ...]:
    """The least of some rounds, taken in turns, so that no depth has the machine's quiet minute for itself."""
    documents = [document.content for document in corpus.documents[:_TIMED_DOCUMENTS]]
    queries = [query.text for query in corpus.queries[:_TIMED_QUERIES]] or documents[:1]
    for encoder in encoders.values():  # Loads the weights.
        encoder.encode_queries(queries[:1])
        encoder.encode_documents(documents[:4])
    single: dict[int, list[float]] = {layers: [] for layers in encoders}
    bulk: dict[int, list[float]] = {layers: [] for layers in encoders}
    for turn in range(_ROUNDS):
        if progress:
            progress(turn / _ROUNDS, "Timing every number of layers")
        for layers, encoder in encoders.items():
            single[layers].append(median(_seconds(partial(encoder.encode_queries, [text])) for text in queries))
            bulk[layers].append(_seconds(partial(encoder.encode_documents, documents)))
    return tuple(
        LayerTime(layers, round(1e3 * min(single[layers]), 3), round(len(documents) / min(bulk[layers]), 2))
        for layers in sorted(encoders)
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _within(progress: Progress | None, start: float, end: float) -> Progress | None:
    """The part of a progress from `start` to `end`."""
    if progress is None:
        return None
    tell = progress
    return lambda share, line: tell(start + share * (end - start), line)


@cache
def shipped_layers(assets_dir: Path) -> tuple[LayerGrid, ...]:
    """The figures that come with the code, none without its file; raises `CorpusError` for a damaged one."""
    path = assets_dir / "results" / LAYERS_FILE
    if not path.is_file():
        return ()
    try:
        return tuple(LayerGrid.from_dict(raw) for raw in json.loads(path.read_text(encoding="utf-8"))["grids"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path} holds no figures by layer ({error}): run dev/ship_layers.py again.") from error
