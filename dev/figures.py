"""Write every figure of the documentation from the result files: docs/figures.md, and the marked parts of other pages.

    .venv/bin/python dev/figures.py [--check]

`--check` writes nothing and fails if a file is out of date. The result files are made by `dev/ship_results.py` (quality
and search times) and `dev/ship_benchmarks.py` (speed against named peers); no figure is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dev.engine_figures import engines_page_figures, load_figures
from dev.scale_figures import scale_page_figures
from mrl_demo.evaluation.sweeps.controls import ControlGroup, read_controls

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "assets" / "results"
BENCHMARKS = ROOT / "benchmarks" / "results"
METRIC = "ndcg@10"
_START, _END = "<!-- figures of dev/figures.py -->", "<!-- end of figures -->"
_DIMS = (8, 16, 32, 64, 128, 256, 384)
_SHARE_DIMS = (16, 32, 64, 128, 384)
_BOTH = ("tuned", "base")


@dataclass(frozen=True)
class Sweep:
    """A stored evaluation; rows are found by arm and dimension, float32 and nDCG@10 unless said."""

    raw: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Sweep:
        """Read `assets/results/NAME.json`."""
        return cls(json.loads(path.read_text(encoding="utf-8"))["sweep"])

    def arms(self) -> list[str]:
        """Names in the order in which they were measured."""
        return [arm["name"] for arm in self.raw["arms"]]

    def row(self, arm: str, dim: int | None) -> Mapping[str, Any] | None:
        """The arm's value with its interval, None if it was not measured."""
        return self._first("rows", arm, dim) or self._first("full", arm, dim)

    def retention(self, arm: str, dim: int) -> Mapping[str, Any]:
        """The share of its own full-length value that an arm keeps."""
        return self._needed("retentions", arm, dim)

    def difference(self, arm: str, dim: int) -> Mapping[str, Any]:
        """The paired difference against base at the same dimension."""
        return self._needed("differences", arm, dim, against="base")

    def _needed(self, kind: str, arm: str, dim: int, **more: str) -> Mapping[str, Any]:
        row = self._first(kind, arm, dim, **more)
        if row is None:
            raise SystemExit(f"{self.raw['corpus']}: no {kind} of {arm} at {dim}. Run dev/ship_results.py.")
        return row

    def _first(self, kind: str, arm: str, dim: int | None, **more: str) -> Mapping[str, Any] | None:
        wanted = {"arm": arm, "dim": dim, "metric": METRIC} | more
        precisions = {"float32"} if dim is not None else {"none"}
        rows = (row for row in self.raw[kind] if row["precision"] in precisions)
        return next((row for row in rows if wanted.items() <= row.items()), None)


def main() -> int:
    """Write or check the pages; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say what is out of date")
    options = parser.parse_args()
    parts = {
        ROOT / "README.md": [answers()],
        ROOT / "docs" / "scale.md": [f"\n{scale_page_figures(ROOT)}\n"],
        ROOT / "docs" / "engines.md": [f"\n{engines_page_figures(ROOT)}\n"],
        ROOT / "docs" / "deploy.md": [f"\n{load_figures(ROOT)}\n"],
        ROOT / "docs" / "training.md": [f"\n{tuned_figures()}\n", f"\n{layer_figures()}\n"],
    }
    pages = {path: between_marks(path.read_text(encoding="utf-8"), *figures) for path, figures in parts.items()}
    pages[ROOT / "docs" / "figures.md"] = figures_page()
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is out of date' if options.check else 'written'}")
        if not options.check:
            path.write_text(pages[path], encoding="utf-8")
    return int(bool(stale) and options.check)


def between_marks(page: str, *figures: str) -> str:
    """A page with what stands between its marks written anew, place after place."""
    written = ""
    for part in figures:
        before, _, rest = page.partition(_START)
        _, _, page = rest.partition(_END)
        written += f"{before}{_START}\n{part}\n{_END}"
    return written + page


def answers() -> str:
    """The three questions of the project, each answered in one line with one figure."""
    sweep = Sweep.read(RESULTS / "builtin.json")
    base, tuned = sweep.retention("base", 64), sweep.retention("tuned", 64)
    gain, control = sweep.difference("tuned", 64), sweep.difference("tuned-plain", 64)
    pca, best, full = (_value(sweep, *place) for place in (("corpus-pca", 64), ("tuned", 64), ("base", 384)))
    lines = [
        f"- **How short?** 64 of 384 dimensions keep {_share(tuned)} of full search quality with `tuned`, and "
        f"{_share(base)} with the untrained model ({sweep.raw['n_queries']} test questions, nDCG@10, 95% intervals).",
        f"- **What does training buy?** At 64, `tuned` is {_point(gain['difference'])} ({_span(gain)}) above `base`; "
        f"the same training without MatryoshkaLoss {_point(control['difference'])} ({_span(control)}). But a PCA of "
        f"your own documents, which trains nothing, reaches {_plain(pca)}; `tuned` {_plain(best)}; all 384 dimensions "
        f"{_plain(full)}.",
        "- **What do I win?** 256 bytes a vector instead of 1,536: 25.6 GB instead of 154 GB for 100 million."
        + _search_gain(),
        *_own_pairs_answer(),
    ]
    return "\n".join(lines)


def _own_pairs_answer() -> list[str]:
    """What own pairs bring, if `dev/ship_own_pairs.py` has measured it."""
    path = RESULTS / "own-pairs.json"
    if not path.is_file():
        return []
    raw = json.loads(path.read_text(encoding="utf-8"))
    diseases, others = raw["corpora"]["other diseases"], {**raw["corpora"]}
    del others["other diseases"]
    full = diseases["base"]["384"]
    gain = next(row for row in diseases["differences"] if row["dim"] == 64 and row["against"] == "uncut base")
    costs = [
        f"{1 - figures['own']['384'] / figures['base']['384']:+.1%}".replace("-", "−") + f" ({name})"
        for name, figures in others.items()
    ]
    tax = f" What text of others loses at full length: {', '.join(costs)}." if costs else ""
    return [
        f"- **And with pairs of my own?** {raw['pairs']:,} real questions and answers, no option but the file, "
        f"{raw['minutes']:.0f} minutes on {raw['hardware']} with other work beside it "
        f"({raw['processor_minutes']:.0f} of processor): on diseases never seen, 64 numbers reach "
        f"{_plain(diseases['own']['64'])} where all 384 of the base reach {_plain(full)} "
        f"({_point(gain['difference'])}, {_span(gain)}); all 384 reach {_plain(diseases['own']['384'])}.{tax}"
    ]


def _search_gain() -> str:
    path = BENCHMARKS / "bench_index.json"
    if not path.is_file():
        return ""
    stored = json.loads(path.read_text(encoding="utf-8"))
    times = {row["dim"]: row["ours_ms"] for row in stored["result"]["rows"] if row["n"] == 1_000_000}
    if not {64, 384} <= set(times):
        return ""
    return (
        f" One exact search over a million vectors takes {times[64]:.1f} ms instead of {times[384]:.1f} "
        f"({stored['hardware']}, one query, median)."
    )


def figures_page() -> str:
    """The whole of docs/figures.md."""
    builtin = Sweep.read(RESULTS / "builtin.json")
    parts = [
        "# Figures",
        "Written by `dev/figures.py` from the result files; do not edit. Intervals are 95%, paired bootstrap over "
        "queries. What was tried to get here is in [dev/LOG.md](../dev/LOG.md).",
        "## Built-in collection",
        _setting(builtin) + " The 20 test topics; no shipped model was trained on a query of theirs. Queries were "
        "reworded with base's and tuned's ranks in view, so absolute scores are flattered.",
        _quality_table(builtin),
        *_outside_parts(),
        *_control_parts(),
        "## Search times on this machine",
        _speed_table(),
        "## Speed against named peers",
        *_benchmark_parts(),
    ]
    return "\n\n".join(parts) + "\n"


def _setting(sweep: Sweep) -> str:
    raw = sweep.raw
    return (
        f"nDCG@10 of {raw['n_queries']:,} queries over all {raw['n_documents']:,} documents, exact search; "
        f"{raw['hardware']}, {raw['date'][:10]}."
    )


def _quality_table(sweep: Sweep) -> str:
    rows = []
    for arm in sweep.arms():
        whole = sweep.row(arm, None)
        if whole:
            rows.append([f"`{arm}`", _with_span(whole), *[""] * (len(_DIMS) - 1)])
            continue
        rows.append([f"`{arm}`", *(_with_span(sweep.row(arm, dim)) for dim in _DIMS)])
    return _table(["arm", *map(str, _DIMS)], rows)


def _outside_parts() -> list[str]:
    """A section for every outside set there are results of: text that nobody here wrote."""
    parts = []
    for path in sorted((RESULTS / "outside").glob("*.json")):
        sweep = Sweep.read(path)
        full = sweep.row("base", 384)
        if full is None:
            raise SystemExit(f"{path.name} has no base at 384: run dev/ship_results.py --outside again.")
        rows = [
            [f"`{arm}`", *(_of_base(sweep.row(arm, dim), full["value"]) for dim in _SHARE_DIMS)]
            for arm in sweep.arms()
            if sweep.row(arm, _SHARE_DIMS[-1])
        ]
        parts += [
            f"## Text nobody here wrote: {sweep.raw['corpus']}",
            f"Share of base's nDCG@10 at full length ({full['value']:.3f}), in per cent. {_setting(sweep)} "
            "Nothing was trained on it, but recipes were chosen with its scores in view.",
            _table(["arm", *map(str, _SHARE_DIMS)], rows),
        ]
    return parts


def _control_parts() -> list[str]:
    """Shipped recipes beside their controls, as far as `dev/ship_controls.py` has measured them."""
    parts = []
    for group in read_controls(ROOT / "assets"):
        full = group.value("base", 384)
        if full is None:
            raise SystemExit(f"{group.collection} has no base at 384: run dev/ship_controls.py again.")
        rows = [
            [label, *(_share_of(group.value(arm, dim), full) for dim in _SHARE_DIMS), _over_base(group, arm)]
            for arm, label in group.labels.items()
        ]
        head = f"**{group.collection}.** {group.about} Base at full length: {full:.3f}. "
        head += f"{group.sweep.hardware}, {group.sweep.date[:10]}."
        columns = ["per cent of it", *map(str, _SHARE_DIMS), "at 64 over base, nDCG@10"]
        parts += [head, _table(columns, rows), group.sentence()]
    words = (
        "The recipes that ship and what each lacks, on the built-in test topics and on a part of each outside set (the "
        "answers to some questions and other documents drawn beside them, so that it is encoded in minutes). "
        "Intervals are paired over the same queries."
    )
    return ["## What each part of the training buys: the recipes and their controls", words, *parts] if parts else []


def tuned_figures() -> str:
    """What the shipped `tuned` keeps on text it never saw, and what each part of its training buys, for a page."""
    metrics = json.loads((ROOT / "assets" / "adapters" / "tuned" / "metrics.json").read_text(encoding="utf-8"))
    made = (
        f"It was made in {metrics['seconds'] / 60:.0f} minutes on {metrics['hardware']}: {metrics['pairs']:,} of "
        f"{metrics['pairs_read']:,} pairs, {metrics['steps']} steps."
    )
    builtin = Sweep.read(RESULTS / "builtin.json")
    test = (
        f"On the built-in test topics `tuned` reaches nDCG@10 {_plain(_value(builtin, 'tuned', 64))} at 64 numbers "
        f"(`rotation-only` {_plain(_value(builtin, 'rotation-only', 64))}, `base` "
        f"{_plain(_value(builtin, 'base', 64))}) and {_plain(_value(builtin, 'tuned', 384))} in full (`base` "
        f"{_plain(_value(builtin, 'base', 384))})."
    )
    groups = read_controls(ROOT / "assets")
    controls = [f"- {group.collection}. {group.sentence()}" for group in groups if _ships(group)]
    return "\n\n".join([f"{made} {test} {_kept_outside()}", "\n".join(controls)])


def layer_figures() -> str:
    """What the layers of the shipped `tuned-2d` reach, on the built-in questions and on the outside sets."""
    metrics = json.loads((ROOT / "assets" / "adapters" / "tuned-2d" / "metrics.json").read_text(encoding="utf-8"))
    sets = json.loads((RESULTS / "family.json").read_text(encoding="utf-8"))["sets"]
    builtin = {arm: {dim: row[dim][0] for dim in ("64", "384")} for arm, row in sets[0]["rows"].items()}
    depth = len(metrics["layers"])
    by_layer = [_plain(builtin[f"tuned-2d@{layer}"]["64"]) for layer in range(1, depth + 1)]
    half, whole = f"tuned-2d@{depth // 2}", f"tuned-2d@{depth}"
    kept = [f"{one['name']} {one['rows'][half]['64'][0] / one['rows'][whole]['64'][0]:.0%}" for one in sets]
    return (
        f"It was made in {metrics['seconds'] / 60:.0f} minutes on {metrics['hardware']}: {metrics['steps']:,} steps "
        f"over {metrics['pairs']:,} pairs. At 64 numbers {depth // 2} of {depth} layers keep of all {depth}: "
        f"{', '.join(kept)}. Layers 1 to {depth} reach {', '.join(by_layer)} there on the built-in test questions. All "
        f"layers pay for it: {_plain(builtin[whole]['64'])} at 64 numbers and {_plain(builtin[whole]['384'])} in full, "
        f"where `tuned` has {_plain(builtin['tuned']['64'])} and {_plain(builtin['tuned']['384'])}; who reads all "
        f"layers does better with `tuned` or `rotation-only`."
    )


def _ships(group: ControlGroup) -> bool:
    """Whether it is about the edition that ships."""
    return group.about.startswith("The shipped")


def _kept_outside() -> str:
    """Shares of base in full at 32, 64 and all numbers, `tuned` and base beside it, on the sets nobody trained on."""
    said = []
    for path in sorted((RESULTS / "outside").glob("*.json")):
        sweep = Sweep.read(path)
        full = _value(sweep, "base", 384)
        tuned, base = (" / ".join(_of_base(sweep.row(arm, dim), full) for dim in (32, 64, 384)) for arm in _BOTH)
        said.append(f"{sweep.raw['corpus']} {tuned}% (`base` {base})")
    return f"Share of `base` in full at 32 / 64 / 384 numbers on text never seen: {', '.join(said)}." if said else ""


def _over_base(group: ControlGroup, arm: str) -> str:
    row = group.difference(arm, "base", 64)
    return f"{_point(row.difference)} ({_point(row.low)} to {_point(row.high)})" if row else ""


def _share_of(value: float | None, full: float) -> str:
    return "" if value is None else f"{100 * value / full:.1f}"


def _speed_table() -> str:
    raw = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    precisions = list(dict.fromkeys(row["precision"] for row in raw["rows"]))
    dims = sorted({row["dim"] for row in raw["rows"]})
    times = {(row["dim"], row["precision"]): row for row in raw["rows"]}
    rows = [[str(dim), *(_times(times.get((dim, precision))) for precision in precisions)] for dim in dims]
    head = (
        f"One query, ten best of {raw['n']:,} vectors, warm; median (p95) in ms; {raw['hardware']}, "
        f"{raw['date'][:10]}; memory read at {raw['bandwidth_gb_s']:.1f} GB/s.\n\n"
    )
    return head + _table(["dimensions", *precisions], rows)


def _benchmark_parts() -> list[str]:
    """One paragraph of stored output for every benchmark that was run."""
    parts = []
    for path in sorted(BENCHMARKS.glob("bench_*.json")):
        if path.stem == "bench_scale":  # docs/scale.md has it.
            continue
        stored = json.loads(path.read_text(encoding="utf-8"))
        parts += [f"### {path.stem}", f"{stored['what']} ({stored['hardware']}, {stored['date'][:10]})."]
        if said := stored["result"].get("what"):
            parts.append(str(said))
        parts.append(_benchmark_table(stored["result"]))
    return parts


def _benchmark_table(result: Mapping[str, Any]) -> str:
    tables = [rows for name in ("rows", "loads") if isinstance(rows := result.get(name), list) and rows]
    if tables:
        return "\n\n".join(
            _table(list(rows[0]), [[_cell(row.get(name)) for name in rows[0]] for row in rows]) for rows in tables
        )
    plain = {name: value for name, value in result.items() if not isinstance(value, dict | list)}
    return _table(["what", "figure"], [[name, _cell(value)] for name, value in plain.items()])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def _value(sweep: Sweep, arm: str, dim: int) -> float:
    row = sweep.row(arm, dim)
    if row is None:
        raise SystemExit(f"{sweep.raw['corpus']}: {arm} was not measured at {dim}. Run dev/ship_results.py.")
    return float(row["value"])


def _plain(value: float) -> str:
    return f"{value:.3f}".lstrip("0")


def _point(value: float) -> str:
    return f"{value:+.3f}".replace("0.", ".", 1).replace("-", "−")


def _span(row: Mapping[str, Any]) -> str:
    return f"{_point(row['low'])} to {_point(row['high'])}"


def _with_span(row: Mapping[str, Any] | None) -> str:
    return f"{_plain(row['value'])} ({_plain(row['low'])}–{_plain(row['high'])})" if row else ""


def _share(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.0%} ({row['low']:.0%} to {row['high']:.0%})"


def _of_base(row: Mapping[str, Any] | None, full: float) -> str:
    return f"{100 * row['value'] / full:.1f}" if row else ""


def _times(row: Mapping[str, Any] | None) -> str:
    return f"{row['median_ms']:.2f} ({row['p95_ms']:.2f})" if row else ""


if __name__ == "__main__":
    sys.exit(main())
