"""Rows of a result out of every query's values: means, paired differences and shares kept, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.evaluation.judging.metrics import parse_metric
from mrl_demo.evaluation.probes import parse_probe_metric
from mrl_demo.evaluation.stats import PairedBootstrap, widen_certain
from mrl_demo.evaluation.sweeps.plan import UNCUT_BASE
from mrl_demo.evaluation.sweeps.results import DifferenceRow, RetentionRow, RowKey, SweepRow

BASE = "base"
FULL = "full"


@dataclass(frozen=True)
class UnitFigures:
    """Values of one kind of unit (queries, or test texts of a label) by key, uncut values, and their resamples."""

    values: Mapping[RowKey, NDArray[np.float32]]
    full: Mapping[RowKey, NDArray[np.float32]]
    bootstrap: PairedBootstrap


def interval_rows(
    values: Mapping[RowKey, NDArray[np.float32]],
    bands: Mapping[RowKey, tuple[float, float]],
    bootstrap: PairedBootstrap,
) -> tuple[SweepRow, ...]:
    """Means over units with their 95% intervals; `bands` are the least and greatest means over the seeds of an arm."""
    if not values:
        return ()
    n = bootstrap.n_queries
    intervals = [
        widen_certain(interval, n) if parse_probe_metric(key[3]) else interval
        for key, interval in zip(values, bootstrap.intervals(np.stack(list(values.values()), axis=1)), strict=True)
    ]
    return tuple(
        SweepRow(*key, interval.value, interval.low, interval.high, n, *bands.get(key, (None, None)))
        for key, interval in zip(values, intervals, strict=True)
    )


def difference_rows(figures: UnitFigures, against: tuple[str, ...]) -> tuple[DifferenceRow, ...]:
    """Every figure of quality against the arms of `against` and its own arm uncut, Holm over the dimensions."""
    names: list[tuple[str, int, str, str, str]] = []
    columns: list[NDArray[np.float32]] = []
    for key, values in figures.values.items():
        arm, dim, precision, metric = key
        if dim is None or _is_agreement(metric):
            continue
        for other, reference in _references(figures, key, against):
            names.append((arm, dim, precision, metric, other))
            columns.append(values - reference)
    if not columns:
        return ()
    families = [(arm, precision, metric, other) for arm, _, precision, metric, other in names]
    differences = figures.bootstrap.differences(np.stack(columns, axis=1), families)
    return tuple(
        DifferenceRow(*name, row.value, row.low, row.high, row.p, row.p_holm, row.verdict)
        for name, row in zip(names, differences, strict=True)
    )


def _references(
    figures: UnitFigures, key: RowKey, against: tuple[str, ...]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and values of what a figure is compared with."""
    arm, dim, precision, metric = key
    uncut = {full_key[0]: (full_key, values) for full_key, values in figures.full.items() if full_key[3] == metric}
    for other in against:
        if other == UNCUT_BASE and BASE in uncut and key != uncut[BASE][0]:
            yield other, uncut[BASE][1]
        elif other != arm and (other, dim, precision, metric) in figures.values:
            yield other, figures.values[other, dim, precision, metric]
    if arm in uncut and key != uncut[arm][0]:
        yield FULL, uncut[arm][1]


def retention_rows(figures: UnitFigures) -> tuple[RetentionRow, ...]:
    """The share of its arm's uncut value that every figure of quality keeps."""
    full = {(key[0], key[3]): values for key, values in figures.full.items()}
    names: list[RowKey] = []
    columns: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for key, values in figures.values.items():
        whole = full.get((key[0], key[3]))
        if key[1] is not None and not _is_agreement(key[3]) and whole is not None and whole.any():
            names.append(key)
            columns.append((values, whole))
    if not columns:
        return ()
    ratios = figures.bootstrap.ratios(*(np.stack(side, axis=1) for side in zip(*columns, strict=True)))
    return tuple(
        RetentionRow(name[0], int(name[1] or 0), name[2], name[3], ratio.value, ratio.low, ratio.high)
        for name, ratio in zip(names, ratios, strict=True)
        if np.isfinite(ratio.high)
    )


def _is_agreement(metric: str) -> bool:
    return metric.split("@")[0] in {"overlap", "rbo"} and parse_metric(metric).is_agreement
