"""Write assets/results/layers.json: arms over layers and lengths on the built-in test questions, with times by layer.

`.venv/bin/python dev/ship_layers.py [--arms base,tuned-2d]`; on two cores about two minutes an arm.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.command_line import ProgressLine
from mrl_demo.core.config import Settings
from mrl_demo.lab.curves import save_text
from mrl_demo.lab.lab import Lab
from mrl_demo.layers.grid import LAYERS_FILE


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", default="tuned-2d,base", help="arms to measure; others in the file stay")
    wanted = parser.parse_args().arms.split(",")
    settings = Settings.from_environment()
    path = settings.assets_dir / "results" / LAYERS_FILE
    known = json.loads(path.read_text(encoding="utf-8"))["grids"] if path.is_file() else []
    measured = {raw["arm"]: raw for raw in known}
    lab = Lab(settings)
    for name in wanted:
        measured[name] = lab.layers("builtin", name, progress=ProgressLine()).to_dict()
        save_text(path, json.dumps({"grids": list(measured.values())}, ensure_ascii=False))
        print(f"Measured {name}", flush=True)


if __name__ == "__main__":
    main()
