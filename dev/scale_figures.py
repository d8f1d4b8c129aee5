"""The tables of docs/scale.md: how lines through parts did, what a pass took, and arithmetic for 10M to 1B vectors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrl_demo.core.wording import human_bytes
from mrl_demo.costs.model import HNSW_BYTES, Deployment, UnitPrices, compare_costs
from mrl_demo.search.quantised import bytes_per_vector

_GIB = 2**30
#: Memory of one machine, and the part of it that vectors and index may fill.
_MACHINE_GIB, _FILLED = 64, 0.8
_FULL_DIM = 384
_COUNTS = (10**7, 10**8, 10**9)
#: Length and precision; a precision that rescores keeps full vectors on disk.
_SETTINGS = ((384, "float32"), (384, "int8"), (128, "int8"), (64, "float32"), (64, "int8"), (384, "binary+rescore"))
_TREND_DIMS = (16, 32, 64, 128, 256)
_GROWTH_DIMS = (16, 32, 64, 96, 128, 192, 256, 384)


@dataclass(frozen=True)
class ScaleResults:
    """The result files that docs/scale.md is made of; `scale` may be missing."""

    trend: Mapping[str, Any]
    scale: Mapping[str, Any] | None
    speed: Mapping[str, Any]
    engines: Mapping[str, Any]

    @classmethod
    def read(cls, root: Path) -> ScaleResults:
        """Read them under a checkout."""
        benchmarks = root / "benchmarks" / "results"
        scale = benchmarks / "bench_scale.json"
        return cls(
            json.loads((benchmarks / "growth_trend.json").read_text(encoding="utf-8")),
            json.loads(scale.read_text(encoding="utf-8")) if scale.is_file() else None,
            json.loads((root / "assets" / "results" / "speed.json").read_text(encoding="utf-8")),
            json.loads((benchmarks / "bench_engines.json").read_text(encoding="utf-8")),
        )


def scale_page_figures(root: Path) -> str:
    """Everything between the marks of docs/scale.md."""
    results = ScaleResults.read(root)
    parts = ["## Lines through parts of a collection", _trend_text(results.trend), _trend_table(results.trend)]
    if results.scale:
        growth = results.scale["result"]
        parts += ["## What one pass takes", _pass_text(results.scale), _pass_table(growth)]
        parts += ["## What lengths keep of growing collections", _growth_text(growth), _growth_table(growth)]
    parts += ["## Ten million, a hundred million, a thousand million", _plan_text(results), _plan_table(results)]
    return "\n\n".join(parts)


def _trend_text(trend: Mapping[str, Any]) -> str:
    rows = trend["result"]["rows"]
    errors = np.array([row["line"] - row["kept"][-1] for row in rows])
    within = sum(row["low"] <= row["line"] <= row["high"] for row in rows)
    return (
        "Shares of full length's nDCG@10 in a sixty-fourth, a sixteenth and a quarter of real collections, the "
        f"straight line through them, and what was then measured in all documents. Of {len(rows)} lengths and "
        f"methods the line was {_points(float(np.median(errors)))} points off in the middle, nine in ten within "
        f"{100 * float(np.quantile(np.abs(errors), 0.9)):.1f} points, the worst "
        f"{_points(float(errors[np.abs(errors).argmax()]))}; {within} lines ended within the 95% interval of the "
        f"measurement. That is one step of four times as many documents. {trend['hardware']}, "
        f"{trend['date'][:10]}."
    )


def _trend_table(trend: Mapping[str, Any]) -> str:
    rows = []
    for row in trend["result"]["rows"]:
        if row["dim"] in _TREND_DIMS:
            parts = ", ".join(f"{share:.1%}" for share in row["kept"][:-1])
            measured = f"{row['kept'][-1]:.1%} ({row['low']:.1%} to {row['high']:.1%})"
            name = f"{row['corpus']}, {row['sizes'][-1]:,}"
            rows.append([name, f"`{row['arm']}`", str(row["dim"]), parts, f"{row['line']:.1%}", measured])
    return markdown_table(["collection", "arm", "numbers", "kept in its parts", "the line says", "measured"], rows)


def _pass_text(stored: Mapping[str, Any]) -> str:
    rows = stored["result"]["rows"]
    step = rows[-1]["cpu_s"] - rows[0]["cpu_s"], rows[-1]["n"] - rows[0]["n"]
    each = 1e6 * step[0] / step[1] if len(rows) > 1 else rows[0]["cpu_us_a_vector"]
    return (
        f"{stored['result']['what']} `mrl evaluate --shards` in a process of its own on one thread, float16 "
        f"shards. Each further vector costs {each:.0f} \u00b5s of one core; sizes measured on the way are in it. "
        f"{stored['hardware']}, {stored['date'][:10]}, other work beside it: processor seconds count, not the "
        "clock's."
    )


def _pass_table(result: Mapping[str, Any]) -> str:
    heads = ["vectors", "on disk, GB", "written, s", "measured, s", "of a core, s", "largest memory, MB"]
    names = ("n", "gb_on_disk", "write_s", "evaluate_s", "cpu_s", "peak_rss_mb")
    return markdown_table(heads, [[f"{row[name]:,}" for name in names] for row in result["rows"]])


def _growth_text(result: Mapping[str, Any]) -> str:
    return (
        f"Share of full length's nDCG@10 (float32; {result['queries']} questions, `{result['arm']}`). Up to "
        f"{result['real']:,} all documents are real. Beyond, the rest are copies of real ones with noise, which are "
        "easier to tell from an answer than more real text would be: full length loses little there, and what lengths "
        "keep of it is the mildest that can be expected. A shortlist of 40 is rescored at every size; a larger "
        "collection asks for a longer one."
    )


def _growth_table(result: Mapping[str, Any]) -> str:
    shares = {(row["n"], row["dim"], row["precision"]): row for row in result["growth"]}
    rows = []
    for n in sorted({key[0] for key in shares}):
        kind = "" if n <= result["real"] else " (copies)"
        kept = [f"{shares[n, dim, 'float32']['share']:.1%}" for dim in _GROWTH_DIMS]
        extra = [_share_cell(shares.get((n, 384, name))) for name in ("int8", "binary", "binary+rescore")]
        full = f"{shares[n, _FULL_DIM, 'float32']['ndcg@10']:.3f}".lstrip("0")
        rows.append([f"{n:,}{kind}", full, *kept[:-1], *extra])
    heads = [
        "documents",
        "nDCG@10 at 384",
        *map(str, _GROWTH_DIMS[:-1]),
        "384 int8",
        "384 binary",
        "384 binary, rescored",
    ]
    return markdown_table(heads, rows)


def _plan_text(results: ScaleResults) -> str:
    prices = UnitPrices()
    return (
        "Arithmetic from the lab's own measurements, not a measurement. Memory is vectors and a graph of "
        f"{HNSW_BYTES} bytes each (HNSW with 16 links); a machine is {_MACHINE_GIB} GiB filled to {_FILLED:.0%}; "
        f"money is memory and disk a month at {prices.memory_gib_month:g} {prices.currency} a GiB and "
        f"{prices.disk_gb_month:g} a GB ({prices.date}; `mrl cost` takes yours), one copy. A rescored setting "
        f"keeps all {_FULL_DIM} float32 numbers on disk. \u201cScan\u201d is one query through all vectors "
        f"without a graph on two cores, 100,000 vectors measured ({results.speed['date'][:10]}) and multiplied: "
        "what an exact search of one machine would take, to be divided by machines, and not what a graph takes. "
        + _engine_words(results.engines["result"])
    )


def _engine_words(result: Mapping[str, Any]) -> str:
    """What an engine really took of its disk for a graph on 64 numbers, beside what the arithmetic says."""
    plain, graph = (
        next(load for load in result["loads"] if load["name"].startswith(f"PostgreSQL, {kind}"))
        for kind in ("no index", "HNSW")
    )
    n, dim = result["n"], result["dim"]
    index, row = (graph["index_bytes"] - plain["index_bytes"]) / n, graph["vector_bytes"] / n
    return (
        f"An engine adds to it: PostgreSQL took {index:.0f} bytes a vector for HNSW on 64 float32 numbers "
        f"({bytes_per_vector('float32', 64) + HNSW_BYTES} here), and {row:,.0f} for its row of {dim} ({4 * dim:,}), "
        f"measured at {n:,} ([engines.md](engines.md#what-it-finds-takes-and-holds))."
    )


def _plan_table(results: ScaleResults) -> str:
    kept = _kept_of_real(results)
    rows = []
    for dim, precision in _SETTINGS:
        name = f"{dim} {precision.replace('+rescore', ', rescored')}"
        quality = kept.get((dim, precision), "")
        rows.append(
            [
                name,
                str(bytes_per_vector(precision, dim)),
                quality,
                *(_plan_cell(results, n, dim, precision) for n in _COUNTS),
            ]
        )
    real = f"kept at {results.scale['result']['real']:,} real documents" if results.scale else "kept"
    heads = ["setting", "bytes in memory", real, *(f"{n:,} vectors" for n in _COUNTS)]
    return markdown_table(heads, rows)


def _kept_of_real(results: ScaleResults) -> dict[tuple[int, str], str]:
    if not results.scale:
        return {}
    result = results.scale["result"]
    rows = [row for row in result["growth"] if row["n"] == result["real"]]
    return {(row["dim"], row["precision"]): f"{row['share']:.1%}" for row in rows}


def _plan_cell(results: ScaleResults, n: int, dim: int, precision: str) -> str:
    """Memory, machines, money, and a scan."""
    stored = precision.partition("+")[0]
    deployment = Deployment(vectors=n, full_dim=_FULL_DIM, dim=dim, precision=stored)
    ways = {way.way: way for way in compare_costs(deployment).ways}
    way = ways["funnel" if "+" in precision else "cut"]
    machines = max(1, math.ceil(way.memory_bytes / _GIB / _MACHINE_GIB / _FILLED))
    cell = f"{human_bytes(int(way.memory_bytes))}, {machines:,} machine{'s' * (machines != 1)}, {way.money:,.0f} USD"
    times = {(row["dim"], row["precision"]): row["median_ms"] for row in results.speed["rows"]}
    scan = times.get((dim, stored))
    return f"{cell}; scan {_seconds(scan * n / results.speed['n'])}" if scan else cell


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:,.1f} s"


def _share_cell(row: Mapping[str, Any] | None) -> str:
    return f"{row['share']:.1%}" if row else ""


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\u2212")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)
