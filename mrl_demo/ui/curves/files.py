"""The Curves tab's downloads: a section and a format in, a named text out."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from mrl_demo.evaluation.speed import SpeedResult, SpeedRow
from mrl_demo.evaluation.worst import BrokenQueries, BrokenQuery
from mrl_demo.lab.curves import speed_to_json
from mrl_demo.ui.components.text import escape
from mrl_demo.ui.curves.data import Figures

_TYPES = {"csv": "text/csv;charset=utf-8", "json": "application/json"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def bar_html(name: str, chart: str = "", tables: bool = True) -> str:
    """Buttons for CSV and JSON, and for PNG and SVG of the chart with that id."""
    buttons = [_button(kind, name) for kind in (("csv", "json") if tables else ())]
    buttons += [_button(kind, name, chart) for kind in ("png", "svg") if chart]
    return f'<p class="downloads" role="group" aria-label="Download"><span>Download</span>{"".join(buttons)}</p>'


def payload(name: str, kind: str, text: str) -> dict[str, Any]:
    """What the script turns into a file; the serial makes every click a new one."""
    kind = kind if kind in _TYPES else "json"
    return {"name": f"{name}.{kind}", "type": _TYPES[kind], "text": text, "serial": time.time_ns()}


def sweep_text(figures: Figures, kind: str) -> str:
    """Everything the sweep measured."""
    sweep = figures.curves.sweep
    return sweep.to_csv() if kind == "csv" else sweep.to_json()


def speed_text(speed: SpeedResult, kind: str) -> str:
    """Every timed row, with the size in each line of the CSV."""
    if kind != "csv":
        return speed_to_json(speed)
    names = [each.name for each in fields(SpeedRow)]
    rows = [[speed.n, speed.full_dim, *(getattr(row, name) for name in names)] for row in speed.rows]
    return _csv(["n", "full_dim", *names], rows)


def lost_text(lost: BrokenQueries, kind: str) -> str:
    """The worst-hit queries of one arm."""
    if kind != "csv":
        return json.dumps(asdict(lost), ensure_ascii=False)
    names = [each.name for each in fields(BrokenQuery)]
    rows = [[lost.arm, *(getattr(each, name) for name in names)] for each in lost.worst]
    return _csv(["arm", *names], rows)


def _button(kind: str, name: str, chart: str = "") -> str:
    where = f' data-chart="{escape(chart)}"' if chart else ""
    return f'<button type="button" data-kind="{kind}" data-name="{escape(name)}"{where}>{kind.upper()}</button>'


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets the quote that keeps it text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
