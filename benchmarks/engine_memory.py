"""Memory of a page's searches over 100,000 documents, without an engine, with a folder of vectors and with PostgreSQL.

    .venv/bin/python benchmarks/engine_memory.py --corpus FOLDER --corpus FOLDER [--n 100000] --json

The documents are those of the collections given, repeated with their number in front until there are enough; their
vectors are those of `base` at 128 tokens, copies with noise, put into a cache folder of the run's own. Each engine is
searched by a process of its own that does nothing else: resident memory in MB, of it anonymous (which the system cannot
take back) and of files (which it can). Then it times the engine as Curves and Decide do, and scores every document
for a few questions as a measurement does: seconds, the most anonymous memory on the way, and what is left afterwards.
PostgreSQL's own memory is that of all its processes, what they share counted once.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil

from benchmarks.bench_engines import postgresql
from benchmarks.bench_funnel import tile_with_noise
from mrl_demo.core.cache import vectors_key
from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.indexes import IndexPlan
from mrl_demo.lab.lab import Lab

_ARM = "base"
_DIMS = (8, 32, 64, 200, 384, 128)
_QUESTIONS = ("how do I list files", "what are the symptoms of asthma", "stop a process", "who is at risk of a stroke")
#: Questions of the measurement: so few that reading the vectors is not lost in what it computes.
_MEASURED = 20


@dataclass(frozen=True)
class TaskCost:
    """What one task of Curves or Decide took: seconds, and anonymous MB before, at most, and after it."""

    engine: str
    task: str
    seconds: float
    before_mb: float
    most_mb: float
    after_mb: float


@dataclass(frozen=True)
class MemoryRun:
    """Files of one run."""

    folder: Path

    @property
    def documents(self) -> Path:
        """The documents as CSV."""
        return self.folder / "documents.csv"

    def settings(self, n: int) -> Settings:
        """A lab over the run's own cache."""
        os.environ |= {"MRL_CACHE_DIR": str(self.folder / "cache"), "MRL_MAX_DOCUMENTS": str(n)}
        return Settings.from_environment()


def prepare_memory(place: MemoryRun, corpora: list[str], n: int) -> None:
    """Write documents and vectors."""
    lab = Lab(Settings.from_environment())
    loaded = [lab.corpus(lab.add_corpus(Path(given)) if Path(given).exists() else given) for given in corpora]
    encoder = lab.builder.with_token_limit(lab.builder.menu.find(_ARM), 128).encoder
    real = np.concatenate([lab.builder.documents(encoder, corpus) for corpus in loaded])
    documents = [document for corpus in loaded for document in corpus.documents]
    with place.documents.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "text"])
        for row in range(n):
            document = documents[row % len(documents)]
            writer.writerow([f"d{row}", f"{row} {document.title}", document.text[:400]])
    mine = Lab(place.settings(n))
    corpus = mine.corpus(mine.add_corpus(place.documents))
    key = vectors_key(
        mine.builder.encoders.encoder(mine.builder.menu.find(_ARM).encoder).fingerprint, corpus.fingerprint, "documents"
    )
    mine.builder.cache.store(key, tile_with_noise(real, len(corpus)))


def load_engine(place: MemoryRun, n: int, url: str) -> None:
    """Put the vectors into the engine."""
    lab = Lab(place.settings(n))
    plan = IndexPlan(dims=(64,), is_approximate=not url.startswith("file:"))
    print(lab.load_index(lab.add_corpus(place.documents), _ARM, url, plan).load.sentence(), file=sys.stderr)


def search_resident(place: MemoryRun, n: int, url: str) -> None:
    """Search, print what is resident, and what tasks over the same documents cost."""
    lab = Lab(place.settings(n))
    name = lab.add_corpus(place.documents)
    before = resident_mb()
    if url:
        lab.add_index(url)
    lab.prepare(name, [_ARM])
    for question in _QUESTIONS:
        for dim in _DIMS:
            side = lab.compare(question, corpus=name, arms=[_ARM], dim=dim).arms[0]
    time.sleep(8)  # A sketch is made in the background.
    lab.compare(_QUESTIONS[0], corpus=name, arms=[_ARM], dim=64)
    engine = side.result.engine.split(",")[0] or "none"
    told = {"engine": engine, "documents_mb": before["all_mb"], **resident_mb()}
    print(json.dumps({"row": told, "tasks": [asdict(cost) for cost in measure_tasks(lab, name, engine)]}))


def measure_tasks(lab: Lab, corpus: str, engine: str) -> list[TaskCost]:
    """Each task twice, as visitors come one after the other."""
    encoder = lab.builder.menu.find(_ARM).encoder
    plan = SweepPlan((_ARM,), queries=_MEASURED, precisions=("float32",))
    tasks: dict[str, Callable[[], object]] = {
        "reading the vectors": lambda: lab.builder.documents(encoder, lab.corpus(corpus)),
        f"a measurement of {_MEASURED} questions": lambda: lab.evaluate(corpus, plan),
    }
    if lab.indexes():
        tasks["timing the engine"] = lambda: lab.engine_speed(corpus, _ARM, (64, 384))
    return [watch_task(engine, name, run) for name, run in tasks.items() for _ in range(2)]


def watch_task(engine: str, name: str, run: Callable[[], object]) -> TaskCost:
    """Run a task and watch the memory of this process meanwhile."""
    before, done = resident_mb()["anonymous_mb"], threading.Event()
    most = [before]

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], resident_mb()["anonymous_mb"])

    watching = threading.Thread(target=watch)
    watching.start()
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    done.set()
    watching.join()
    return TaskCost(engine, name, round(seconds, 2), before, most[0], resident_mb()["anonymous_mb"])


def resident_mb() -> dict[str, float]:
    """Resident MB of this process: all, anonymous, of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    names = {"all_mb": "VmRSS", "anonymous_mb": "RssAnon", "files_mb": "RssFile", "peak_mb": "VmHWM"}
    return {name: round(int(status[line].split()[0]) / 1_000, 1) for name, line in names.items()}


def server_mb(url: str) -> float:
    """MB of all processes of a PostgreSQL on this machine, shared memory counted once."""
    import psycopg

    with psycopg.connect(url.partition("collection=")[0].rstrip("?&")) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    parent = psutil.Process(int((Path(row[0]) / "postmaster.pid").read_text(encoding="ascii").split()[0]))
    processes = [parent, *parent.children(recursive=True)]
    return round(sum(process.memory_full_info().pss for process in processes) / 1e6, 1)


@contextmanager
def engine_in_file(folder: str) -> Iterator[str]:
    """The address of a folder of vectors."""
    yield f"file:{folder}/vectors"


@contextmanager
def engine_in_postgresql(_folder: str) -> Iterator[str]:
    """The address of a table in a PostgreSQL of this run's own."""
    with postgresql() as address:
        yield f"{address}{'&' if '?' in address else '?'}collection=memory"


ENGINES = (engine_in_file, engine_in_postgresql)


def main() -> None:
    """Run all steps, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", default=[])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--step", choices=["prepare", "load", "search"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--url", default="")
    parser.add_argument("--json", action="store_true", help="for dev/ship_benchmarks.py: it always prints JSON")
    options = parser.parse_args()
    steps = {
        "prepare": lambda: prepare_memory(MemoryRun(options.folder), options.corpus or ["builtin"], options.n),
        "load": lambda: load_engine(MemoryRun(options.folder), options.n, options.url),
        "search": lambda: search_resident(MemoryRun(options.folder), options.n, options.url),
    }
    if options.step:
        steps[options.step]()
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure_memory(folder, options.corpus, options.n)))


def measure_memory(folder: str, corpora: list[str], n: int) -> dict[str, Any]:
    """Every engine after the other over the same documents."""
    run_step(["--step", "prepare", *(part for given in corpora for part in ("--corpus", given))], folder, n)
    told = [run_step(["--step", "search"], folder, n)]
    for start in ENGINES:
        with start(folder) as url:
            run_step(["--step", "load", "--url", url], folder, n)
            answer = run_step(["--step", "search", "--url", url], folder, n)
            if url.startswith("postgresql"):
                answer["row"]["server_mb"] = server_mb(url)
            told.append(answer)
    return {
        "rows": [part["row"] for part in told],
        "tasks": [cost for part in told for cost in part["tasks"]],
        "n": n,
        "hardware": describe_hardware(),
    }


def run_step(arguments: list[str], folder: str, n: int) -> Any:  # noqa: ANN401 - JSON
    """One step in a process of its own; gives the last line that it printed."""
    command = [sys.executable, __file__, *arguments, "--folder", folder, "--n", str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else None


if __name__ == "__main__":
    main()
