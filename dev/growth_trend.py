"""How well a straight line through parts of a collection says what lengths keep in the whole of it.

    .venv/bin/python dev/growth_trend.py [--corpus DIR ...] [--arms base,tuned] [--max-tokens 128]

For each collection and arm the shares of 1/64, 1/16 and 1/4 of the documents make a line, which is held against the
share measured in all of them: real documents throughout. The result goes to `benchmarks/results/growth_trend.json`,
which `dev/figures.py` puts into docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.storage import atomic_path
from mrl_demo.evaluation.judging.ranked import QueryDraw
from mrl_demo.lab.lab import Lab
from mrl_demo.scale.growth import Growth, GrowthQuestion, measure_growth


def line_rows(growth: Growth) -> list[dict[str, Any]]:
    """For every length but the full one: the line of the parts at the whole, and what was measured there."""
    x = np.log10(growth.sizes)
    rows = []
    for length in growth.lengths[:-1]:
        shares = [share.value for share in length.kept]
        slope, start = np.polyfit(x[:-1], shares[:-1], 1)
        rows.append(
            {
                "arm": growth.arm,
                "dim": length.dim,
                "sizes": list(growth.sizes),
                "kept": [round(share, 4) for share in shares],
                "line": round(float(np.clip(start + slope * x[-1], 0, 1)), 4),
                "low": round(length.kept[-1].low, 4),
                "high": round(length.kept[-1].high, 4),
            }
        )
    return rows


def main() -> int:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", default=[])
    parser.add_argument("--arms", default="base,tuned")
    parser.add_argument("--max-tokens", type=int, default=0)
    options = parser.parse_args()
    lab = Lab(Settings.from_environment())
    rows = []
    for given in ["builtin", *options.corpus]:
        name = given if given == "builtin" else lab.add_corpus(Path(given))
        for arm in options.arms.split(","):
            draw = QueryDraw(queries=300, max_tokens=0 if name == "builtin" else options.max_tokens)
            growth = measure_growth(lab.builder, lab.corpus(name), GrowthQuestion(arm, draw=draw))
            rows += [{"corpus": name, **row} for row in line_rows(growth)]
            print(growth.sentence(), flush=True)
    stored = {
        "what": "Straight lines through parts of a collection held against the whole",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": describe_hardware(),
        "result": {"rows": rows},
    }
    with atomic_path(CODE_ROOT / "benchmarks" / "results" / "growth_trend.json") as temporary:
        temporary.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    errors = np.array([row["line"] - row["kept"][-1] for row in rows])
    print(
        f"line minus measured: median {np.median(errors):+.3f}, 90% of |error| below "
        f"{np.quantile(np.abs(errors), 0.9):.3f}, worst {errors[np.abs(errors).argmax()]:+.3f} of {len(errors)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
