"""The Curves tab's files: what was measured as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from mrl_demo import __version__
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.spreadsheets import harmless_cell
from mrl_demo.evaluation.speed.searches import SpeedResult, SpeedRow
from mrl_demo.evaluation.sweeps.worst import BrokenQueries, BrokenQuery
from mrl_demo.lab.curves import speed_to_json
from mrl_demo.ui.curves.data import Figures

_TYPES = {"csv": "text/csv;charset=utf-8", "json": "application/json"}
_LONGEST_ADDRESS = 2_000


@dataclass(frozen=True)
class TextFile:
    """A file to save: its name without an ending, and what is in it; `kind` is "csv" or "json"."""

    name: str
    kind: str
    text: str

    def payload(self, address: str = "") -> dict[str, Any]:
        """What the page's script turns into a file; the serial makes every click a new one.

        `address` is that of the page, as the browser says it. Secret names are left out.
        """
        name, text = f"{self.name}.{self.kind}", self.text
        if urlsplit(address).scheme in {"http", "https"} and len(address) <= _LONGEST_ADDRESS:
            text = add_csv_columns(text, {"address": address}) if self.kind == "csv" else _with_address(text, address)
        shown = {"name": shown_name(name).replace(" ", "-"), "text": shown_name(text)}
        return {**shown, "type": _TYPES[self.kind], "serial": time.time_ns()}


def nothing_to_save() -> dict[str, Any]:
    """What the page's script says if there is no file."""
    return {"problem": "Nothing is measured yet, so there is nothing to save.", "serial": time.time_ns()}


def sweep_text(figures: Figures, kind: str) -> str:
    """Everything the sweep measured, each line of the CSV with the collection, its size, the date and the machine."""
    sweep = figures.curves.sweep
    if kind != "csv":
        return sweep.to_json()
    queries = sweep.stand_ins or "judged"
    about = {"collection": sweep.corpus, "n_documents": sweep.n_documents, "queries": queries, "measured": sweep.date}
    return add_csv_columns(sweep.to_csv(), {**about, "source": f"Matryoshka lab {__version__}, {sweep.hardware}"})


def add_csv_columns(text: str, columns: Mapping[str, object]) -> str:
    """A CSV with more columns at its right, the same in every line."""
    head, *rows = csv.reader(io.StringIO(text))
    return _csv([*head, *columns], [[*row, *columns.values()] for row in rows])


def _with_address(text: str, address: str) -> str:
    raw = json.loads(text)
    return json.dumps({**raw, "address": address}, ensure_ascii=False) if isinstance(raw, dict) else text


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
