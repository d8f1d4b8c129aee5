"""Measure what ships in `assets/results/`: the sweep of the built-in test set, and search times on this machine.

Run it after the collection or an adapter changed: `.venv/bin/python dev/ship_results.py`. Date and machine are
written into the files and shown on the page.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import Settings
from mrl_demo.corpora.builtin import NAME
from mrl_demo.lab.curves import CurvesService, save_text, speed_to_json
from mrl_demo.lab.lab import Lab

_PLACES = 6
_SPEED_SIZE = 100_000


def main() -> None:
    """Write both files; arms whose model or rotation is not there are left out and named."""
    settings = Settings()
    service = CurvesService(Lab(settings))
    curves = service.measure(NAME, _say)
    raw = json.loads(curves.to_json())
    raw["sweep"]["differences"] = [row for row in raw["sweep"]["differences"] if row["precision"] == "float32"]
    folder = settings.assets_dir / "results"
    raw["sweep"]["notes"] = [note.replace(str(settings.assets_dir), "assets") for note in raw["sweep"]["notes"]]
    save_text(folder / f"{NAME}.json", json.dumps(_rounded(raw), ensure_ascii=False))
    save_text(folder / "speed.json", speed_to_json(service.speed(_SPEED_SIZE, _say)))
    print(f"{curves.sweep.seconds:.0f} s for {', '.join(arm.name for arm in curves.sweep.arms)}")
    print(*curves.sweep.notes, sep="\n")


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
