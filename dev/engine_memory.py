"""Memory of a page's searches over 100,000 documents, with and without an engine: resident bytes after 24 searches.

    .venv/bin/python dev/engine_memory.py --corpus FOLDER --corpus FOLDER [--n 100000] [--engine postgresql]

The documents are those of the collections given, repeated with their number in front until there are enough; their
vectors are those of `base` at 128 tokens, copies with noise, put into a cache folder of the run's own. The engine is a
folder of vectors, or a PostgreSQL of the run's own. Each search runs in a process of its own that does nothing else:
resident memory in MB, of it anonymous (which the system cannot take back) and of files (which it can).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.bench_engines import postgresql
from benchmarks.bench_funnel import tile_with_noise
from mrl_demo.core.cache import vectors_key
from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.lab.indexes import IndexPlan
from mrl_demo.lab.lab import Lab

_ARM = "base"
_DIMS = (8, 32, 64, 200, 384, 128)
_QUESTIONS = ("how do I list files", "what are the symptoms of asthma", "stop a process", "who is at risk of a stroke")


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
    loaded = [lab.corpus(lab.add_corpus(Path(given))) for given in corpora]
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
    """Search and print what is resident."""
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
    told = {"engine": side.result.engine, "documents_mb": before["all_mb"], **resident_mb()}
    print(json.dumps(told))


def resident_mb() -> dict[str, float]:
    """Resident MB of this process: all, anonymous, of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    names = {"all_mb": "VmRSS", "anonymous_mb": "RssAnon", "files_mb": "RssFile", "peak_mb": "VmHWM"}
    return {name: round(int(status[line].split()[0]) / 1_000, 1) for name, line in names.items()}


@contextmanager
def engine_in_file(folder: str) -> Iterator[str]:
    """The address of a folder of vectors."""
    yield f"file:{folder}/vectors"


@contextmanager
def engine_in_postgresql(_folder: str) -> Iterator[str]:
    """The address of a table in a PostgreSQL of this run's own."""
    with postgresql() as address:
        yield f"{address}{'&' if '?' in address else '?'}collection=memory"


ENGINES = {"file": engine_in_file, "postgresql": engine_in_postgresql}


def main() -> None:
    """Run all steps, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", default=[])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--step", choices=["prepare", "load", "search"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--url", default="")
    parser.add_argument("--engine", choices=ENGINES, default="file")
    options = parser.parse_args()
    steps = {
        "prepare": lambda: prepare_memory(MemoryRun(options.folder), options.corpus or ["builtin"], options.n),
        "load": lambda: load_engine(MemoryRun(options.folder), options.n, options.url),
        "search": lambda: search_resident(MemoryRun(options.folder), options.n, options.url),
    }
    if options.step:
        steps[options.step]()
        return
    with tempfile.TemporaryDirectory() as folder, ENGINES[options.engine](folder) as url:
        corpora = [part for given in options.corpus for part in ("--corpus", given)]
        run_step(["--step", "prepare", *corpora], folder, options.n)
        run_step(["--step", "load", "--url", url], folder, options.n)
        alone = run_step(["--step", "search"], folder, options.n)
        beside = run_step(["--step", "search", "--url", url], folder, options.n)
    print(json.dumps({"n": options.n, "hardware": describe_hardware(), "alone": alone, "with_engine": beside}))


def run_step(arguments: list[str], folder: str, n: int) -> object:
    """One step in a process of its own; gives the last line that it printed."""
    command = [sys.executable, __file__, *arguments, "--folder", folder, "--n", str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else None


if __name__ == "__main__":
    main()
