"""Process start -> first result served, and the peak memory of that process.

`app.py` is started as a user starts it, with an empty cache folder unless `--warm`; the clock stops when the page
that it serves holds the first result card. Models load behind it: memory is read then, and once it stands still. Under
`--json` the last line is `{"first_result_s": s, "first_rss_mb": mb, "loaded_rss_mb": mb, "peak_rss_mb": mb}`.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 180
STILL_S = 4


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def served(url: str) -> bool:
    """Whether the page is up and a result card stands in the configuration it is drawn from."""
    try:
        with urllib.request.urlopen(f"{url}config", timeout=10) as answer:  # noqa: S310 - loopback
            return b'class=\\"card' in answer.read()
    except (urllib.error.URLError, OSError):
        return False


def time_start(cache: Path) -> dict[str, float]:
    """Start the app with a cache folder, wait for its first result: seconds and peak MB."""
    port = free_port()
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--cache-dir", str(cache)]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not served(f"http://127.0.0.1:{port}/"):
            if process.poll() is not None or time.perf_counter() - started > LIMIT_S:
                raise SystemExit("app.py did not serve a first result")
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        watched = psutil.Process(process.pid)
        first = watched.memory_info().rss
        loaded, peak = wait_for_rest(watched)
    finally:
        process.terminate()
        process.wait(20)
    sizes = {"first_rss_mb": first, "loaded_rss_mb": loaded, "peak_rss_mb": peak}
    return {"first_result_s": round(seconds, 2), **{name: round(size / 2**20, 1) for name, size in sizes.items()}}


def wait_for_rest(process: psutil.Process) -> tuple[int, int]:
    """Bytes of memory once they have stood still for `STILL_S` seconds, and the most there were."""
    since, size, peak = time.perf_counter(), process.memory_info().rss, 0
    while time.perf_counter() - since < STILL_S:
        time.sleep(0.1)
        now = process.memory_info().rss
        peak = max(peak, now)
        if abs(now - size) > 2**20:
            since, size = time.perf_counter(), now
    return size, peak


def main() -> None:
    """Measure a start with an empty cache and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--warm", action="store_true", help="start once before the start that is measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.warm:
            time_start(Path(folder))
        start = time_start(Path(folder))
    print(f"first result after {start['first_result_s']} s with {start['first_rss_mb']} MB")
    print(f"{start['loaded_rss_mb']} MB once the models are loaded, {start['peak_rss_mb']} MB at most")
    if args.json:
        print(json.dumps(start))


if __name__ == "__main__":
    main()
