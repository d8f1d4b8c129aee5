"""What own pairs bring: train on medquad split by disease with no option but --data, and measure it.

    .venv/bin/python dev/ship_own_pairs.py MEDQUAD TLDR --work runs/medquad

Splits MEDQUAD (BEIR layout) by disease, runs `training train --data pairs.jsonl` as anybody would, and compares the
model with its base on questions about other diseases (all answers searched), on TLDR and on the built-in test topics:
what is gained, and what text of others pays. Writes `assets/results/own-pairs.json`, which `dev/figures.py` and the
Train tab read. About half an hour on two idle cores; a finished training run in --work is taken up.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import CODE_ROOT, Settings, find_assets
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.evaluation.sweeps.plan import UNCUT_BASE, SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.lab.curves import save_text
from mrl_demo.lab.lab import Lab
from mrl_demo.models.run_folder import METRICS_FILE
from training.report import Report

_METRIC, _PLACES = "ndcg@10", 4


def main() -> None:
    """Split, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("medquad", type=Path, help="medquad in the BEIR layout")
    parser.add_argument("tldr", type=Path, help="tldr in the BEIR layout")
    parser.add_argument("--work", type=Path, default=Path("runs/medquad"), help="folder for split and run")
    options = parser.parse_args()
    settings = Settings.from_environment()
    split = [sys.executable, "dev/split_medquad.py", str(options.medquad.absolute()), str(options.work.absolute())]
    subprocess.run(split, cwd=CODE_ROOT, check=True)
    wait = train_on_split(options.work, settings)
    metrics = json.loads((options.work / "run" / METRICS_FILE).read_text(encoding="utf-8"))
    raw = {"hardware": describe_hardware(), "pairs": metrics["pairs_read"], "steps": metrics["steps"]} | wait
    raw |= {"share": metrics["share"], "corpora": {}}
    for label, figures in measure_own_pairs(Lab(settings), options.work, options.tldr):
        raw["corpora"][label] = figures
        save_text(find_assets() / "results" / "own-pairs.json", json.dumps(raw, ensure_ascii=False) + "\n")


def train_on_split(work: Path, settings: Settings) -> dict[str, float]:
    """`training train` with no option but the data; minutes of the clock and of the processors, kept for a rerun."""
    times = work / "times.json"
    if times.is_file():
        kept: dict[str, float] = json.loads(times.read_text(encoding="utf-8"))
        return kept
    started = time.perf_counter()
    command = [sys.executable, "-m", "training", f"--cache-dir={settings.cache_dir}", "train"]
    command += [f"--data={(work / 'pairs.jsonl').absolute()}", f"--out={(work / 'run').absolute()}"]
    subprocess.run(command, cwd=CODE_ROOT, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    minutes = {
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "processor_minutes": round((used.ru_utime + used.ru_stime) / 60, 1),
    }
    times.write_text(json.dumps(minutes), encoding="utf-8")
    return minutes


def measure_own_pairs(lab: Lab, work: Path, tldr: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each collection with nDCG@10 of base and the run at every length, and paired intervals."""
    name, report = lab.add_arm(str(work / "run")), Report()
    plan = SweepPlan(
        ("base", name),
        TRAINED_DIMS,
        metrics=(_METRIC,),
        queries=2000,
        max_tokens=128,
        against=("base", UNCUT_BASE),
    )
    corpora = {"other diseases": lab.add_corpus(work / "test"), "tldr": lab.add_corpus(tldr), "built-in": "builtin"}
    for label, corpus in corpora.items():
        yield label, _rows(lab.evaluate(corpus, plan, report.progress), name)


def _rows(result: SweepResult, name: str) -> dict[str, Any]:
    """Base and the run by length, and the run's paired differences against base and against uncut base."""
    values = {"base": {}, "own": {}}  # type: dict[str, dict[str, float]]
    for row in result.rows:
        if row.dim is not None and row.arm in {"base", name}:
            values["base" if row.arm == "base" else "own"][str(row.dim)] = round(row.value, _PLACES)
    differences = [
        {key: round(value, _PLACES) if isinstance(value, float) else value for key, value in asdict(row).items()}
        for row in result.differences
        if row.arm == name
    ]
    return {
        "queries": result.n_queries,
        "documents": result.n_documents,
        **values,
        "differences": [row | {"arm": "own"} for row in differences],
    }


if __name__ == "__main__":
    main()
