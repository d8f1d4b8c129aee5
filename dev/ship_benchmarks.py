"""Run the benchmarks and keep what they print: `benchmarks/results/NAME.json` with date and machine.

    .venv/bin/python dev/ship_benchmarks.py [NAME ...] [-- OPTIONS OF THE BENCHMARK]

Without names all of `benchmarks/bench_*.py` run, one after the other: about half an hour on an idle machine.
`dev/figures.py` makes the documentation's tables of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.storage import atomic_path

FOLDER = CODE_ROOT / "benchmarks"


def main() -> int:
    """Run the named benchmarks; the exit status is 1 if one failed."""
    given = sys.argv[1:]
    split = given.index("--") if "--" in given else len(given)
    names, options = given[:split], given[split + 1 :]
    names = names or sorted(path.stem for path in FOLDER.glob("bench_*.py"))
    failed = [name for name in names if not keep_result(name, options)]
    for name in failed:
        print(f"{name} failed: its stored result is left as it was.", file=sys.stderr)
    return int(bool(failed))


def keep_result(name: str, options: Sequence[str] = ()) -> bool:
    """Run one benchmark with --json and these options, and store its last line; False if it failed."""
    script = FOLDER / f"{name}.py"
    command = [sys.executable, script, "--json", *options]
    done = subprocess.run(command, cwd=CODE_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        return False
    stored = {
        "what": _first_sentence(script),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": describe_hardware(),
        "result": json.loads(done.stdout.strip().splitlines()[-1]),
    }
    with atomic_path(FOLDER / "results" / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return True


def _first_sentence(script: Path) -> str:
    """The first line of a script's docstring: what it measures."""
    return script.read_text(encoding="utf-8").split('"""')[1].split("\n", 1)[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
