"""The Curves tab's files: what was measured as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from mrl_demo.core.spreadsheets import harmless_cell
from mrl_demo.evaluation.speed import SpeedResult, SpeedRow
from mrl_demo.evaluation.worst import BrokenQueries, BrokenQuery
from mrl_demo.lab.curves import speed_to_json
from mrl_demo.ui.curves.data import Figures

_TYPES = {"csv": "text/csv;charset=utf-8", "json": "application/json"}


@dataclass(frozen=True)
class TextFile:
    """A file to save: its name without an ending, and what is in it; `kind` is "csv" or "json"."""

    name: str
    kind: str
    text: str

    def payload(self) -> dict[str, Any]:
        """What the page's script turns into a file; the serial makes every click a new one."""
        name = f"{self.name}.{self.kind}"
        return {"name": name, "type": _TYPES[self.kind], "text": self.text, "serial": time.time_ns()}


def sweep_text(figures: Figures, kind: str) -> str:
    """Everything the sweep measured."""
    sweep = figures.curves.sweep
    return sweep.to_csv() if kind == "csv" else sweep.to_json()


def speed_text(speed: SpeedResult, kind: str) -> str:
    """Every timed row, with the size in each line of the CSV."""
    if kind != "csv":
        return speed_to_json(speed)
    names = [field.name for field in fields(SpeedRow)]
    rows = [[speed.n, speed.full_dim, *(getattr(row, name) for name in names)] for row in speed.rows]
    return _csv(["n", "full_dim", *names], rows)


def lost_text(lost: BrokenQueries, kind: str) -> str:
    """The worst-hit queries of one arm."""
    if kind != "csv":
        return json.dumps(asdict(lost), ensure_ascii=False)
    names = [field.name for field in fields(BrokenQuery)]
    rows = [[lost.arm, *(getattr(query, name) for name in names)] for query in lost.worst]
    return _csv(["arm", *names], rows)


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([harmless_cell(cell) for cell in row] for row in rows)
    return out.getvalue()
