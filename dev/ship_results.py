"""Measure what ships in `assets/results/`: the sweep of the built-in test set, and search times on this machine.

Run it after the collection or an adapter changed: `.venv/bin/python dev/ship_results.py`, and with `--outside DIR ...`
for the sets that nothing is trained on. `--multilingual` measures the collection in five languages instead, with the
models of `requirements-models.txt`. `--keep-times` leaves the search times as they are, for a machine that is not
idle. Date and machine are written into the files and shown on the page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.arms.catalogue import ARMS
from mrl_demo.core.config import Settings, find_assets
from mrl_demo.corpora.shipped import multilingual
from mrl_demo.corpora.shipped.builtin import NAME
from mrl_demo.lab.curves import CurveSet, CurvesService, save_text, speed_to_json
from mrl_demo.lab.lab import Lab
from training.evaluation import evaluate_adapters
from training.report import Report

_PLACES = 6
_SPEED_SIZE = 100_000
#: Codes that few engines have are kept at these metrics only, or the file would be three times as large.
_USUAL_PRECISIONS = {"none", "float32", "float16", "int8", "binary", "binary+rescore"}
_BYTE_METRICS = {"ndcg@10", "mrr@10", "recall@10"}
_GROUP_METRICS = _BYTE_METRICS | {"overlap@10"}
_MULTILINGUAL_ARMS = (
    "base",
    "tuned",
    "corpus-pca",
    "adapted",
    "wordllama",
    "wordllama+adapted",
    "use-multilingual",
    "use-multilingual+pca",
    "use-multilingual+adapted",
    "bm25",
)
_FOLDER = find_assets() / "results"


def main() -> None:
    """Write the files that are asked for; arms whose model or rotation is not there are left out and named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outside", nargs="*", type=Path, default=[], help="BEIR folders never trained on, instead")
    parser.add_argument("--multilingual", action="store_true", help="the collection in five languages, instead")
    parser.add_argument("--keep-times", action="store_true", help="measure no search times")
    says = "measure these alone, and keep what is there of the others"
    parser.add_argument("--arms", default="", metavar="A,B", help=says)
    options = parser.parse_args()
    settings = Settings()
    if options.multilingual:
        ship_multilingual(Lab(settings))
    elif options.outside:
        ship_outside(Lab(settings), options.outside)
    else:
        arms = tuple(filter(None, options.arms.split(",")))
        ship_builtin(CurvesService(Lab(settings)), arms, with_times=not options.keep_times)


def ship_builtin(service: CurvesService, arms: Sequence[str] = (), *, with_times: bool) -> None:
    """The sweep of the built-in test set, and search times on this machine; with `arms`, of these (and base) alone."""
    wanted = tuple(dict.fromkeys((ARMS[0].name, *arms))) if arms else None
    curves = service.measure(NAME, _say, arms=wanted)
    raw = _shortened(json.loads(curves.to_json()))
    _save(_merged(raw, _FOLDER / f"{NAME}.json") if arms else raw, NAME)
    if with_times:
        save_text(_FOLDER / "speed.json", speed_to_json(service.speed(_SPEED_SIZE, _say)))
    print(f"{curves.sweep.seconds:.0f} s for {', '.join(arm.name for arm in curves.sweep.arms)}")
    print(*curves.sweep.notes, sep="\n")


def _merged(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """What was measured now, and what the file has of other arms; both are paired with base on the same questions."""
    before, now = json.loads(path.read_text(encoding="utf-8")), raw["sweep"]
    if before["fingerprint"] != raw["fingerprint"]:
        raise SystemExit("The collection has changed: measure all arms.")
    new, sweep = {arm["name"] for arm in now["arms"]}, before["sweep"]
    order = {arm.name: place for place, arm in enumerate(ARMS)}
    for name in ("rows", "full", "differences", "retentions"):
        rows = [row for row in sweep[name] if row["arm"] not in new] + now[name]
        sweep[name] = sorted(rows, key=lambda row: order.get(row["arm"], len(order)))
    arms = [arm for arm in sweep["arms"] if arm["name"] not in new] + now["arms"]
    sweep["arms"] = sorted(arms, key=lambda arm: order.get(arm["name"], len(order)))
    tasks = {task["metric"]: task for task in (*sweep["tasks"], *now["tasks"])}
    told = {
        "date": now["date"],
        "tasks": list(tasks.values()),
        "notes": list(dict.fromkeys(sweep["notes"] + now["notes"])),
    }
    return {**before, "sweep": {**sweep, **told}, "lost": {**before["lost"], **raw["lost"]}}


def _shortened(raw: dict[str, Any]) -> dict[str, Any]:
    """The same curves without what no view shows."""
    sweep = raw["sweep"]
    sweep["differences"] = [row for row in sweep["differences"] if row["precision"] == "float32"]
    sweep["retentions"] = [row for row in sweep["retentions"] if row["precision"] in _USUAL_PRECISIONS]
    sweep["rows"] = [
        row for row in sweep["rows"] if row["precision"] in _USUAL_PRECISIONS or row["metric"] in _BYTE_METRICS
    ]
    return raw


def ship_multilingual(lab: Lab) -> None:
    """The collection in five languages, by language too; models that are not installed are left out and named."""
    there = {arm.name for arm in lab.arms()} | {"bm25"}
    arms = lab.add_arms([name for name in _MULTILINGUAL_ARMS if name.split("+")[0] in there])
    print(f"left out: {', '.join(name for name in _MULTILINGUAL_ARMS if name not in arms) or 'nothing'}")
    curves = CurvesService(lab).measure(multilingual.NAME, _say, arms=arms)
    _save(_usual(_shortened(json.loads(curves.to_json()))), multilingual.NAME)
    print(f"{curves.sweep.seconds:.0f} s", *curves.sweep.notes, sep="\n")


def _usual(raw: dict[str, Any]) -> dict[str, Any]:
    """The same curves at the precisions that most engines have, groups in float32 alone: half as large."""
    sweep = raw["sweep"]
    for name in ("rows", "retentions"):
        sweep[name] = [row for row in sweep[name] if row["precision"] in _USUAL_PRECISIONS - {"float16"}]
    raw["groups"] = [
        row for row in raw["groups"] if row["precision"] in {"none", "float32"} and row["metric"] in _GROUP_METRICS
    ]
    return raw


def ship_outside(lab: Lab, folders: Sequence[Path]) -> None:
    """Every arm on text that nobody here wrote, kept with the adapters and in `results/outside` for the docs."""
    adapters = sorted(path.parent for path in (find_assets() / "adapters").glob("*/adapter.json"))
    for result in evaluate_adapters(lab, adapters, folders, Report(), with_adapted=True, write=True):
        if result.corpus != NAME:
            _save(json.loads(CurveSet(result).to_json()), f"outside/{result.corpus}")


def _save(raw: dict[str, Any], name: str) -> None:
    notes = raw["sweep"]["notes"]
    raw["sweep"]["notes"] = [note.replace(str(find_assets()), "assets") for note in notes]
    save_text(_FOLDER / f"{name}.json", json.dumps(_rounded(raw), ensure_ascii=False))


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, float):
        return round(value, _PLACES)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def _say(share: float, line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:>4.0%}  {line[:80]:<80}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
