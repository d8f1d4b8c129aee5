"""kill -9 at random moments of two whole servers on one cache, and of training runs: nothing wrong is served after.

In every round two servers encode, fit, write and measure a collection that neither has seen; one or both are killed at
a random moment and started again, and then each of them has to give what an empty cache gives. `--training` kills
tiny training runs instead, goes on where they stopped, and compares the weights with those of a run nobody killed.

    python dev/kill_servers.py --rounds 50
    python dev/kill_servers.py --training --rounds 10
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dev.kill_rounds import fit_without_hurry, write_documents
from mrl_demo.core.config import Settings
from mrl_demo.core.process import prepare_process
from mrl_demo.core.types import FloatMatrix, Progress
from tests.conftest import HashingEncoder
from tests.ui.conftest import free_port

_ARMS = ("tiny", "tiny+pca", "tiny+adapted")
_QUESTIONS = ("river stone", "bread salt oven", "moon tide")
_DOCUMENTS, _PART, _TEXT_SECONDS = 240, 64, 0.004
_PATIENCE_S = 180.0
_CLOSE = 1e-4
Answers = list[list[tuple[str, float]]]


class PatientEncoder(HashingEncoder):
    """Takes its time over documents, as a model does, but not the processor's."""

    def encode_documents(self, texts: list[str], progress: Progress | None = None) -> FloatMatrix:  # type: ignore[override]
        """Some texts at a time, so that a kill may come between two."""
        for start in range(0, len(texts), 16):
            time.sleep(_TEXT_SECONDS * 16)
            if progress:
                progress(start / len(texts), "Encoding")
        return super().encode_documents(texts)


def build_lab(cache: Path, documents: list[Path]) -> Any:  # noqa: ANN401 - imported late, by the servers alone
    """A lab on a cache, with all collections and an arm whose fit no clock cuts short."""
    from mrl_demo.arms import parts
    from mrl_demo.lab.lab import Lab

    fit_without_hurry()
    parts.PART_TEXTS = _PART
    lab = Lab(Settings(cache_dir=cache, training_enabled=False, api_per_minute=100_000))
    lab.encoders.add("tiny", PatientEncoder())
    for path in documents:
        lab.add_corpus(path)
    lab.add_arms(_ARMS)
    return lab


def serve_until_killed(cache: Path, documents: list[Path], port: int, *, has_tabs: bool = True) -> None:
    """A page over that lab, or its named calls alone, until the process is killed."""
    from dataclasses import replace

    from mrl_demo.ui.app import build_app, launch

    faulthandler.enable()
    lab = build_lab(cache, documents)
    page = build_app(lab, documents[0].stem) if has_tabs else build_calls(lab)
    launch(page, replace(lab.settings, port=port))
    while True:
        time.sleep(60)


def build_calls(lab: Any) -> Any:  # noqa: ANN401
    """The six named calls on lines of their own, without the 500 components of the tabs."""
    import gradio as gr

    from mrl_demo.ui.api.endpoints import ApiDesk, add_endpoints
    from mrl_demo.ui.shared.heavy import HeavyLine

    with gr.Blocks(analytics_enabled=False) as blocks:
        add_endpoints(ApiDesk(lab, HeavyLine("builds"), HeavyLine("measurements")))
    return blocks.queue()


@dataclass
class KilledServer:
    """One server on the cache, started again on a new port whenever it was killed."""

    context: Any
    cache: Path
    documents: list[Path]
    has_tabs: bool
    process: BaseProcess | None = None
    url: str = ""

    def start(self) -> None:
        """Start it; `wait` waits until it answers."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self.process = self.context.Process(
            target=serve_until_killed,
            args=(self.cache, self.documents, port),
            kwargs={"has_tabs": self.has_tabs},
            daemon=True,
        )
        self.process.start()

    def wait(self) -> None:
        """Until it answers; raises `RuntimeError` if it ended by itself."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self.process is None or not self.process.is_alive():
                raise RuntimeError(f"the server ended by itself, exit code {self.process and self.process.exitcode}")
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}healthz", timeout=5).status_code == 200:
                    return
            time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def begin(self, call: str, given: dict[str, Any]) -> str:
        """Ask without waiting for the answer; the number of the event."""
        answer = httpx.post(f"{self.url}gradio_api/call/v2/{call}", json=given, timeout=30)
        return str(answer.raise_for_status().json()["event_id"])

    def ask(self, call: str, given: dict[str, Any]) -> dict[str, Any]:
        """The answer, asked for again while another call of this address is under way."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            event = self.begin(call, given)
            text = httpx.get(f"{self.url}gradio_api/call/{call}/{event}", timeout=_PATIENCE_S).text
            if "event: complete" in text:
                (answer,) = json.loads(text.split("event: complete\ndata: ", 1)[1].splitlines()[0])
                return dict(answer)
            if "one at a time" not in text:
                raise RuntimeError(f"{call}: {text[:300]}")
            time.sleep(0.3)
        raise RuntimeError(f"{call}: no answer in {_PATIENCE_S:.0f} s")


@dataclass
class KillRounds:
    """Rounds of killing and looking; `wrong` says in words what was wrong."""

    folder: Path
    rounds: int
    first: int
    draw: random.Random
    has_tabs: bool = False
    wrong: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """All rounds."""
        numbers = range(self.first, self.first + self.rounds)
        documents = [self.folder / f"made-up-{number}.jsonl" for number in numbers]
        for number, path in zip(numbers, documents, strict=True):
            write_documents(path, _DOCUMENTS + number)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.conftest", "mrl_demo.ui.app", "mrl_demo.lab.lab", "faiss", "torch"])
        servers = [KilledServer(context, self.folder / "cache", documents, self.has_tabs) for _ in range(2)]
        clean = build_lab(self.folder / "clean", documents)
        for server in servers:
            server.start()
        for number, path in zip(numbers, documents, strict=True):
            self._round(number, servers, path.stem, _expected(clean, path.stem))
        for server in servers:
            server.kill()
        self.wrong += self._stored_differently()
        return self.wrong

    def _round(self, number: int, servers: list[KilledServer], corpus: str, expected: Answers) -> None:
        for server in servers:
            server.wait()
            server.begin("compare", _comparison(_QUESTIONS[0], corpus))
            server.begin("evaluate", {"arms": ["tiny"], "dims": [8], "metrics": ["overlap@10"], "corpus": corpus})
        pause = self.draw.uniform(0, 3.0)
        time.sleep(pause)
        killed = self.draw.choice([servers[:1], servers[1:], servers])
        for server in killed:
            server.kill()
        for server in killed:
            server.start()
        for place, server in enumerate(servers):
            server.wait()
            if differs := _difference(_answers(server, corpus), expected):
                self.wrong.append(f"round {number}: server {place} after a kill at {pause:.2f} s: {differs}")
        print(f"  round {number}: {len(killed)} killed at {pause:.2f} s, {len(self.wrong)} wrong so far", flush=True)

    def _stored_differently(self) -> list[str]:
        """Vectors and rotations in the servers' cache that differ from those of the clean one, and what was left."""
        clean, cache = self.folder / "clean", self.folder / "cache"
        wrong, compared = [], 0
        for path in sorted(clean.rglob("*.safetensors")):
            other = cache / path.relative_to(clean)
            if not other.is_file():
                continue
            here, there = load_file(path), load_file(other)
            compared += 1
            if here.keys() != there.keys() or any(not np.allclose(here[k], there[k], atol=1e-5) for k in here):
                wrong.append(f"{path.relative_to(clean)} is stored with other numbers")
        print(f"  {compared} stored files compared", flush=True)
        return wrong


def _comparison(question: str, corpus: str) -> dict[str, Any]:
    return {"query": question, "arms": list(_ARMS), "dim": 8, "corpus": corpus, "top_k": 10}


def _difference(answers: Answers, expected: Answers) -> str:
    """What is wrong with the answers, "" if nothing: cosines within 1e-4, texts in an order that such cosines allow.

    Two processes add in different orders, and a cosine that falls on the other side of a rounding is no other answer.
    """
    for got, right in zip(answers, expected, strict=True):
        apart = max(abs(a - b) for (_, a), (_, b) in zip(got, right, strict=True))
        if apart > _CLOSE:
            return f"cosines differ by {apart:.5f}"
        least, cosines = right[-1][1], dict(right)
        for text, cosine in got:
            if abs(cosines.get(text, least) - cosine) > _CLOSE:
                return f"{text} is found with {cosine:.5f} instead of {cosines.get(text)}"
    return ""


def _answers(server: KilledServer, corpus: str) -> Answers:
    return [
        [(hit["id"], hit["score"]) for hit in side["hits"]]
        for question in _QUESTIONS
        for side in server.ask("compare", _comparison(question, corpus))["arms"]
    ]


def _expected(lab: Any, corpus: str) -> Answers:  # noqa: ANN401
    return [
        [(hit.document.id, hit.score) for hit in side.result.hits]
        for question in _QUESTIONS
        for side in lab.compare(question, corpus=corpus, arms=_ARMS, dim=8, top_k=10).arms
    ]


def train_tiny(base: Path, data: Path, cache: Path, out: Path, *, resume: bool) -> None:
    """A training run of seconds."""
    from training.config import TrainConfig
    from training.context import RunContext, RunOptions
    from training.report import Report
    from training.run import train

    config = TrainConfig("tiny").changed(
        base=str(base), data=str(data), dims=(4, 8, 16), batch_size=8, lora_rank=4, steps=16, evaluations=4,
        learning_rate=5e-3,
    )  # fmt: skip
    train(config, RunOptions(out, resume=resume), RunContext(Settings(cache_dir=cache), Report(quiet=True)))


def kill_training(folder: Path, rounds: int, draw: random.Random) -> list[str]:
    """Runs killed at random moments and gone on with, until whole; what was wrong, in words."""
    from tests.training.tiny import make_tiny_model, rows, write_jsonl

    base, data = make_tiny_model(folder / "base"), write_jsonl(folder / "rows.jsonl", rows())
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.conftest", "training.run", "peft", "sentence_transformers"])

    def run(out: Path, *, resume: bool, most: float | None = None) -> tuple[int | None, float]:
        given = (base, data, folder / "cache", out)
        process = context.Process(target=train_tiny, args=given, kwargs={"resume": resume})
        started = time.monotonic()
        process.start()
        process.join(most)
        if process.is_alive():
            process.kill()
        process.join()
        return process.exitcode, time.monotonic() - started

    code, _ = run(folder / "whole", resume=False)
    _, took = run(folder / "again", resume=False)  # The first waited for libraries too.
    if code:
        return [f"the run that nobody killed ended with {code}"]
    expected, wrong = load_file(folder / "whole" / "adapter_model.safetensors"), []
    for number in range(rounds):
        out, pauses = folder / f"killed-{number}", [draw.uniform(0.2, 0.9) * took, draw.uniform(0.2, 0.7) * took]
        codes = [run(out, resume=True, most=pause)[0] for pause in pauses] + [run(out, resume=True)[0]]
        got = load_file(out / "adapter_model.safetensors") if codes[-1] == 0 else {}
        if got.keys() != expected.keys() or any(np.abs(got[name] - expected[name]).max() > 1e-5 for name in got):
            wrong.append(f"round {number}: kills at {pauses}, ended {codes}, other weights")
        print(f"  round {number}: ended {codes}, {len(wrong)} wrong so far", flush=True)
    return wrong


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def main() -> int:
    """Run and say what came of it; 1 if anything was wrong."""
    prepare_process()
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="number of the first round: it decides the documents")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "FOLDER"), help="serve such a page, for other scripts")
    parser.add_argument("--whole-page", action="store_true", help="serve the tabs too; a round takes longer")
    parser.add_argument("--training", action="store_true", help="kill training runs instead")
    options = parser.parse_args()
    if options.serve:
        port, folder = int(options.serve[0]), Path(options.serve[1])
        write_documents(folder / "made-up.jsonl", _DOCUMENTS)
        serve_until_killed(folder / "cache", [folder / "made-up.jsonl"], port)
    started, draw = time.monotonic(), random.Random(options.seed)  # noqa: S311 - not a secret
    with _temporary_folder() as folder:
        rounds: Callable[[], list[str]] = KillRounds(
            folder, options.rounds, options.first, draw, options.whole_page
        ).run
        wrong = kill_training(folder, options.rounds, draw) if options.training else rounds()
    print(f"{options.rounds} rounds in {time.monotonic() - started:.0f} s: {len(wrong)} wrong")
    for words in wrong[:20]:
        print(f"  {words}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
