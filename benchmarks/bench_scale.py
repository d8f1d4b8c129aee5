"""Exact evaluation of millions of vectors on disk: time, memory, and what each length keeps as the collection grows.

The documents of the collections given (`--corpus`, twice or more if need be; the built-in one by default) are encoded
by `--arm`, put in an order drawn by lot and filled up to each of `--sizes` with distractors: copies of those documents
that answer none of the drawn questions, mixed with noise that has the collection's spread in every dimension (`NOISE`
of their length). Real text has no such copies, and none that answer better: how quality falls beyond the real
documents is an estimate, and the rows up to their number are not. Vectors are written as float16 shards and measured
by `mrl evaluate --shards` in a process of its own, whose time and largest resident memory are taken; the folder is
removed at the end. Under `--json` the last line is `{"rows": [{"n", "gb_on_disk", "write_s", "evaluate_s",
"cpu_s", "cpu_us_a_vector", "peak_rss_mb"}], "growth": [{"n", "dim", "precision", "ndcg@10", "share", "low", "high",
"recall@10", "overlap@10"}], "real", "queries", "arm", "what"}`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from mrl_demo.core.config import Settings
from mrl_demo.core.shards import ShardAbout, ShardWriter
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.evaluation.judging.metrics import Relevant
from mrl_demo.evaluation.judging.ranked import QueryDraw, load_measured
from mrl_demo.lab.lab import Lab
from mrl_demo.scale.questions import ShardQuestions

#: Length of the noise in a distractor, before it is made a unit row: the cosine with the document copied is about .87.
DISTRACTOR_NOISE = 0.5
_DIMS = (8, 16, 32, 64, 96, 128, 192, 256, 384)
_PRECISIONS = ("float32", "int8", "binary", "binary+rescore")
_METRICS = ("ndcg@10", "recall@10", "overlap@10")
_BLOCK = 8_192


@dataclass(frozen=True)
class ScaleTime:
    """What one size took: writing, and measuring all lengths and precisions in one pass, by the clock and on a core."""

    n: int
    gb_on_disk: float
    write_s: float
    evaluate_s: float
    cpu_s: float
    cpu_us_a_vector: float
    peak_rss_mb: float


@dataclass(frozen=True)
class RealVectors:
    """`documents` `(m, d)` in an order drawn by lot, the `questions` on them, and rows that `may_be_copied`."""

    documents: FloatMatrix
    questions: ShardQuestions
    may_be_copied: IntMatrix


def real_documents(corpora: Sequence[str], arm: str, max_tokens: int, queries: int) -> RealVectors:
    """All collections as one, so many questions of each drawn by lot."""
    lab = Lab(Settings.from_environment())
    documents, questions, pairs = [], [], []
    before = asked = 0
    for given in corpora:
        name = given if given in {choice.name for choice in lab.corpora()} else lab.add_corpus(Path(given))
        draw = QueryDraw(queries=-(-queries // len(corpora)), max_tokens=max_tokens)
        measured = load_measured(lab.builder, lab.corpus(name), arm, draw)
        relevant = measured.judged.relevant
        pairs.append((relevant.query + asked, relevant.document + before, relevant.grade))
        documents.append(measured.vectors.documents)
        questions.append(measured.vectors.queries)
        before, asked = before + len(documents[-1]), asked + len(questions[-1])
    query, document, grade = (np.concatenate(side) for side in zip(*pairs, strict=True))
    order = np.random.default_rng(0).permutation(before)
    place = np.empty(before, dtype=np.int64)
    place[order] = np.arange(before)
    relevant = Relevant(query, place[document], grade, asked)
    ids = tuple(map(str, range(asked)))
    drawn = ShardQuestions(np.concatenate(questions), relevant, ids, np.full(asked, -1))
    copied = np.setdiff1d(np.arange(before), relevant.document)
    return RealVectors(np.concatenate(documents)[order], drawn, copied)


def distractors(real: RealVectors, count: int, seed: int = 1) -> Iterator[FloatMatrix]:
    """`count` unit rows, some thousands at a time: copies of what may be copied, each with noise of its own."""
    random = np.random.default_rng(seed)
    spread = real.documents.std(axis=0)
    spread = (spread / np.linalg.norm(spread) * DISTRACTOR_NOISE).astype(np.float32)
    kept = np.float32(np.sqrt(1 - DISTRACTOR_NOISE**2))
    for start in range(0, count, _BLOCK):
        rows = random.choice(real.may_be_copied, min(_BLOCK, count - start))
        noise = random.standard_normal((len(rows), len(spread)), dtype=np.float32) * spread
        yield normalise(real.documents[rows] * kept + noise)


def write_collection(real: RealVectors, n: int, folder: Path, arm: str) -> float:
    """Write the first `n` rows, real ones first; the seconds it took."""
    started = time.perf_counter()
    with ShardWriter(folder, ShardAbout(arm, "simulated", trained_dims=_DIMS), rows_a_shard=65_536) as writer:
        writer.append(real.documents[:n])
        for part in distractors(real, max(0, n - len(real.documents))):
            writer.append(part)
    real.questions.write(folder)
    return time.perf_counter() - started


@dataclass(frozen=True)
class Pass:
    """One `mrl evaluate --shards` in a process of its own: seconds, processor seconds, largest memory, its result."""

    seconds: float
    cpu_s: float
    rss_mb: float
    result: dict[str, Any]


def run_pass(folder: Path, sizes: Sequence[int]) -> Pass:
    """Measure a folder at these sizes and at its end; exits if the command fails."""
    command = [sys.executable, "-m", "mrl_demo", "evaluate", "--json", "--shards", str(folder)]
    command += ["--dims", ",".join(map(str, _DIMS)), "--precisions", ",".join(_PRECISIONS)]
    command += ["--metrics", ",".join(_METRICS)]
    command += ["--grow", ",".join(map(str, sizes))] if sizes else []
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, cwd=Path(__file__).resolve().parents[1])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"mrl evaluate failed at {folder}.")
        out.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Pass(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024, json.loads(out.read()))


def growth_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Figures of every size, length and precision, with the share of full float32 length's nDCG@10."""
    rows = []
    for point in result["growth"]:
        values = {(row["dim"], row["precision"], row["metric"]): row["value"] for row in point["rows"]}
        for kept in point["retentions"]:
            if kept["metric"] != _METRICS[0]:
                continue
            key = kept["dim"], kept["precision"]
            figures = {metric: round(values[*key, metric], 4) for metric in _METRICS}
            share = {name: round(kept[name], 4) for name in ("value", "low", "high")}
            share["share"] = share.pop("value")
            rows.append({"n": point["n"], "dim": key[0], "precision": key[1], **figures, **share})
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", action="append", default=[], help="a collection (default: builtin)")
    parser.add_argument("--arm", default="tuned")
    parser.add_argument("--max-tokens", type=int, default=0)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--sizes", default="100000,1000000", help="rows, rising")
    parser.add_argument("--at-most-minutes", type=float, default=25, help="leave out what would take longer")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder); removed at the end")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure_size(real: RealVectors, n: int, options: argparse.Namespace) -> tuple[ScaleTime, Pass]:
    """Write `n` rows, measure them, remove them."""
    m = len(real.documents)
    steps = (1_000, 3_000, 10_000, 30_000, m, 100_000, 300_000, 1_000_000, 3_000_000)
    folder = Path(tempfile.mkdtemp(prefix="shards-", dir=options.folder))
    try:
        write_s = write_collection(real, n, folder, options.arm)
        gb = sum(path.stat().st_size for path in folder.iterdir()) / 1e9
        done = run_pass(folder, sorted({size for size in steps if size < n}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    cpu = round(done.cpu_s, 1), round(1e6 * done.cpu_s / n, 2)
    return ScaleTime(n, round(gb, 3), round(write_s, 1), round(done.seconds, 1), *cpu, round(done.rss_mb)), done


def main() -> int:
    """Measure every size; print rows, and the result so far under `--json` after each."""
    options = _options()
    corpora = options.corpus or ["builtin"]
    real = real_documents(corpora, options.arm, options.max_tokens, options.queries)
    m, queries = len(real.documents), len(real.questions.vectors)
    says = (
        f"{options.arm}, {queries} questions, {len(_DIMS)} lengths x 3 precisions (binary also rescored) in one pass; "
    )
    says += f"{m:,} real documents ({', '.join(Path(name).name for name in corpora)}), the rest copies with noise."
    rows: list[ScaleTime] = []
    for n in sorted(int(size) for size in options.sizes.split(",")):
        if rows and rows[-1].evaluate_s * n / rows[-1].n > 60 * options.at_most_minutes:
            print(f"{n:,} would take more than {options.at_most_minutes} minutes: left out.", file=sys.stderr)
            break
        row, done = measure_size(real, n, options)
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
        record = {"rows": [asdict(each) for each in rows], "growth": growth_rows(done.result)}
        record |= {"real": m, "queries": queries, "arm": options.arm, "what": says}
        print(json.dumps(record) if options.json else json.dumps(record["rows"], indent=1), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
