"""The measured parts of docs/engines.md and docs/deploy.md: engines beside our own index, memory, visitors at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.scale_figures import markdown_table

_SHORTLISTS = (40, 100, 200, 500)
_GRAPH, _SCAN, _FILE = "PostgreSQL, HNSW", "PostgreSQL, no index", "file"


def engines_page_figures(root: Path) -> str:
    """Everything between the marks of docs/engines.md."""
    results = root / "benchmarks" / "results"
    parts = ["## What it finds, takes and holds", _speed_text(_read(results / "bench_engines.json"))]
    memory = results / "engine_memory.json"
    if memory.is_file():
        stored = _read(memory)
        parts += [_memory_text(stored), _memory_table(stored["result"]["rows"])]
        parts += [_task_text(stored["result"]), _task_table(stored["result"]["tasks"])]
    return "\n\n".join(parts)


def load_figures(root: Path) -> str:
    """Everything between the marks of docs/deploy.md."""
    stored = _read(root / "benchmarks" / "results" / "load.json")
    result, memory = stored["result"], stored["result"]["rss_mb"]
    errors = sum(result["errors"].values())
    words = (
        f"{result['visitors']} simulated visitors for {result['seconds']:.0f} s ({stored['hardware']}, "
        f"{stored['date'][:10]}): {result['answered']:,} answers, {errors:,} errors, {result['left_midway']:,} left "
        f"midway. Memory: {memory['after_warm_up']:,.0f} MB after warming up, {memory['most']:,.0f} at most, "
        f"{memory['end']:,.0f} at the end."
    )
    rows = [
        [name, f"{row['n']:,}", f"{row['p50_ms']:,.0f}", f"{row['p95_ms']:,.0f}"]
        for name, row in result["actions"].items()
    ]
    return f"{words}\n\n{markdown_table(['what', 'times', 'p50, ms', 'p95, ms'], rows)}"


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def _speed_text(stored: Mapping[str, Any]) -> str:
    result = stored["result"]
    loads = {load["name"]: load for load in result["loads"]}
    graph = next(load for name, load in loads.items() if name.startswith(_GRAPH))
    full = {row["name"]: row for row in result["rows"]}
    lists = [_row(result["rows"], _GRAPH, keep) for keep in _SHORTLISTS]
    scans = [row for row in result["rows"] if row["name"].startswith(_SCAN)]
    own, folder, short = full["embedded, exact"], full["file, full length"], _row(result["rows"], _FILE, 40)
    return (
        f"{result['n']:,} vectors of {result['dim']} numbers, tiled with noise from {result['real']:,} real ones "
        f"(medquad and tldr; [all rows](figures.md#bench_engines); {stored['hardware']}, {stored['date'][:10]}, "
        f"PostgreSQL's own defaults). PostgreSQL loads {graph['rows_per_s']:,} vectors a second and builds HNSW on the "
        f"first 64 numbers in {graph['build_s']:.0f} s: {_mb(graph['vector_bytes'])} of table, "
        f"{_mb(graph['index_bytes'])} of indexes with that of the keys. A shortlist of {_listed(_SHORTLISTS)} by those "
        f"64 and all numbers after it find {_listed([_share(row) for row in lists])} of the exact first ten in "
        f"{_listed([_ms(row['p50_ms']) for row in lists])} ms (p50; p95 "
        f"{_listed([_ms(row['p95_ms']) for row in lists])}). Without an index a search takes "
        f"{min(row['p50_ms'] for row in scans):.0f} to {max(row['p50_ms'] for row in scans):.0f} ms. Our own index, "
        f"{_mb(loads['embedded']['vector_bytes'])} in memory, searches exactly in {_ms(own['p50_ms'])} / "
        f"{_ms(own['p95_ms'])} ms (p50 / p95); a folder of vectors in {_ms(folder['p50_ms'])} / "
        f"{_ms(folder['p95_ms'])} ms, or in {_ms(short['p50_ms'])} / {_ms(short['p95_ms'])} ms by a shortlist of 40, "
        f"which found {_share(short)}: copies with noise are easier to find than as many real documents would be."
    )


def _row(rows: Sequence[Mapping[str, Any]], name: str, keep: int) -> Mapping[str, Any]:
    """The row of an engine's funnel from 64 numbers and `keep` documents."""
    return next(row for row in rows if row["name"].startswith(name) and row["name"].endswith(f", 64:{keep},full"))


def _memory_text(stored: Mapping[str, Any]) -> str:
    return (
        f"Memory of a process that searches {stored['result']['n']:,} documents with one method, in MB, after 25 "
        "searches. Anonymous memory is what the system cannot take back; what is of files lies in them too, and the "
        "system keeps of it what it has room for. “Before” are the documents and the lab without a vector, all of it; "
        "the server's own is that of its processes and what they share, not what the system keeps of its files. "
        f"(`benchmarks/engine_memory.py`: medquad and tldr, repeated, vectors copies with noise; "
        f"{stored['hardware']}, {stored['date'][:10]}.)"
    )


def _memory_table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ["engine", "before", "anonymous", "of files", "the server's own"]
    cells = [
        [_engine(row), *(f"{row[name]:,.0f}" for name in ("documents_mb", "anonymous_mb", "files_mb")), _server(row)]
        for row in rows
    ]
    return markdown_table(heads, cells)


def _task_text(result: Mapping[str, Any]) -> str:
    return (
        "What Curves and Decide do beside that with the same documents, each twice: seconds, and the anonymous MB that "
        "it added on the way and left behind. A measurement reads the vectors whether an engine serves the collection "
        f"or not, and holds one copy of them, in an order of its own, until it ends. {result['hardware']}, with other "
        "work on it, which is what the times differ by."
    )


def _task_table(tasks: Sequence[Mapping[str, Any]]) -> str:
    heads = ["engine", "task", "s", "added, MB", "left, MB"]
    cells = [
        [
            _engine(cost),
            cost["task"],
            f"{cost['seconds']:.2f}",
            f"{cost['most_mb'] - cost['before_mb']:,.0f}",
            f"{max(0.0, cost['after_mb'] - cost['before_mb']):,.0f}",
        ]
        for cost in tasks
    ]
    return markdown_table(heads, cells)


def _engine(row: Mapping[str, Any]) -> str:
    return "none (our own index)" if row["engine"] == "none" else str(row["engine"])


def _server(row: Mapping[str, Any]) -> str:
    return f"{row['server_mb']:,.0f}" if "server_mb" in row else ""


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _ms(value: float) -> str:
    return f"{value:.1f}"


def _share(row: Mapping[str, Any]) -> str:
    return f"{row['recall_at_10']:.1%}"


def _listed(values: Sequence[object]) -> str:
    return " / ".join(map(str, values))
