"""kill -9 at random moments of encoding, fitting and cache writing: nothing wrong or stale is served afterwards.

Two processes share the cache in every round, so that one is killed while the other may be writing the same files. After
each round a fresh lab on that cache has to give, for every question, what an empty cache gives.

    python dev/kill_rounds.py --rounds 50
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.adapt import AdaptSettings
from mrl_demo.core.config import Settings
from mrl_demo.lab.lab import Lab
from tests.conftest import HashingEncoder

_ARMS = ("tiny", "tiny+pca", "tiny+random", "tiny+adapted")
_FIT_STEPS = 30
_QUESTIONS = ("river stone", "bread salt oven", "moon tide")
_WORDS = (
    "river",
    "stone",
    "bread",
    "salt",
    "oven",
    "moon",
    "tide",
    "wind",
    "glass",
    "root",
    "iron",
    "wool",
    "lamp",
    "seed",
)


def write_documents(path: Path, count: int = 300) -> None:
    """A collection of made-up sentences, the same every time."""
    draw = random.Random(7)  # noqa: S311 - not a secret
    rows = (
        {"_id": str(i), "title": " ".join(draw.choices(_WORDS, k=3)), "text": " ".join(draw.choices(_WORDS, k=9))}
        for i in range(count)
    )
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def fit_without_hurry() -> None:
    """Let fits of `adapted` in this process take few steps and all the time they need, whatever else is running."""
    fit = AdaptSettings(steps=_FIT_STEPS, batch_size=128, time_limit_s=3_600)
    AdaptSettings.for_model = staticmethod(lambda _dims: fit)  # type: ignore[assignment, method-assign]


def answer_questions(documents: Path, cache: Path) -> list[list[tuple[str, float]]]:
    """What a fresh lab on this cache gives: ids and cosines of the first ten, for every arm and question."""
    fit_without_hurry()
    lab = Lab(replace(Settings(), cache_dir=cache))
    lab.encoders.add("tiny", HashingEncoder())
    corpus, answers = lab.add_corpus(documents), []
    arms = lab.add_arms(_ARMS)
    for question in _QUESTIONS:
        for side in lab.compare(question, corpus=corpus, arms=arms, dim=8, top_k=10).arms:
            answers.append([(hit.document.id, round(hit.score, 5)) for hit in side.result.hits])
    return answers


def kill_at_random(documents: Path, cache: Path, longest: float, draw: random.Random) -> float:
    """Two processes fill the cache; one is killed after a random time, the other goes on. Seconds until the kill."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mrl_demo.lab.lab", "tests.conftest"])
    first, second = (context.Process(target=answer_questions, args=(documents, cache)) for _ in range(2))
    for process in (first, second):
        process.start()
    wait = draw.uniform(0, longest)
    time.sleep(wait)
    if first.pid and first.is_alive():
        os.kill(first.pid, signal.SIGKILL)
    if draw.random() < 0.5 and second.pid and second.is_alive():
        os.kill(second.pid, signal.SIGKILL)
    for process in (first, second):
        process.join(120)
    return wait


def run_rounds(rounds: int, seed: int = 0) -> list[str]:
    """Rounds of killing and looking; what was wrong, in words."""
    draw, wrong = random.Random(seed), []  # noqa: S311 - not a secret
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "made-up.jsonl"
        write_documents(documents)
        started = time.monotonic()
        expected = answer_questions(documents, Path(folder) / "clean")
        longest = 1.5 * (time.monotonic() - started)
        for number in range(rounds):
            cache = Path(folder) / f"cache{number % 5}"  # Every cache is met again, with what was left in it.
            wait = kill_at_random(documents, cache, longest, draw)
            if answer_questions(documents, cache) != expected:
                wrong.append(f"round {number}: other answers after a kill at {wait:.2f} s")
            wrong += [f"round {number}: {path.name} was left behind" for path in _left_behind(cache)]
            print(f"  round {number}: killed at {wait:.2f} s, {len(wrong)} wrong so far", flush=True)
    return wrong


def _left_behind(cache: Path) -> Sequence[Path]:
    """Half-written files that nobody will look at again, older than a minute (the young ones may still be written)."""
    old = time.time() - 60
    return [path for path in cache.rglob("*.tmp*") if path.stat().st_mtime < old] if cache.exists() else []


def main() -> int:
    """Run and say what came of it; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    wrong = run_rounds(options.rounds, options.seed)
    print(f"{options.rounds} rounds in {time.monotonic() - started:.0f} s: {len(wrong)} wrong")
    for words in wrong[:20]:
        print(f"  {words}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
