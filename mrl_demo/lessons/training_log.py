"""The log that a training run left: what it changed at every length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.core.errors import LabError

_METRIC = "ndcg@10"


@dataclass(frozen=True)
class TrainingLog:
    """Steps, training pairs and test questions of a run, and its nDCG@10 by length: `(dim, before, after)`.

    >>> TrainingLog(60, 8093, 800, ((64, 0.57, 0.70),)).rows[0]
    (64, 0.57, 0.7)
    """

    steps: int
    pairs: int
    n_queries: int
    rows: tuple[tuple[int, float, float], ...]


def read_training_log(path: Path) -> TrainingLog:
    """Read a run's `metrics.json`; raises `LabError` naming the file if it is damaged."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        rows = [row for row in raw["test"] if row["metric"] == _METRIC]
        return TrainingLog(
            int(raw["steps"]),
            int(raw["pairs"]),
            int(raw["n_queries"]),
            tuple((int(row["dim"]), float(row["before"]), float(row["after"])) for row in rows),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} is no log of a training run ({error}): copy the adapter folder again.") from error
