"""10,000 odd calls of every event and endpoint of a page of its own: words, no inside of the server, no stray file.

python dev/fuzz_calls.py --calls 10000
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.doors.fuzzing import Fuzzer, FuzzTally
from tests.doors.test_fuzz import files_here
from tests.ui.conftest import free_port

#: The last line of a traceback.
_TRACED = re.compile(r"^[\w.]+(?:Error|Exception|Warning)\b.*$", re.MULTILINE)
_ROOT = Path(__file__).resolve().parents[1]


def fuzz_page(
    calls: int, seed: int, keep: Path | None = None, *, is_small: bool = False, batch: int = 500
) -> tuple[FuzzTally, int]:
    """Start a page, send the calls; how they ended, and how many files appeared outside its own folder.

    A small page has a stand-in for a model. The server's log goes to `keep`.
    """
    tally = FuzzTally()
    with tempfile.TemporaryDirectory() as folder:
        before = files_here()
        with _page(Path(folder), is_small=is_small) as (url, process):
            for number in range(0, calls, batch):
                tally.add(Fuzzer(url, seed + number, patience=1.0).run(min(batch, calls - number)))
                status = process.poll()
                if status is not None:
                    tally.faults.append(f"the server ended with status {status}\n{_last_words(Path(folder), tally)}")
                    break
                print(f"  {number + batch:,} calls, {_spent(process.pid)}", flush=True)
        log = (Path(folder) / "log.txt").read_text(errors="replace")
        print(f"  {log.count('Traceback')} tracebacks in the server's log", flush=True)
        for line, count in Counter(_TRACED.findall(log)).most_common(12):
            print(f"    {count} x {line[:160]}")
        if keep:
            keep.write_text(log, encoding="utf-8")
        return tally, len(files_here() - before)


@contextmanager
def _page(folder: Path, *, is_small: bool) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A page of its own without training, its address and process; what it says is in `log.txt`."""
    port = free_port()
    data = {"MRL_CACHE_DIR": f"{folder}/cache", "TMPDIR": str(folder), "GRADIO_TEMP_DIR": f"{folder}/gradio"}
    limits = {"MRL_TRAINING_ENABLED": "0", "MRL_API_PER_MINUTE": "1000000", "MRL_TASK_MINUTES": "1"}
    python = [sys.executable, "-X", "faulthandler"]
    small = [*python, "-m", "dev.kill_servers", "--serve", str(port), str(folder)]
    command = small if is_small else [*python, "app.py", "--port", str(port)]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=_ROOT, env=os.environ | data | limits, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/"
        while not _is_up(url, process):
            time.sleep(0.5)
        yield url, process
    finally:
        process.terminate()
        process.wait(60)


def _last_words(folder: Path, tally: FuzzTally) -> str:
    """The end of the server's log, and the calls before it."""
    log = (folder / "log.txt").read_text(errors="replace")[-4_000:]
    return "\n".join([log, "last calls:", *tally.last])


def _spent(process: int) -> str:
    server = psutil.Process(process)
    times = server.cpu_times()
    return f"{server.memory_info().rss / 2**20:.0f} MB, {times.user + times.system:.0f} s of processor"


def _is_up(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether this process answers, and not another one that took the port meanwhile; True if it has ended."""
    if process.poll() is not None:
        return True
    port = int(url.rstrip("/").rpartition(":")[2])
    if not any(place.laddr.port == port for place in psutil.Process(process.pid).net_connections("tcp")):
        return False
    try:
        with urllib.request.urlopen(f"{url}healthz", timeout=2):  # noqa: S310 - our own loopback address
            return True
    except OSError:
        return False


def main() -> int:
    """Run and say what came of it; 1 if anything gave way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="a page with a stand-in for a model")
    parser.add_argument("--log", type=Path, help="file for what the server says")
    options = parser.parse_args()
    started = time.monotonic()
    tally, strays = fuzz_page(options.calls, options.seed, options.log, is_small=options.small)
    endings = ", ".join(f"{count:,} {kind}" for kind, count in tally.endings.most_common())
    print(f"{options.calls:,} calls in {time.monotonic() - started:.0f} s: {endings}; {strays} stray files")
    for fault in tally.faults[:20]:
        print(f"  {fault}")
    return 1 if tally.faults or strays else 0


if __name__ == "__main__":
    sys.exit(main())
